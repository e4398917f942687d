// Prevents: a README that a new user follows and gets nowhere. In empty folders: what `nest new`
// makes is moved to Koa with sessions by the README's own commands and files, in TypeScript (ES
// modules and CommonJS) and in plain JavaScript; and its two short examples run as they stand.
import { execFileSync, execSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { pack } from './pack.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const NPM = '--no-audit --no-fund --loglevel=error --prefer-offline';
/** What `nest new` brings for tests and style; nothing here uses it, and it takes minutes. */
const UNUSED =
  /^(jest|vitest|vite-.*|@vitest\/.*|oxlint.*|prettier|supertest|ts-jest|ts-loader|ts-node|tsconfig-paths|nodemon|source-map-support|@nestjs\/(mau|testing)|@types\/(jest|supertest))$/;

const folder = mkdtempSync(join(tmpdir(), 'try-readme-'));
try {
  const { tarball } = pack(folder);
  await tryNestNew('TypeScript, ES modules', ['--type=esm'], tarball, 'ts', 'dist/main.js');
  await tryNestNew('TypeScript, CommonJS', ['--type=cjs'], tarball, 'ts', 'dist/main.js');
  await tryNestNew('JavaScript', ['--language=js'], tarball, 'js', 'index.js');
  await tryExamples(tarball);
  console.log('Who follows the README gets there.');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function tryNestNew(title, flags, tarball, language, main) {
  const name = title.toLowerCase().replace(/\W+/g, '-');
  const home = join(folder, name);
  const schematics = createRequire(import.meta.url).resolve(
    '@angular-devkit/schematics-cli/bin/schematics.js',
    { paths: [dirname(createRequire(import.meta.url).resolve('@nestjs/cli/package.json'))] },
  );
  // What `nest new` itself runs; only here the kind of modules can be chosen without a question.
  const args = [
    '@nestjs/schematics:application',
    ...[`--name=${name}`, `--directory=${name}`],
    ...[...flags, '--no-dry-run'],
  ];
  execFileSync(process.execPath, [schematics, ...args], { cwd: folder, stdio: 'pipe' });
  leaveOutUnused(home);
  if (language === 'js') mendBabel(home);
  run(home, `npm install ${NPM}`);
  for (const command of commandsBelow('## Into an application that exists')) {
    run(home, `${command.replace(/\bnestjs-koa-session\b/, tarball)} ${NPM}`);
  }
  for (const [name, code] of filesFor(language)) writeFileSync(join(home, name), code);
  if (language === 'ts') run(home, 'npm run build');
  await countsVisits(title, home, [main], ['Hello World! 1', 'Hello World! 2', 'Hello World! 3']);
}

async function tryExamples(tarball) {
  const home = join(folder, 'examples');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"type":"module","private":true}');
  run(home, `npm install ${NPM} ${tarball} koa @nestjs/common @nestjs/core reflect-metadata rxjs`);
  const views = ['1 views', '2 views', '3 views'];
  for (const heading of ['## In a Nest application', '## In a Koa application']) {
    const [, language, code] = /```(ts|js)\n([\s\S]*?)```/.exec(sectionOf(heading));
    const main = join(home, `${heading.replace(/\W+/g, '')}.js`);
    const listening = code.replace('listen(3000)', 'listen(process.env.PORT)');
    writeFileSync(main, language === 'ts' ? asJavaScript(listening) : listening);
    await countsVisits(heading.slice(3), home, [main], views);
  }
}

/** Takes the tools for tests and style out of a new application. */
function leaveOutUnused(home) {
  const path = join(home, 'package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const kept = Object.entries(manifest.devDependencies).filter(([name]) => !UNUSED.test(name));
  writeFileSync(path, JSON.stringify({ ...manifest, devDependencies: Object.fromEntries(kept) }));
  // Their files would not compile without them.
  rmSync(join(home, 'test'), { recursive: true, force: true });
  for (const file of ['src/app.controller.spec.ts', 'vitest.config.ts', 'vitest.config.e2e.ts'])
    rmSync(join(home, file), { force: true });
  rmSync(join(home, 'jest.config.ts'), { force: true });
  const tsconfig = join(home, 'tsconfig.json');
  try {
    const text = readFileSync(tsconfig, 'utf8');
    writeFileSync(tsconfig, text.replace(/"types": \[[^\]]*\]/, '"types": ["node"]'));
  } catch {
    // Plain JavaScript has none.
  }
}

/**
 * `nest new --language js` (schematics 12.0.6) installs Babel 8 and configures it as Babel 7, so
 * what it makes does not start. This is the same configuration, in Babel 8's words.
 */
function mendBabel(home) {
  const decorators = ['@babel/plugin-proposal-decorators', { version: 'legacy' }];
  const plugins = [decorators, '@babel/plugin-transform-runtime'];
  const presets = [['@babel/preset-env', { targets: { node: 'current' } }]];
  writeFileSync(join(home, '.babelrc'), JSON.stringify({ presets, plugins }));
}

function sectionOf(heading) {
  const start = README.indexOf(`${heading}\n`);
  if (start === -1) throw new Error(`README.md has no section "${heading}"`);
  return README.slice(start, README.indexOf('\n## ', start));
}

function commandsBelow(heading) {
  const [, commands = ''] = /```sh\n([\s\S]*?)```/.exec(sectionOf(heading)) ?? [];
  return commands.trim().split('\n');
}

function filesFor(language) {
  const pattern = new RegExp(`\`\`\`${language}\\n// (src/[\\w.]+)\\n([\\s\\S]*?)\`\`\``, 'g');
  const files = Array.from(README.matchAll(pattern), ([, name, code]) => [name, code]);
  if (files.length < 3) throw new Error(`README.md lacks files in ${language}`);
  return files;
}

function asJavaScript(code) {
  const { ES2022, ESNext } = { ...ts.ScriptTarget, ESNext: ts.ModuleKind.ESNext };
  return ts.transpileModule(code, {
    compilerOptions: {
      target: ES2022,
      module: ESNext,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  }).outputText;
}

function run(cwd, command) {
  try {
    execSync(command, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${command} failed:\n${error.stdout}${error.stderr}`, { cause: error });
  }
}

/** Starts a program and visits it three times with one cookie jar. */
async function countsVisits(title, home, args, expected) {
  const port = await freePort();
  const child = spawn(process.execPath, args, {
    cwd: home,
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
  const ended = once(child, 'exit');
  try {
    const answers = [];
    let cookie = '';
    while (answers.length < expected.length) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie } }).catch(
        () => undefined,
      );
      if (child.exitCode !== null) throw new Error(`${title}: it ended\n${printed}`);
      if (answer === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      answers.push(await answer.text());
      cookie = answer.headers
        .getSetCookie()
        .map((line) => line.split(';')[0])
        .join('; ');
    }
    if (answers.join() !== expected.join()) {
      throw new Error(`${title}: it answers ${answers.join()}\n${printed}`);
    }
    console.log(`${title}: ${answers.join(', ')}`);
  } finally {
    child.kill();
    await ended;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
