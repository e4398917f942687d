// Prevents: a Koa adapter that only runs on the versions of Nest and Koa that happen to be installed.
// Arguments narrow the matrix, for instance `node scripts/matrix.mjs nest-11 koa-2`; with
// `--results=FILE` the sums of all cells are written there, in the shape of Jest's report.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const NEST = { 'nest-11': '~11.2.0', 'nest-12': '~12.5.0' };
const KOA = { 'koa-2': '~2.16.0', 'koa-3': '~3.3.0' };

/** What the adapter suite is made of; it runs from copies, next to the packages of its cell. */
const COPIED = [
  'lib/errors.ts',
  'lib/platform-koa',
  'test/lib/platform-koa',
  'docs/platform-koa.md',
];
/** What the suite needs beside the adapter's own dependencies, as this package has them. */
const BESIDE = ['ejs', 'fast-check', 'multer', 'pug', 'reflect-metadata', 'rxjs'];

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { results: { type: 'string' } },
});
const cells = Object.keys(NEST)
  .flatMap((nest) => Object.keys(KOA).map((koa) => ({ name: `${nest} ${koa}`, nest, koa })))
  .filter(({ nest, koa }) => wanted.every((name) => name === nest || name === koa));

function packagesOf({ nest, koa }) {
  const versions = { ...manifest.dependencies };
  for (const name of ['@types/koa', 'uuid']) delete versions[name];
  for (const name of BESIDE) versions[name] = manifest.devDependencies[name];
  for (const name of ['common', 'core', 'platform-express'])
    versions[`@nestjs/${name}`] = NEST[nest];
  versions.koa = KOA[koa];
  return versions;
}

/** Jest and its transform come from this package, everything they test from the cell. */
function jestConfig(folder, base) {
  const transform = Object.fromEntries(
    Object.entries(base.transform).map(([pattern, [name, options]]) => [
      pattern,
      [require.resolve(name), options],
    ]),
  );
  return {
    ...base,
    rootDir: folder,
    testEnvironment: require.resolve('jest-environment-node'),
    transform,
  };
}

async function prepare(folder, cell) {
  const pack = { private: true, type: 'module', dependencies: packagesOf(cell) };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(pack, null, 2));
  for (const path of COPIED) cpSync(join(root, path), join(folder, path), { recursive: true });
  const { default: base } = await import(join(root, 'jest.config.js'));
  writeFileSync(
    join(folder, 'jest.config.json'),
    JSON.stringify(jestConfig(folder, base), null, 2),
  );
  const quick = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
  const install = await run(folder, 'npm', ['install', ...quick, '--loglevel=error']);
  if (install.code !== 0)
    throw new Error(`npm install failed for ${cell.name}:\n${install.output}`);
}

function versionIn(folder, name) {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
    .version;
}

function test(folder, report) {
  return run(folder, process.execPath, [
    ...['--experimental-vm-modules', '--no-warnings=ExperimentalWarning'],
    require.resolve('jest/bin/jest'),
    ...['--config', join(folder, 'jest.config.json'), '--runInBand', '--silent'],
    ...['--json', `--outputFile=${report}`],
  ]);
}

/** What the program says is kept together: two cells are at work at a time. */
function run(cwd, program, args) {
  return new Promise((resolve) => {
    // A suite that hangs fails its cell, instead of holding up the others.
    const limits = { timeout: 300_000, maxBuffer: 64 * 1024 * 1024 };
    execFile(program, args, { cwd, ...limits }, (error, stdout, stderr) => {
      const reason = error?.killed ? `\n${program} was stopped after ${limits.timeout} ms` : '';
      // With --json, Jest prints its report to stdout, which the file has as well.
      const output = args.includes('--json') ? stderr : `${stdout}${stderr}`;
      resolve({ code: error === null ? 0 : (error.code ?? 1), output: `${output}${reason}` });
    });
  });
}

async function tryCell(cell) {
  const folder = mkdtempSync(join(tmpdir(), `matrix-${cell.nest}-${cell.koa}-`));
  const started = Date.now();
  const row = { cell: cell.name, versions: '', passed: 0, failed: 1, skipped: 0 };
  try {
    await prepare(folder, cell);
    row.versions = ['@nestjs/core', 'koa'].map((n) => `${n} ${versionIn(folder, n)}`).join(', ');
    const report = join(folder, 'report.json');
    const { code, output } = await test(folder, report);
    console.log(`\n${row.versions}\n${output}`);
    Object.assign(row, countsOf(report));
    if (code !== 0 && row.failed === 0) {
      row.failed = 1;
      console.error(`${cell.name}: Jest's exit code is ${code} although no test failed.`);
    }
  } catch (error) {
    console.error(`\n${cell.name}: ${error.message}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { ...row, seconds: Math.round((Date.now() - started) / 1000) };
}

function countsOf(report) {
  const counts = JSON.parse(readFileSync(report, 'utf8'));
  return {
    passed: counts.numPassedTests,
    failed: counts.numFailedTests + counts.numRuntimeErrorTestSuites,
    skipped: counts.numPendingTests,
  };
}

/** While one cell waits for its packages or for a timer of a test, another computes. */
async function tryAll() {
  const rows = [];
  const queue = [...cells];
  const workers = Array.from({ length: Math.min(availableParallelism(), 4) }, async () => {
    for (let cell = queue.shift(); cell !== undefined; cell = queue.shift())
      rows.push(await tryCell(cell));
  });
  await Promise.all(workers);
  return rows;
}

const rows = await tryAll();
console.table(rows);
const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
if (options.results !== undefined) {
  const sums = {
    numPassedTests: sum('passed'),
    numFailedTests: sum('failed'),
    numPendingTests: sum('skipped'),
  };
  writeFileSync(options.results, JSON.stringify(sums));
}
process.exitCode = rows.length > 0 && sum('failed') === 0 ? 0 : 1;
