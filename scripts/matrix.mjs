// Prevents: a Koa adapter that only runs on the versions of Nest and Koa that happen to be installed.
// Arguments narrow the matrix, for instance `node scripts/matrix.mjs nest-11 koa-2`.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

const wanted = process.argv.slice(2);
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

async function prepare(cell) {
  const folder = mkdtempSync(join(tmpdir(), `matrix-${cell.nest}-${cell.koa}-`));
  const pack = { private: true, type: 'module', dependencies: packagesOf(cell) };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(pack, null, 2));
  for (const path of COPIED) cpSync(join(root, path), join(folder, path), { recursive: true });
  const { default: base } = await import(join(root, 'jest.config.js'));
  writeFileSync(
    join(folder, 'jest.config.json'),
    JSON.stringify(jestConfig(folder, base), null, 2),
  );
  const options = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  const install = spawn('npm', ['install', ...options], { cwd: folder, stdio: 'inherit' });
  const code = await new Promise((resolve) => install.on('close', resolve));
  if (code !== 0) throw new Error(`npm install failed for ${cell.name}`);
  return folder;
}

function versionIn(folder, name) {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
    .version;
}

function test(folder) {
  const { status } = spawnSync(
    process.execPath,
    [
      ...['--experimental-vm-modules', '--no-warnings=ExperimentalWarning'],
      require.resolve('jest/bin/jest'),
      ...['--config', join(folder, 'jest.config.json'), '--runInBand', '--silent'],
    ],
    // A suite that hangs fails its cell, instead of holding up the others.
    { cwd: folder, stdio: 'inherit', timeout: 240_000 },
  );
  return status === 0;
}

const results = [];
// One after the other: the machines that run this have few cores.
for (const cell of cells) {
  const folder = await prepare(cell);
  try {
    const started = Date.now();
    const versions = ['@nestjs/core', 'koa'].map((name) => `${name} ${versionIn(folder, name)}`);
    console.log(`\n${versions.join(', ')}`);
    const passed = test(folder);
    results.push({ versions: versions.join(', '), passed, seconds: (Date.now() - started) / 1000 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.table(results);
process.exit(results.length > 0 && results.every(({ passed }) => passed) ? 0 : 1);
