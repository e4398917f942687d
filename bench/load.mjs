// node bench/load.mjs: 1,000 users with a connection each click through the sample 02-login for a
// minute, with cookies and with Redis. Every answer is checked: each user's page counts that
// user's visits, so a lost or mixed up session shows. Writes its part of docs/benchmarks.md.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Connection, parse, requestFor } from './client.mjs';
import { writePart } from './report.mjs';
import { quantile } from './statistics.mjs';
import { findRedis } from './workers/redis-trips.mjs';

const { values: flags } = parseArgs({
  options: {
    users: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '60' },
    /** How long a user looks at a page, in milliseconds. */
    think: { type: 'string', default: '2000' },
    write: { type: 'boolean', default: false },
  },
});
const users = Number(flags.users);
const seconds = Number(flags.seconds);
const think = Number(flags.think);
const FORM = 'username=ann&password=correct+horse';
/** A user logs out, and in again, once in so many clicks: the sample's password hash takes long. */
const CLICKS_PER_LOGIN = 200;

class User {
  cookies = new Map();
  visits = 0;

  constructor(connection, tally) {
    this.connection = connection;
    this.tally = tally;
  }

  async send(path, form) {
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const answer = parse(await this.connection.send(requestFor(path, cookie, form)));
    for (const pair of answer.cookies) {
      const at = pair.indexOf('=');
      if (pair.length === at + 1) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  }

  expect(isRight, what, { status, body }) {
    if (isRight) return;
    this.tally.errors++;
    this.tally.first ??= `${what}: ${status} ${body.slice(0, 200)}`;
  }

  async login() {
    const answer = await this.send('/login', FORM);
    this.expect(answer.status === 303, 'POST /login', answer);
    this.visits = 0;
  }

  async visit() {
    this.visits++;
    const started = performance.now();
    const answer = await this.send('/');
    this.tally.latencies.push(performance.now() - started);
    const isRight = answer.status === 200 && answer.body.includes(`>${this.visits}</b>`);
    this.expect(isRight, `visit ${this.visits}`, answer);
  }

  async logout() {
    const answer = await this.send('/logout', '');
    this.expect(answer.status === 303, 'POST /logout', answer);
  }

  async clickUntil(end) {
    await delay(Math.random() * think);
    while (performance.now() < end) {
      await this.visit();
      if (Math.random() < 1 / CLICKS_PER_LOGIN) {
        await this.logout();
        await this.login();
      }
      await delay(think * (0.5 + Math.random()));
    }
  }
}

async function run(name, kind) {
  const child = fork(fileURLToPath(new URL('load-server.mjs', import.meta.url)), [kind], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const [{ port }] = await once(child, 'message');
  const usage = async () => {
    child.send('usage');
    const [answer] = await once(child, 'message');
    return answer;
  };
  const tally = { latencies: [], errors: 0, first: undefined };
  const everyone = [];
  for (let i = 0; i < users; i++) {
    const user = new User(await Connection.open(port), tally);
    await user.login();
    everyone.push(user);
    if (i % 50 === 49) process.stderr.write(`\r${name}: ${i + 1} users logged in`);
  }
  tally.latencies = [];
  const before = await usage();
  const end = performance.now() + seconds * 1000;
  const clicking = Promise.all(everyone.map((user) => user.clickUntil(end)));
  const samples = [];
  while (performance.now() < end) {
    await delay(Math.min(5_000, end - performance.now()));
    samples.push(await usage());
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    process.stderr.write(
      `\r\x1b[K${name}: ${left} s left, ${tally.latencies.length} pages, ${tally.errors} errors`,
    );
  }
  await clicking;
  const after = samples.at(-1);
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
  process.stderr.write('\r\x1b[K');
  const settled = samples[Math.floor(samples.length / 3)];
  return { name, ...tally, before, settled, after };
}

const mega = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const ms = (value) => `${value.toFixed(1)} ms`;

function row({ name, latencies, errors, before, settled, after }) {
  const cpu = (after.micros - before.micros) / latencies.length;
  const shares = [0.5, 0.95, 0.99, 1].map((share) => ms(quantile(latencies, share)));
  return `| ${name} | ${latencies.length.toLocaleString('en')} | ${errors} | ${shares.join(' | ')} | ${cpu.toFixed(0)} µs | ${mega(before.heap)} | ${mega(settled.heap)} | ${mega(after.heap)} | ${mega(settled.rss)} | ${mega(after.rss)} |`;
}

const redis = await findRedis();
const results = [await run('cookies', 'cookie')];
if (redis !== undefined) results.push(await run('Redis', `redis://${redis.host}:${redis.port}`));
redis?.stop();
const table = [
  `${users.toLocaleString('en')} users, ${seconds} s, ${think / 1000} s between two clicks on average.`,
  '',
  '| sessions in | pages | errors | median | 95 % | 99 % | slowest | CPU a page | heap at start | after a third | at the end | RSS after a third | at the end |',
  '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ...results.map(row),
].join('\n');
console.log(table);
for (const { name, first } of results) if (first !== undefined) console.error(`${name}: ${first}`);
if (flags.write) writePart('load', table);
process.exitCode = results.some(({ errors }) => errors > 0) ? 1 : 0;
