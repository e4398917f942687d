// Where a request's time goes: the four main cases under `--cpu-prof`, and what each function took
// for itself, beside bare Koa. `npm run bench:profile`, or `node bench/profile.mjs --keep DIRECTORY`
// to look at the profiles in a browser's developer tools as well.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Contestant } from './contest.mjs';

const CASES = [
  ['bare Koa', 'koa', '/none'],
  ['a cookie that is read', 'ours, cookie', '/read'],
  ['a cookie that changes', 'ours, cookie', '/change'],
  ['a store that is read', 'ours, same store', '/read'],
  ['a store that changes', 'ours, same store', '/change'],
];
const REQUESTS = 60_000;
const WARM_UP = 20_000;
const SHOWN = 14;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Whose function it is, by where it stands. */
const PARTS = [
  ['the session engine', /\/dist\/lib\/session\//],
  ['the store and the handler', /\/bench\//],
  ['Koa', /\/node_modules\//],
  ['Node', /^node:/],
];

const { values: flags } = parseArgs({ options: { keep: { type: 'string' } } });
const place = flags.keep === undefined ? await mkdtemp(join(tmpdir(), 'profile-')) : flags.keep;
try {
  for (const [title, server, path] of CASES) {
    process.stderr.write(`${title} ...\n`);
    report(title, await profile(server, path, resolve(place, title.replaceAll(' ', '-'))));
  }
} finally {
  if (flags.keep === undefined) await rm(place, { recursive: true });
}

/** Microseconds a request, by function, of what came after the server was warm. */
async function profile(server, path, directory) {
  const contestant = await Contestant.start(server, {
    connections: 32,
    users: 32,
    flags: ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${directory}`],
  });
  const started = process.hrtime.bigint();
  await contestant.client.run(path, contestant.cookies, WARM_UP);
  const warm = Number(process.hrtime.bigint() - started) / 1000;
  await contestant.client.run(path, contestant.cookies, REQUESTS);
  await contestant.stop();
  const files = await readdir(directory);
  return selfTimes(JSON.parse(await readFile(join(directory, files.at(-1)), 'utf8')), warm);
}

/** @param warm how long the server's first requests took, microseconds */
function selfTimes({ nodes, samples, timeDeltas }, warm) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map();
  let passed = 0;
  samples.forEach((id, i) => {
    const delta = timeDeltas[i];
    passed += delta;
    const { functionName, url, lineNumber } = frames.get(id);
    if (passed < warm || functionName === '(idle)') return;
    const where = url === '' ? '' : `${url.replace(`file://${ROOT}`, '')}:${lineNumber + 1}`;
    const name = `${functionName || '(anonymous)'}  ${where}`;
    const known = times.get(name) ?? { micros: 0, part: partOf(url) };
    known.micros += delta / REQUESTS;
    times.set(name, known);
  });
  return times;
}

function partOf(url) {
  return (
    PARTS.find(([, place]) => place.test(url))?.[0] ?? 'V8, the kernel and what Node has in C++'
  );
}

function report(title, times) {
  const parts = new Map();
  for (const { part, micros } of times.values()) parts.set(part, (parts.get(part) ?? 0) + micros);
  const total = [...parts.values()].reduce((sum, micros) => sum + micros, 0);
  console.log(`\n${title}: ${total.toFixed(1)} µs a request under the profiler`);
  for (const [part, micros] of descending(parts, (each) => each)) {
    console.log(`  ${share(micros, total)}  ${part}`);
  }
  console.log('  of which, each for itself:');
  for (const [name, { micros }] of descending(times, (each) => each.micros).slice(0, SHOWN)) {
    console.log(`  ${share(micros, total)}  ${name}`);
  }
}

function descending(map, by) {
  return [...map].sort(([, one], [, other]) => by(other) - by(one));
}

function share(micros, total) {
  return `${((micros / total) * 100).toFixed(1).padStart(5)} %`;
}
