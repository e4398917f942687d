import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type PackedPackage, packPackage, ROOT } from './packed.js';

let packed: PackedPackage;

beforeAll(() => {
  packed = packPackage();
});

afterAll(() => packed.remove());

function run(program: string, ...args: string[]): string {
  const file = join(ROOT, 'node_modules', program);
  return execFileSync(process.execPath, [file, ...args], { encoding: 'utf8', cwd: ROOT });
}

it('publint finds nothing to say about the tarball', () => {
  const said = run('publint/src/cli.js', packed.tarball, '--strict');
  expect(said).toMatch(/All good!/);
});

// The profile leaves out what can't be helped: TypeScript before 5.8 refuses to let CommonJS
// require() an ES module, which Node itself does since 20.19.
it('every subpath has types that TypeScript finds as Node finds the code', () => {
  const said = run(
    '@arethetypeswrong/cli/dist/index.js',
    packed.tarball,
    ...['--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'],
    '--no-definitely-typed',
    ...['--entrypoints', ...packed.subpaths],
  );
  expect(said.match(/node16 \(from ESM\): OK \(ESM\)/g)).toHaveLength(packed.subpaths.length);
  expect(said.match(/bundler: OK/g)).toHaveLength(packed.subpaths.length);
});
