// Prevents: a package that does not load, or does not serve, on a runtime or peer it promises.
// Arguments narrow the matrix: `node scripts/package-matrix.mjs node-20 nest-11 koa-2`; with
// `--results=FILE` the sums of all cells are written there, in the shape of Jest's report.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inParallel } from './in-parallel.mjs';
import { pack } from './pack.mjs';

const PROBES = fileURLToPath(new URL('../test/packaging/matrix', import.meta.url));

const NODE = { 'node-20': '20.19.0', 'node-22': '22', 'node-24': '24', 'node-26': '26' };
const NEST = { 'nest-11': '^11.2.0', 'nest-12': '^12.0.0' };
const KOA = { 'koa-2': '~2.16.0', 'koa-3': '^3.0.0' };

/** What an installation may say: none of it is about this package, `file-type` is Nest's. */
const HARMLESS =
  /.*(Unknown (user|env|project) config|install-scripts|npm notice).*|npm warn EBADENGINE Unsupported engine \{\n.*'file-type@.*\n(.*\n){2}.*\}/g;

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { results: { type: 'string' } },
});
const unknown = wanted.find((name) => !(name in { ...NODE, ...NEST, ...KOA }));
if (unknown !== undefined) throw new Error(`the matrix has no "${unknown}"`);

const folder = mkdtempSync(join(tmpdir(), 'package-matrix-'));
try {
  report(await tryAll());
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The names of one axis that were asked for; all of them, where none was. */
function names(axis) {
  const all = Object.keys(axis);
  return all.some((name) => wanted.includes(name))
    ? all.filter((name) => wanted.includes(name))
    : all;
}

async function tryAll() {
  const { tarball } = pack(folder);
  const pairs = names(NEST).flatMap((nest) => names(KOA).map((koa) => ({ nest, koa })));
  const installations = [
    ...names(NODE).map((name) => () => installNode(name)),
    ...pairs.map((pair) => () => installApplication(tarball, pair)),
  ];
  const installed = await inParallel(installations, (install) => install());
  const runtimes = installed.splice(0, names(NODE).length);
  const cells = installed.flatMap((application) =>
    runtimes.map((runtime) => ({ application, runtime })),
  );
  return inParallel(cells, tryCell);
}

/** The runtime as npm carries it: a package with nothing but the program. */
async function installNode(name) {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const carrier = `node-${system}-${process.arch}`;
  const { home } = await npmInstall(name, [`${carrier}@${NODE[name]}`]);
  const bin = join(home, 'node_modules', carrier, 'bin');
  const program = join(bin, process.platform === 'win32' ? 'node.exe' : 'node');
  const { output } = await run(program, ['--version']);
  return { program, version: output.trim() };
}

/** An application's folder with the packed package and its peers, and no more. */
async function installApplication(tarball, { nest, koa }) {
  const { home, said } = await npmInstall(`${nest}-${koa}`, [
    ...[tarball, `koa@${KOA[koa]}`],
    ...['common', 'core'].map((each) => `@nestjs/${each}@${NEST[nest]}`),
    ...['reflect-metadata@^0.2.0', 'rxjs@^7.2.0'],
  ]);
  cpSync(PROBES, home, { recursive: true });
  return { home, warnings: said.replaceAll(HARMLESS, '').trim() };
}

async function npmInstall(name, packages) {
  const home = join(folder, name);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
  const { failed, output, complaints } = await run('npm', ['install', ...flags, ...packages], home);
  if (failed) throw new Error(`npm install ${packages.join(' ')} failed:\n${output}`);
  return { home, said: complaints };
}

async function tryCell({ application: { home, warnings }, runtime }) {
  const version = (name) =>
    JSON.parse(readFileSync(join(home, 'node_modules', name, 'package.json'), 'utf8')).version;
  const row = { node: runtime.version, nest: version('@nestjs/core'), koa: version('koa') };
  const problems = [];
  if (warnings !== '') problems.push(`npm install warned:\n${warnings}`);
  for (const [kind, file] of [
    ['import', 'import.mjs'],
    ['require', 'require.cjs'],
  ]) {
    const { failed, output } = await run(runtime.program, [join(home, file)]);
    row[kind] = failed ? 'FAILS' : 'works';
    if (failed) problems.push(output);
    else if (output.includes('Warning')) problems.push(`Node warned:\n${output}`);
  }
  return { row, problem: problems.join('\n') };
}

function run(program, args, cwd = folder) {
  return new Promise((resolve) => {
    // npm is a script that only a shell finds on Windows.
    const shell = process.platform === 'win32' && program === 'npm';
    execFile(program, args, { cwd, shell, timeout: 120_000 }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}${error ? error.message : ''}`;
      resolve({ failed: error !== null, output, complaints: stderr });
    });
  });
}

function report(cells) {
  console.table(cells.map(({ row }) => row));
  const failures = cells.filter(({ problem }) => problem !== '');
  for (const { row, problem } of failures) {
    console.error(`\nNode ${row.node}, Nest ${row.nest}, Koa ${row.koa}:\n${problem}`);
  }
  const passed = cells.length - failures.length;
  console.log(`${passed} of ${cells.length} cells work.`);
  if (options.results !== undefined) {
    const sums = { numPassedTests: passed, numFailedTests: failures.length, numPendingTests: 0 };
    writeFileSync(options.results, JSON.stringify(sums));
  }
  process.exitCode = cells.length > 0 && failures.length === 0 ? 0 : 1;
}
