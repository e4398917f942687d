// Prevents: a package that does not load, or does not serve, on a runtime or peer it promises.
// Arguments narrow the matrix: `node scripts/package-matrix.mjs node-20 nest-11 koa-2`.
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from './pack.mjs';

const PROBES = fileURLToPath(new URL('../test/packaging/matrix', import.meta.url));

const NODE = { 'node-20': '20.19.0', 'node-22': '22', 'node-24': '24', 'node-26': '26' };
const NEST = { 'nest-11': '^11.2.0', 'nest-12': '^12.0.0' };
const KOA = { 'koa-2': '~2.16.0', 'koa-3': '^3.0.0' };

/** What an installation may say: none of it is about this package, `file-type` is Nest's. */
const HARMLESS =
  /.*(Unknown (user|env|project) config|install-scripts|npm notice).*|npm warn EBADENGINE Unsupported engine \{\n.*'file-type@.*\n(.*\n){2}.*\}/g;

const wanted = process.argv.slice(2);
const isWanted = (name) =>
  !wanted.some((each) => each.startsWith(name.split('-')[0])) || wanted.includes(name);
const names = (axis) => Object.keys(axis).filter(isWanted);

const folder = mkdtempSync(join(tmpdir(), 'package-matrix-'));
const rows = [];
try {
  const { tarball } = pack(folder);
  const runtimes = names(NODE).map((name) => ({ name, program: installNode(name) }));
  for (const nest of names(NEST)) {
    for (const koa of names(KOA)) {
      const application = installApplication(tarball, nest, koa);
      for (const runtime of runtimes) rows.push(await tryCell(application, runtime, nest, koa));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

console.table(rows.map(({ problem: _problem, ...row }) => row));
const failed = rows.filter(({ problem }) => problem !== undefined);
for (const row of failed) console.error(`\n${row.node}, ${row.nest}, ${row.koa}:\n${row.problem}`);
console.log(`${rows.length - failed.length} of ${rows.length} cells work.`);
process.exitCode = rows.length > 0 && failed.length === 0 ? 0 : 1;

/** The runtime as npm carries it: a package with nothing but the program. */
function installNode(name) {
  const home = join(folder, name);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  const system = process.platform === 'win32' ? 'win' : process.platform;
  npmInstall(home, [`node-${system}-${process.arch}@${NODE[name]}`]);
  const bin = join(home, 'node_modules', `node-${system}-${process.arch}`, 'bin');
  return join(bin, process.platform === 'win32' ? 'node.exe' : 'node');
}

/** An application's folder with the packed package and its peers, and no more. */
function installApplication(tarball, nest, koa) {
  const home = join(folder, `${nest}-${koa}`);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  const nestPackages = ['common', 'core'].map((each) => `@nestjs/${each}@${NEST[nest]}`);
  const said = npmInstall(home, [
    tarball,
    `koa@${KOA[koa]}`,
    ...nestPackages,
    'reflect-metadata@^0.2.0',
    'rxjs@^7.2.0',
  ]);
  cpSync(PROBES, home, { recursive: true });
  return { home, warnings: said.replaceAll(HARMLESS, '').trim() };
}

function npmInstall(home, packages) {
  const options = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
  // What npm warns of goes to stderr, which is wanted as well.
  const script = `npm install ${options.join(' ')} ${packages.map(quoted).join(' ')} 2>&1 >/dev/null`;
  return execFileSync(script, { cwd: home, encoding: 'utf8', shell: true });
}

function quoted(text) {
  return process.platform === 'win32' ? `"${text}"` : `'${text}'`;
}

async function tryCell({ home, warnings }, { program }, nest, koa) {
  const version = (name) =>
    JSON.parse(readFileSync(join(home, 'node_modules', name, 'package.json'), 'utf8')).version;
  const row = {
    node: execFileSync(program, ['--version'], { encoding: 'utf8' }).trim(),
    nest: `${nest} (${version('@nestjs/core')})`,
    koa: `${koa} (${version('koa')})`,
  };
  const problems = [];
  if (warnings !== '') problems.push(`npm install warned:\n${warnings}`);
  for (const [kind, file] of [
    ['import', 'import.mjs'],
    ['require', 'require.cjs'],
  ]) {
    const { failed, output } = await run(program, join(home, file));
    row[kind] = failed ? 'FAILS' : 'works';
    if (failed) problems.push(output);
    else if (output.includes('Warning')) problems.push(`Node warned:\n${output}`);
  }
  return problems.length > 0 ? { ...row, problem: problems.join('\n') } : row;
}

function run(program, file) {
  return new Promise((resolve) => {
    execFile(program, [file], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({
        failed: error !== null,
        output: `${stdout}${stderr}${error ? error.message : ''}`,
      });
    });
  });
}
