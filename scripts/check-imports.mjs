// Prevents: a room of the house reaching into another's, a cycle (of types too: such files run, but
// neither can be understood without the other), or a package that is not declared.
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const DECLARED = { ...PACKAGE.dependencies, ...PACKAGE.peerDependencies };

/**
 * The rooms, the most special first. `files` are the sources a room may import besides its own;
 * `packages` those it may import besides Node's modules.
 */
const ROOMS = [
  { room: 'lib/errors.ts', files: [], packages: [] },
  { room: 'lib/session/', files: ['lib/errors.ts'], packages: ['koa', 'keygrip', 'uuid'] },
  { room: 'lib/stores/', files: ['lib/errors.ts', 'lib/session/store.ts'], packages: ['koa'] },
  {
    room: 'lib/platform-koa/',
    files: ['lib/errors.ts'],
    packages: [/^(?!pg$|mysql2$|redis$|ioredis$)/],
  },
  { room: 'lib/testing/', files: ['lib/errors.ts', 'lib/session/'], packages: ['koa'] },
  { room: 'lib/cli/', files: ['lib/errors.ts', 'lib/session/'], packages: ['koa', 'keygrip'] },
  {
    room: 'src/',
    files: ['lib/errors.ts', 'lib/session/index.ts', 'lib/platform-koa/index.ts'],
    packages: ['koa', 'path-to-regexp', 'rxjs', /^@nestjs\//],
  },
  { room: 'sample/', files: [], packages: [/./], anyPackage: true },
  // Benchmarks time parts that the package does not export, and samples, as they were built.
  { room: 'bench/', files: ['dist/', 'sample/'], packages: [/./], anyPackage: true },
];

/** Sources that are no room's own but stand beside the file that imports them. */
const OWN_FOLDER = /^(sample\/[^/]+\/|bench\/)/;

const problems = [];
const graph = new Map();

for (const { room } of ROOMS) for (const file of sources(room)) check(file);
for (const cycle of cycles()) problems.push(`cycle: ${cycle.join(' -> ')}`);

if (problems.length > 0) {
  console.error(`Imports that the plan of the house does not allow:\n`);
  for (const problem of problems) console.error(`  ${problem}`);
  console.error(
    '\nThe rules stand in scripts/check-imports.mjs; docs/architecture.md has the reasons.',
  );
  process.exit(1);
}
console.log(`${graph.size} files import only what they may.`);

function check(file) {
  const room = roomOf(file);
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found = ts.preProcessFile(text, true, true).importedFiles.map((each) => each.fileName);
  const targets = [];
  for (const name of found) {
    if (!name.startsWith('.')) {
      checkPackage(file, room, name);
      continue;
    }
    const target = sourceOf(join(dirname(file), name));
    targets.push(target);
    const own = OWN_FOLDER.exec(file)?.[0] ?? room.room;
    const allowed = [own, ...room.files].some((start) =>
      start.endsWith('/') ? target.startsWith(start) : target === start,
    );
    if (!allowed) problems.push(`${file} imports ${target}`);
  }
  graph.set(file, targets);
}

function checkPackage(file, room, name) {
  if (name.startsWith('node:')) return;
  const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/');
  if (builtinModules.includes(packageName))
    problems.push(`${file} imports ${name}: say node:${name}`);
  else if (
    !room.packages.some((each) => (each.test ? each.test(packageName) : each === packageName))
  )
    problems.push(`${file} imports the package ${packageName}`);
  else if (!room.anyPackage && DECLARED[packageName] === undefined)
    problems.push(`${file} imports ${packageName}, which package.json does not declare`);
}

function roomOf(file) {
  return ROOMS.find(({ room }) => file === room || file.startsWith(room));
}

function sourceOf(path) {
  return normalize(path).replace(/\.js$/, '.ts');
}

function sources(room) {
  if (room.endsWith('.ts')) return [room];
  return readdirSync(join(ROOT, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(dist|node_modules)\//.test(file));
}

function cycles() {
  const state = new Map();
  const found = [];
  const path = [];
  const visit = (file) => {
    if (state.get(file) === 'done' || !graph.has(file)) return;
    if (state.get(file) === 'open') {
      found.push([...path.slice(path.indexOf(file)), file]);
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const target of graph.get(file)) visit(target);
    path.pop();
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file);
  return found;
}
