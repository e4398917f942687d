// What is claimed, and how it is measured: each measurement gives rows of
// `{ what, value, low, high, atMost, unit, detail }`. A row without `atMost` is for information.
import { contest } from './contest.mjs';
import { growth, median, summary } from './statistics.mjs';
import { runWorker } from './worker.mjs';

const micros = (value) => `${value.toFixed(1)} µs`;

/** The ratio of two scenarios in each round, over what both take without a session. */
function ratio(what, samples, ours, theirs, { atMost, base } = {}) {
  const over = (name) =>
    samples[name].map((value, i) => (base === undefined ? value : value - samples[base][i]));
  const mine = over(ours);
  const peer = over(theirs);
  return {
    what,
    ...summary(mine.map((value, i) => value / peer[i])),
    atMost,
    unit: '×',
    detail: `${micros(median(mine))} against ${micros(median(peer))}`,
  };
}

function scenarios(...names) {
  return names.map((name) => {
    const [server, path] = name.split(' /');
    return { name, server, path: `/${path}` };
  });
}

/** Tells the progress of the `i`th of `count` equal parts as that of the whole. */
function partOf(progress, i, count) {
  return (done, all) => progress(i * all + done, count * all);
}

const BARE = 'koa /none';

/** What nobody can go below: see apps/least-session.mjs. */
const LEAST = ['the least, cookie /read', 'the least, cookie /change'];

async function koaCookie(settings, progress) {
  const samples = await contest(
    scenarios(
      BARE,
      'koa-session, cookie /read',
      'ours, cookie /read',
      'koa-session, cookie /change',
      'ours, cookie /change',
      ...LEAST,
    ),
    settings.http,
    progress,
  );
  return [
    ratio(
      'session cost over bare Koa, cookie, read',
      samples,
      'ours, cookie /read',
      'koa-session, cookie /read',
      { atMost: 0.2, base: BARE },
    ),
    ratio(
      'session cost over bare Koa, cookie, changed',
      samples,
      'ours, cookie /change',
      'koa-session, cookie /change',
      { atMost: 0.25, base: BARE },
    ),
    ...LEAST.map((name) => {
      const [server, use] = name.split(' /');
      const peer = name.replace(server, 'koa-session, cookie');
      const what = `for scale: the least code for the same bytes, ${use === 'read' ? use : 'changed'}`;
      return ratio(what, samples, name, peer, { base: BARE });
    }),
  ];
}

async function koaStore(settings, progress) {
  const samples = await contest(
    scenarios(
      BARE,
      'koa-session, store /read',
      'ours, same store /read',
      'koa-session, store /change',
      'ours, same store /change',
    ),
    settings.http,
    progress,
  );
  return [
    ratio(
      'session cost over bare Koa, same store object, read',
      samples,
      'ours, same store /read',
      'koa-session, store /read',
      { atMost: 0.25, base: BARE },
    ),
    ratio(
      'session cost over bare Koa, same store object, changed',
      samples,
      'ours, same store /change',
      'koa-session, store /change',
      { atMost: 0.3, base: BARE },
    ),
  ];
}

async function untouched(settings, progress) {
  // The same request to both: a browser sends its session's cookie to whoever is there.
  const bareFor = (visitorsOf, server) => ({
    ...scenarios(`${server} /none`)[0],
    name: `${server} with the cookies of ${visitorsOf}`,
    visitorsOf,
  });
  const cookie = bareFor('ours, cookie', 'koa');
  // The handler of a lazy session is an async function, used or not.
  const lazy = bareFor('ours, lazy store', 'koa with an async handler');
  const nothing = bareFor('ours, cookie', 'koa with a middleware that does nothing');
  // They differ by so little that each must follow at once on what it is compared with.
  const groups = [
    [cookie, ...scenarios('ours, cookie /none'), nothing],
    [lazy, ...scenarios('ours, lazy store /none')],
    scenarios(BARE, 'Nest on Koa /none'),
  ];
  const samples = {};
  for (const [i, group] of groups.entries()) {
    const part = partOf(progress, i, groups.length);
    Object.assign(samples, await contest(group, settings.http, part));
  }
  const over = (what, ours, base, atMost) => ratio(what, samples, ours, base, { atMost });
  return [
    over('untouched session over bare Koa, cookie', 'ours, cookie /none', cookie.name, 1.03),
    over('untouched session over bare Koa, lazy store', 'ours, lazy store /none', lazy.name, 1.03),
    over('for scale: a middleware that does nothing, over bare Koa', nothing.name, cookie.name),
    over('Nest on KoaAdapter without session over bare Koa', 'Nest on Koa /none', BARE, 1.15),
  ];
}

async function nestCookie(settings, progress) {
  const ours = 'Nest on Koa, cookie';
  const theirs = 'Nest on Fastify, secure-session';
  const samples = await contest(
    scenarios(`${ours} /read`, `${theirs} /read`, `${ours} /change`, `${theirs} /change`),
    settings.http,
    progress,
  );
  const what = 'Nest on Koa with cookie, over Nest on Fastify with @fastify/secure-session';
  return [
    ratio(`${what}, read`, samples, `${ours} /read`, `${theirs} /read`, { atMost: 0.95 }),
    ratio(`${what}, changed`, samples, `${ours} /change`, `${theirs} /change`, { atMost: 1 }),
  ];
}

async function nestMemory(settings, progress) {
  const ours = 'Nest on Koa, MemoryStore';
  const fastify = 'Nest on Fastify, @fastify/session';
  const notRolling = `${fastify} without rolling`;
  const express = 'Nest on Express, express-session';
  const samples = await contest(
    scenarios(
      ...['read', 'change'].flatMap((path) =>
        [ours, fastify, notRolling, express].map((name) => `${name} /${path}`),
      ),
    ),
    settings.http,
    progress,
  );
  const against = (peer, name, path, atMost) =>
    ratio(
      `Nest on Koa with MemoryStore, over Nest on ${name}, ${path === 'read' ? 'read' : 'changed'}`,
      samples,
      `${ours} /${path}`,
      `${peer} /${path}`,
      { atMost },
    );
  return [
    against(fastify, 'Fastify with @fastify/session', 'read', 0.6),
    against(fastify, 'Fastify with @fastify/session', 'change', 0.6),
    against(notRolling, 'Fastify with @fastify/session, its rolling off', 'read'),
    against(notRolling, 'Fastify with @fastify/session, its rolling off', 'change'),
    against(express, 'Express with express-session', 'read', 0.3),
    against(express, 'Express with express-session', 'change', 0.3),
  ];
}

async function engine(settings, progress) {
  const samples = await runWorker('engine', settings.inProcess, progress);
  const row = (what, ours, theirs, atMost) =>
    ratio(`engine alone, ${what}`, samples, ours, theirs, { atMost, base: BARE });
  return [
    row('cookie, read', 'ours, cookie /read', 'koa-session, cookie /read', 0.2),
    row('cookie, changed', 'ours, cookie /change', 'koa-session, cookie /change', 0.25),
    row('same store object, read', 'ours, same store /read', 'koa-session, store /read', 0.25),
    row(
      'same store object, changed',
      'ours, same store /change',
      'koa-session, store /change',
      0.3,
    ),
    row('MemoryStore, read', 'ours, MemoryStore /read', 'koa-session, store /read'),
    row('MemoryStore, changed', 'ours, MemoryStore /change', 'koa-session, store /change'),
  ];
}

async function sealed(settings, progress) {
  const samples = await runWorker('sealed', settings.inProcess, progress);
  return [
    ratio(
      "sealed cookie over @fastify/secure-session's seal and open",
      samples,
      'ours',
      'secure-session',
      { atMost: 2 },
    ),
    ratio(
      'for scale: the same, where each seal comes from another process',
      samples,
      'ours, sealed elsewhere',
      'secure-session',
    ),
  ];
}

const KIB = 1024;

async function size(settings, progress) {
  const results = await runWorker('size', settings.size, progress);
  const big = results.find(({ bytes }) => bytes >= 64 * KIB);
  const points = (name) => results.map(({ bytes, samples }) => [bytes, median(samples[name])]);
  return {
    rows: [
      ratio('commit of a 64 KB session, over koa-session', big.samples, 'ours', 'koa-session', {
        atMost: 0.4,
      }),
      {
        what: 'growth of that cost from 8 KB to 256 KB (1 is linear)',
        ...same(growth(points('ours').filter(([bytes]) => bytes >= 8 * KIB))),
        atMost: 1.1,
        unit: '',
        detail: `koa-session: ${growth(points('koa-session').filter(([bytes]) => bytes >= 8 * KIB)).toFixed(2)}`,
      },
    ],
    plots: [
      {
        name: 'cost-by-size',
        title: 'A changed session, by its size',
        x: 'bytes of JSON',
        y: 'CPU µs a request, engine alone',
        isLog: true,
        lines: [
          { name: 'nestjs-koa-session', points: points('ours') },
          { name: 'koa-session', points: points('koa-session') },
        ],
      },
    ],
  };
}

function same(value) {
  return { value, low: value, high: value };
}

const MEGA = 1_000_000;

async function heap(settings, progress) {
  const { users, requests } = settings.heap;
  const {
    points,
    size: count,
    recordBytes,
    storeBytes,
  } = await runWorker('heap', settings.heap, progress, ['--expose-gc']);
  const [, first] = points.find(([at]) => at > users);
  const [, last] = points.at(-1);
  return [
    {
      what: `heap after ${requests / MEGA} million requests of ${users.toLocaleString('en')} users, over the heap after the first tenth`,
      ...same(last / first),
      atMost: 1.02,
      unit: '×',
      detail: `${(last / MEGA).toFixed(1)} MB`,
    },
    {
      what: 'memory that the MemoryStore takes, over the bytes of its records (keys and JSON)',
      ...same(storeBytes / recordBytes),
      atMost: 1.5,
      unit: '×',
      detail: `${Math.round(storeBytes / count)} bytes for a record of ${Math.round(recordBytes / count)}`,
    },
  ];
}

async function redis(settings, progress) {
  const trips = await runWorker('redis-trips', {}, progress);
  if (trips === undefined)
    return [{ what: 'round trips to Redis', skipped: 'no redis-server here' }];
  const targets = { anonymous: 0, read: 1, changed: 2, rolling: 1, rollingChanged: 2 };
  return Object.entries(targets).map(([kind, atMost]) => ({
    what: `round trips to Redis, ${kind === 'rollingChanged' ? 'rolling and changed' : kind}`,
    ...same(trips[kind]),
    atMost,
    unit: '',
    detail: 'counted on the wire',
  }));
}

async function routes(settings, progress) {
  const { counts, http } = settings.routes;
  const lines = ['Koa', 'Fastify', 'Express'].map((name) => ({
    name: `Nest on ${name}`,
    points: [],
  }));
  for (const [i, count] of counts.entries()) {
    const last = count - 1;
    const path = `/resource${last - (last % 10)}/42/part${last}`;
    const names = lines.map(({ name }) => `${name}, ${count} routes`);
    const samples = await contest(
      names.map((name) => ({ name, server: name, path })),
      http,
      partOf(progress, i, counts.length),
    );
    for (const [j, name] of names.entries()) lines[j].points.push([count, median(samples[name])]);
  }
  const plot = {
    name: 'cost-by-routes',
    title: 'Nest without session: the last of many routes',
    x: 'routes, each with a parameter',
    y: 'CPU µs a request',
    isLogX: true,
    lines,
  };
  return { rows: [], plots: [plot] };
}

async function users(settings, progress) {
  const { counts, http } = settings.users;
  const names = [
    'koa /none',
    'ours, cookie /change',
    'ours, MemoryStore /change',
    'koa-session, cookie /change',
    'koa-session, store /change',
  ];
  const lines = names.map((name) => ({
    name: name.replace(' /none', ' without session').replace(' /change', ''),
    points: [],
  }));
  for (const [i, count] of counts.entries()) {
    const samples = await contest(
      scenarios(...names),
      { ...http, connections: count, users: count },
      partOf(progress, i, counts.length),
    );
    for (const [j, name] of names.entries()) lines[j].points.push([count, median(samples[name])]);
  }
  const plot = {
    name: 'cost-by-users',
    title: 'A changed session, by the number of parallel users',
    x: 'users, each with a connection and a session',
    y: 'CPU µs a request',
    isLogX: true,
    lines,
  };
  return { rows: [], plots: [plot] };
}

/** In the order in which they run; `--only` takes these names. */
export const CLAIMS = {
  'koa-cookie': koaCookie,
  'koa-store': koaStore,
  untouched,
  'nest-cookie': nestCookie,
  'nest-memory': nestMemory,
  engine,
  sealed,
  size,
  heap,
  redis,
  routes,
  users,
};

const FULL = {
  http: { launches: 10, rounds: 8, requests: 2_000, warmUp: 30_000 },
  inProcess: { rounds: 25, count: 4_000 },
  size: {
    sizes: [512, 2 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 256 * KIB],
    rounds: 15,
    calls: 40_000,
  },
  heap: { users: 100_000, requests: 2 * MEGA },
  routes: {
    counts: [5, 50, 500],
    http: { launches: 2, rounds: 6, requests: 2_000, warmUp: 10_000 },
  },
  users: {
    counts: [1, 10, 100, 1_000],
    http: { launches: 1, rounds: 6, requests: 3_000, warmUp: 15_000 },
  },
};

const QUICK = {
  http: { launches: 2, rounds: 4, requests: 1_000, warmUp: 8_000 },
  inProcess: { rounds: 7, count: 1_500 },
  size: { sizes: [8 * KIB, 64 * KIB, 256 * KIB], rounds: 5, calls: 10_000 },
  heap: { users: 50_000, requests: 200_000 },
  routes: { counts: [5, 500], http: { launches: 1, rounds: 3, requests: 500, warmUp: 2_500 } },
  users: { counts: [1, 100], http: { launches: 1, rounds: 3, requests: 500, warmUp: 2_500 } },
};

/** How long each measurement runs. */
export const SETTINGS = { FULL, QUICK };
