// Does everything that a session can go through, with all debugging on and every event logged in
// full. What it prints must hold nothing secret; the secrets go to the parent by another channel.
import { once } from 'node:events';
import { inspect } from 'node:util';
import Koa from 'koa';
import {
  createSession,
  csrfToken,
  sealed,
  sessionInfo,
  SessionOwners,
  strict,
} from 'nestjs-koa-session/session';
import { MemoryStore } from 'nestjs-koa-session/stores/memory';

const CANARY = 'canary-value-of-the-session-data';
const SECRETS = {
  canary: CANARY,
  owner: 'canary-owner',
  appKey: 'canary-app-key-of-more-than-32-bytes',
  sealKey: 'canary-seal-key-of-more-than-32-bytes',
  hashKey: 'canary-hash-key-of-more-than-32-bytes',
  agent: 'canary-user-agent',
};
const EVENTS = ['created', 'saved', 'regenerated', 'destroyed', 'refused', 'merged', 'failed'];
const told = new Set();
const secrets = new Set(Object.values(SECRETS));

/** The context of an event is the application's own, and holds the request: it is left out. */
function logEvents(app) {
  for (const name of EVENTS) {
    app.on(`session:${name}`, ({ ctx: _ctx, ...event }) => {
      told.add(`${name}${event.reason ? ` ${event.reason}` : ''}`);
      console.log(`session:${name}`, inspect(event, { depth: 10 }));
    });
  }
  app.on('error', (error) => console.error(inspect(error, { depth: 10 })));
}

/** A driver's error, as drivers make them: with the command, and so the key and the data, in it. */
function driverError(name, args) {
  const sent = { command: { name, args }, detail: `Key (${String(args[0])})`, code: 'EFAULTY' };
  const cause = Object.assign(new Error('the connection'), sent);
  return Object.assign(new Error('ERR refused', { cause }), sent);
}

/** A store that fails when it is told to. */
function fallible(store, state) {
  const calls = new Set(['get', 'read', 'set', 'create', 'update', 'touch', 'destroy']);
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (!calls.has(name)) return member.bind(target);
      return (...args) => {
        if (typeof args[0] === 'string') secrets.add(args[0]);
        if (state.mode === 'hangs') return new Promise(() => undefined);
        if (state.mode === 'fails') return Promise.reject(driverError(name, args));
        if (state.mode === 'throws') throw driverError(name, args);
        return member.apply(target, args);
      };
    },
  });
}

async function serve(options, keys = [SECRETS.appKey]) {
  const app = new Koa();
  app.keys = keys;
  logEvents(app);
  app.use(createSession(options, app));
  let act = () => undefined;
  app.use(async (ctx) => {
    ctx.body = 'done';
    await act(ctx);
    const id = ctx.session?.externalKey;
    if (typeof id === 'string') secrets.add(id);
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  const request = async (handler, cookie = '') => {
    act = handler;
    const answer = await fetch(origin, {
      headers: { 'user-agent': SECRETS.agent, ...(cookie && { cookie }) },
    });
    await answer.text();
    const lines = answer.headers.getSetCookie().map((line) => line.split(';')[0]);
    for (const line of lines) {
      const value = line.slice(line.indexOf('=') + 1);
      if (value !== '') secrets.add(value);
    }
    return lines.length > 0 ? lines.join('; ') : cookie;
  };
  return { request, close: () => server.close(() => undefined) && server.closeAllConnections() };
}

/** One life of a session, with everything that can go wrong in it. */
async function live(options, state = {}) {
  const { request, close } = await serve(options);
  const visit = await request((ctx) => {
    ctx.session.note = CANARY;
  });
  let cookie = await request(async (ctx) => {
    ctx.session.user = SECRETS.owner;
    await ctx.session.login(SECRETS.owner);
    console.log(ctx.session.isNew, sessionInfo(ctx.session).createdAt);
  }, visit);
  await request(async (ctx) => {
    secrets.add(await csrfToken(ctx, { secrets: [SECRETS.appKey] }));
  }, cookie);
  cookie = await request((ctx) => void (ctx.session.roles = [CANARY]), cookie);
  cookie = await request((ctx) => ctx.session.regenerate(), cookie);
  await request((ctx) => ctx.session.update((draft) => ({ ...draft, more: CANARY })), cookie);
  await request((ctx) => void (ctx.session.isNew = CANARY), cookie);
  await request((ctx) => void (ctx.session = CANARY), cookie);
  await request((ctx) => void (ctx.session.large = CANARY.repeat(500)), cookie);
  await request((ctx) => void (ctx.session.self = { toJSON: () => assert() }), cookie);
  await request((ctx) => {
    ctx.session.note = `${CANARY}2`;
    ctx.res.flushHeaders();
    ctx.session.note = `${CANARY}3`;
  }, cookie);
  for (const forged of [
    cookie.replace(/[^;=]+$/, CANARY),
    cookie.replace(/=[^;]+/, `=${CANARY}`),
    `${cookie}; ${cookie}`,
    `sid=${CANARY}; sid=${CANARY}2`,
    'sid=%00; sid.sig=%%%',
    `sid=${'x'.repeat(4_000)}`,
  ]) {
    await request((ctx) => void ctx.session?.note, forged);
  }
  for (const mode of ['fails', 'throws', 'hangs']) {
    state.mode = mode;
    await request((ctx) => void (ctx.session.note = `${CANARY}4`), cookie);
    await request((ctx) => void (ctx.session.note = `${CANARY}4`));
    state.mode = 'works';
    await request((ctx) => {
      ctx.session.note = `${CANARY}${mode}`;
      state.mode = mode;
    }, cookie);
    state.mode = 'works';
  }
  await Promise.all([
    request((ctx) => void (ctx.session.one = CANARY), cookie),
    request((ctx) => void (ctx.session.two = CANARY), cookie),
  ]);
  await request((ctx) => ctx.session.logout(), cookie);
  close();
}

function assert() {
  throw new Error('a toJSON that throws');
}

function refuse(make) {
  try {
    make();
    console.log('accepted');
  } catch (error) {
    console.error(inspect(error, { depth: 10 }));
  }
}

const base = { ...strict(), key: 'sid', secure: false, storeTimeout: 50, clearSiteData: true };
const binding = (ctx) => ctx.get('user-agent');
const memory = new MemoryStore();
const state = {};
const store = fallible(memory, state);
await live({ ...base, store, binding, device: true, owner: (s) => s.user, renewEvery: 1 }, state);
await live({ ...base, store, hashIds: { key: SECRETS.hashKey } }, state);
await live({ ...base, store, signed: false, onStoreError: 'anonymous' }, state);
await live({ ...base, store, load: 'lazy', maxSessionsPerOwner: 1, owner: (s) => s.user }, state);
const plain = new Map();
const simple = {
  get: (k) => plain.get(k),
  set: (k, v) => void plain.set(k, v),
  destroy: (k) => void plain.delete(k),
};
await live({ ...base, store: fallible(simple, state) }, state);
await live({
  ...base,
  codec: sealed({ keys: [SECRETS.sealKey], acceptSigned: Date.now() + 60_000 }),
});
await live({ ...base, codec: sealed({ keys: [SECRETS.sealKey] }) });
await live(base);
console.log(await new SessionOwners(memory).endAll(SECRETS.owner));

// Refused options: the message tells the type of what was received, never the value.
const app = new Koa();
for (const [name, wrong] of [
  ['key', `${CANARY};`],
  ['keys', CANARY],
  ['hashIds', { key: 'canary-value' }],
  ['idBytes', CANARY],
  ['sameSite', CANARY],
  ['domain', `${CANARY};`],
  ['store', { canary: CANARY }],
  ['rotateOn', CANARY],
]) {
  refuse(() => createSession({ store: new MemoryStore(), [name]: wrong }, app));
}
refuse(() => sealed({ keys: 'canary-value' }));
refuse(() => sealed({ keys: [SECRETS.sealKey], acceptSigned: CANARY }));

await new Promise((resolve) => setTimeout(resolve, 100));
process.send({ secrets: [...secrets, 'canary-value'], told: [...told] });
process.disconnect();
