// How many instructions of the processor a request takes, counted by valgrind: the engine alone, as
// in `run.mjs`, on any host, however many share it. It is no substitute for times: it does not tell
// what a miss of the caches costs, and valgrind's processor has no instructions for SHA-1. But two
// builds can be told apart that differ by 2 %, on a host where times differ by 20. It takes a quarter
// of an hour and needs valgrind, a package of most systems.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { koaApps } from './apps/koa.mjs';
import { cookieOf, driver } from './in-process.mjs';

const SELF = fileURLToPath(import.meta.url);
const WARM = 20_000;
const COUNTED = 24_000;
const USERS = 32;
const CASES = [
  ['cookie, read', 'cookie', '/read'],
  ['cookie, changed', 'cookie', '/change'],
  ['same store object, read', 'store', '/read'],
  ['same store object, changed', 'store', '/change'],
];
const OURS = { cookie: 'ours, cookie', store: 'ours, same store' };

const [command, ...rest] = process.argv.slice(2);
if (command === '--drive') await drive(...rest);
else await compare();

/** In the process that valgrind counts. */
async function drive(app, path, count) {
  const answer = driver(koaApps[app]());
  const cookies = [];
  for (let user = 0; user < USERS; user++) {
    cookies.push(app === 'koa' ? undefined : cookieOf(await answer('/login')));
  }
  for (let i = 0; i < Number(count); i++) {
    const response = await answer(path, cookies[i % USERS]);
    // A session in a cookie is the last answer's.
    if (path === '/change') cookies[i % USERS] = cookieOf(response);
    await new Promise(setImmediate);
  }
  process.exit();
}

async function compare() {
  const bare = await perRequest('koa', '/none');
  console.log(`bare Koa: ${bare.toLocaleString('en')} instructions a request`);
  for (const [title, kind, path] of CASES) {
    const ours = (await perRequest(OURS[kind], path)) - bare;
    const theirs = (await perRequest(`koa-session, ${kind}`, path)) - bare;
    const [mine, peers] = [ours, theirs].map((count) => count.toLocaleString('en'));
    console.log(
      `${title.padEnd(27)} ${(ours / theirs).toFixed(2)}×  ${mine} against ${peers} beyond`,
    );
  }
}

/** What a request takes once the code is compiled: a longer run less a shorter one. */
async function perRequest(app, path) {
  process.stderr.write(`${app} ${path} ...\n`);
  const lengths = [WARM, WARM + COUNTED];
  const runs =
    availableParallelism() > 1
      ? await Promise.all(lengths.map((count) => instructions(app, path, count)))
      : [await instructions(app, path, lengths[0]), await instructions(app, path, lengths[1])];
  return Math.round((runs[1] - runs[0]) / COUNTED);
}

async function instructions(app, path, count) {
  // What V8 does beside the program, or after a while of idleness, is not the request's.
  const node = [process.execPath, '--single-threaded', '--predictable', '--no-memory-reducer'];
  const tool = ['--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null'];
  const args = [
    ...tool,
    '--smc-check=all-non-file',
    ...node,
    SELF,
    '--drive',
    app,
    path,
    String(count),
  ];
  const child = spawn('valgrind', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (told += text));
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  const [, refs] = /I\s+refs:\s+([\d,]+)/.exec(told) ?? [];
  if (refs === undefined) throw new Error(`valgrind counted nothing: ${told.slice(-500)}`);
  return Number(refs.replaceAll(',', ''));
}
