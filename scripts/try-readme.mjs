// Prevents: a README that a new user follows and gets nowhere. The first of its two commands serves
// what it says. In empty folders: what `nest new` makes is moved to Koa with sessions by the README's
// own commands and files, in TypeScript (ES modules and CommonJS) and in plain JavaScript; and its
// two short examples run as they stand.
import { exec, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { inParallel } from './in-parallel.mjs';
import { pack } from './pack.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const NPM = '--no-audit --no-fund --loglevel=error --prefer-offline';
/** What `nest new` brings for tests and style; nothing here uses it, and it takes minutes. */
const UNUSED =
  /^(jest|vitest|vite-.*|@vitest\/.*|oxlint.*|prettier|supertest|ts-jest|ts-loader|ts-node|tsconfig-paths|nodemon|source-map-support|@nestjs\/(mau|testing)|@types\/(jest|supertest))$/;

const folder = mkdtempSync(join(tmpdir(), 'try-readme-'));
try {
  // Builds what the others pack.
  await tryStart();
  const { tarball } = pack(folder);
  const attempts = [
    () => tryNestNew('TypeScript, ES modules', ['--type=esm'], tarball, 'ts', 'dist/main.js'),
    () => tryNestNew('TypeScript, CommonJS', ['--type=cjs'], tarball, 'ts', 'dist/main.js'),
    () => tryNestNew('JavaScript', ['--language=js'], tarball, 'js', 'index.js'),
    () => tryExamples(tarball),
  ];
  await inParallel(attempts, (attempt) => attempt());
  console.log('Who follows the README gets there.');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The README's first command, but for the installation, without which this script would not run. */
async function tryStart() {
  const [, command] = /```sh\nnpm ci && (.+)\n```/.exec(README) ?? [];
  if (command === undefined) throw new Error('README.md begins with no `npm ci && ...`');
  await countsVisits(command, ROOT, command.split(' '), '/');
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
  await run(folder, [process.execPath, schematics, ...args].map((each) => `"${each}"`).join(' '));
  leaveOutUnused(home);
  if (language === 'js') mendBabel(home);
  await run(home, `npm install ${NPM}`);
  for (const command of commandsBelow('## Add it to an application')) {
    await run(home, `${command.replace(/\bnestjs-koa-session\b/, tarball)} ${NPM}`);
  }
  for (const [name, code] of filesFor(language)) writeFileSync(join(home, name), code);
  if (language === 'ts') await run(home, 'npm run build');
  await countsVisits(title, home, ['node', main], '/views');
}

async function tryExamples(tarball) {
  const home = join(folder, 'examples');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"type":"module","private":true}');
  await run(
    home,
    `npm install ${NPM} ${tarball} koa @nestjs/common @nestjs/core reflect-metadata rxjs`,
  );
  for (const heading of ['## In a Nest application', '## In a Koa application']) {
    const [, language, code] = /```(ts|js)\n([\s\S]*?)```/.exec(sectionOf(heading));
    const main = join(home, `${heading.replace(/\W+/g, '')}.js`);
    const listening = code.replace('listen(3000)', 'listen(process.env.PORT)');
    writeFileSync(main, language === 'ts' ? asJavaScript(listening) : listening);
    await countsVisits(heading.slice(3), home, ['node', main], '/');
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
  // Plain JavaScript has none.
  if (!existsSync(tsconfig)) return;
  const text = readFileSync(tsconfig, 'utf8');
  writeFileSync(tsconfig, text.replace(/"types": \[[^\]]*\]/, '"types": ["node"]'));
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

async function run(cwd, command) {
  try {
    await promisify(exec)(command, { cwd, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    throw new Error(`${command} failed:\n${error.stdout}${error.stderr}`, { cause: error });
  }
}

/** Starts a program and visits a page of it three times with one cookie jar. */
async function countsVisits(title, cwd, [program, ...args], path) {
  const port = await freePort();
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what npm starts ends with it.
    detached: true,
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
  const ended = once(child, 'exit');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  try {
    const url = `http://127.0.0.1:${port}${path}`;
    const answers = await visits(url, hasEnded);
    if (answers.join() !== '1 views,2 views,3 views') {
      throw new Error(`${title}: it answers "${answers.join(', ')}"\n${printed}`);
    }
    console.log(`${title}: ${answers.join(', ')}`);
  } finally {
    if (!hasEnded()) process.kill(-child.pid);
    await ended;
  }
}

/** What a page answers to three visits, once somebody listens there. */
async function visits(url, hasEnded) {
  const answers = [];
  let cookie = '';
  const end = Date.now() + 120_000;
  while (answers.length < 3 && !hasEnded() && Date.now() < end) {
    const answer = await fetch(url, { headers: { cookie } }).catch(() => undefined);
    if (answer === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    answers.push(await answer.text());
    const lines = answer.headers.getSetCookie();
    cookie = lines.map((line) => line.split(';')[0]).join('; ');
  }
  return answers;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
