import Koa from 'koa';
import type { Session, SessionOptions } from '../../../lib/session/index.js';
import { createSession } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { cookieHeader, inProcess, type InProcessAnswer } from '../../support/in-process.js';

type Data = Session & Record<string, unknown>;

const KEY = 'a secret of at least 32 bytes, for tests';

/** A store that tells which keys it was asked for. */
function spied(store = new MemoryStore()) {
  const keys = new Set<string>();
  const spy = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (typeof args[0] === 'string') keys.add(args[0]);
        return Reflect.apply(member, target, args);
      };
    },
  });
  return { store: spy, keys };
}

function application(options: SessionOptions) {
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  app.use(createSession(options, app));
  const request = async (act: (session: Data) => unknown, from?: InProcessAnswer) => {
    const cookie = from === undefined ? '' : cookieHeader(from);
    const answer = await inProcess(app, (ctx) => act(ctx.session as Data), cookie);
    if (answer.error !== undefined) throw answer.error;
    return answer;
  };
  const userOf = async (from: InProcessAnswer) => {
    let user: unknown;
    await request((session) => void (user = session.user), from);
    return user;
  };
  return { app, request, userOf };
}

const idOf = (answer: InProcessAnswer) => /koa\.sess=([^;]*)/.exec(answer.setCookie.join())?.[1];

describe('hashIds', () => {
  it('never shows the store an id, whatever is done with the session', async () => {
    const { store, keys } = spied();
    const { request, userOf } = application({ store, hashIds: { key: KEY } });
    const login = await request((session) => (session.user = 'alice'));
    const renewed = await request((session) => session.regenerate(), login);
    expect(await userOf(renewed)).toBe('alice');
    await request((session) => session.destroy(), renewed);
    expect(await userOf(renewed)).toBeUndefined();
    expect(keys.size).toBeGreaterThan(1);
    for (const id of [idOf(login), idOf(renewed)]) expect(keys).not.toContain(id);
  });

  it('leads a request on its way to the new record without undoing the new id', async () => {
    const { store } = spied();
    const { request, userOf } = application({
      store,
      hashIds: { key: KEY },
      regenerateGrace: 60_000,
      rolling: true,
    });
    const login = await request((session) => (session.user = 'alice'));
    const renewed = await request((session) => session.regenerate(), login);
    const late = await request((session) => (session.late = true), login);
    expect(late.setCookie).toEqual([]);
    let data: unknown;
    await request((session) => void (data = { ...session }), renewed);
    expect(data).toEqual({ user: 'alice', late: true });
    expect(await userOf(login)).toBe('alice');
  });

  it('finds records under plain ids while that is accepted, and moves them when written', async () => {
    const { store } = spied();
    const before = application({ store });
    const login = await before.request((session) => (session.user = 'alice'));
    const moving = application({ store, hashIds: { key: KEY, acceptPlain: true } });
    expect(await moving.userOf(login)).toBe('alice');
    await moving.request((session) => (session.seen = 1), login);
    expect(await store.get(idOf(login) as string)).toBeUndefined();
    const after = application({ store, hashIds: { key: KEY } });
    expect(await after.userOf(login)).toBe('alice');
  });

  it('gives nobody a session for its key in the store, also while plain ids are accepted', async () => {
    const { store, keys } = spied();
    const { request, userOf } = application({
      store,
      signed: false,
      hashIds: { key: KEY, acceptPlain: true },
      regenerateGrace: 60_000,
    });
    const login = await request((session) => (session.user = 'alice'));
    const renewed = await request((session) => session.regenerate(), login);
    expect(keys.size).toBeGreaterThan(1);
    for (const key of [...keys]) {
      const stolen = { ...login, setCookie: [`koa.sess=${key}`] };
      expect(await userOf(stolen)).toBeUndefined();
    }
    expect(await userOf(renewed)).toBe('alice');
  });

  it('loses no write when two requests move a record at once', async () => {
    const { store } = spied();
    const login = await application({ store }).request((session) => (session.user = 'alice'));
    const { request } = application({ store, hashIds: { key: KEY, acceptPlain: true } });
    await request(async (session) => {
      session.slow = true;
      await request((other) => (other.fast = true), login);
    }, login);
    let data: unknown;
    await request((session) => void (data = { ...session }), login);
    expect(data).toEqual({ user: 'alice', slow: true, fast: true });
    expect(await store.get(idOf(login) as string)).toBeUndefined();
  });

  it('moves no record that was ended meanwhile', async () => {
    const { store } = spied();
    const login = await application({ store }).request((session) => (session.user = 'alice'));
    const { request, userOf } = application({ store, hashIds: { key: KEY, acceptPlain: true } });
    await request(async (session) => {
      session.slow = true;
      await request((other) => other.logout(), login);
    }, login);
    expect(await userOf(login)).toBeUndefined();
  });
});

it('a session that got a new id is reloaded under that one', async () => {
  let user: unknown;
  const { app } = application({ store: new MemoryStore() });
  const first = await inProcess(app, (ctx) => Object.assign(ctx.session, { user: 'bob' }));
  await inProcess(
    app,
    async (ctx) => {
      await ctx.session.regenerate();
      await ctx.session.reload();
      ({ user } = ctx.session as Data);
    },
    cookieHeader(first),
  );
  expect(user).toBe('bob');
});

describe('a secret', () => {
  it('for ids that is no secret is refused at start-up', () => {
    const store = new MemoryStore();
    expect(() => application({ store, hashIds: { key: 'x'.repeat(40) } })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_KEYS_MISSING', option: 'hashIds.key' }),
    );
  });

  it('to sign with that would not be used is refused at start-up', () => {
    expect(() => application({ keys: ['another key'] })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_OPTION', option: 'keys' }),
    );
    expect(() => application({ keys: ['a key for tests'] })).not.toThrow();
  });
});

describe('an id', () => {
  it('can be made of 256 random bits', async () => {
    const { request, userOf } = application({ store: new MemoryStore(), idBytes: 32 });
    const login = await request((session) => (session.user = 'alice'));
    expect(idOf(login)).toMatch(/^[\w-]{43}$/);
    expect(await userOf(login)).toBe('alice');
  });

  it('that nobody here can have made never reaches the store', async () => {
    const { store, keys } = spied();
    const { app } = application({ store, signed: false, idBytes: 32 });
    for (const id of ['../../etc/passwd', 'x', 'a'.repeat(600), 'with space', '%00', '{}']) {
      const answer = await inProcess(app, (ctx) => void ctx.session.isNew, `koa.sess=${id}`);
      expect(answer.status).toBe(200);
    }
    expect([...keys]).toEqual([]);
  });
});
