import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// A program of its own, since merging into SessionData types every session of a program.
const PROJECT = fileURLToPath(new URL('./cases', import.meta.url));
/** What applications that ask for no more than `strict` leave out. */
const STRICT_ALONE = [
  '--exactOptionalPropertyTypes',
  'false',
  '--noUncheckedIndexedAccess',
  'false',
];

describe('the types', () => {
  it.each([
    ['the checks of this package', []],
    ['strict alone', STRICT_ALONE],
  ])(
    'accept what is right and refuse what is marked with @ts-expect-error, with %s',
    (_, flags) => {
      const tsc = join(createRequire(import.meta.url).resolve('typescript'), '../../bin/tsc');
      const arguments_ = [tsc, '--project', PROJECT, '--noEmit', '--pretty', 'false', ...flags];
      const { stdout } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
      expect(stdout).toBe('');
    },
    120_000,
  );
});
