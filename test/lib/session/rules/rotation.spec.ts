import { setTimeout as delay } from 'node:timers/promises';
import Koa from 'koa';
import type { Session, SessionOptions } from '../../../../lib/session/index.js';
import { createSession } from '../../../../lib/session/index.js';
import { MemoryStore } from '../../../../lib/stores/memory.js';
import { cookieHeader, inProcess, type InProcessAnswer } from '../../../support/in-process.js';

type Data = Session & Record<string, unknown>;

function application(options: SessionOptions = {}) {
  const store = new MemoryStore();
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  app.use(createSession({ store, ...options }, app));
  const request = async (act: (session: Data) => unknown, from?: InProcessAnswer) => {
    const cookie = from === undefined ? '' : cookieHeader(from);
    const answer = await inProcess(app, (ctx) => act(ctx.session as Data), cookie);
    if (answer.error !== undefined) throw answer.error;
    return answer;
  };
  const dataOf = async (from: InProcessAnswer) => {
    let data: Record<string, unknown> = {};
    await request((session) => void (data = { ...session }), from);
    return data;
  };
  return { app, store, request, dataOf };
}

describe('rotateOn', () => {
  it('gives a session a new id when one of its keys changes, and leaves the planted id worthless', async () => {
    const { request, dataOf } = application({ rotateOn: ['userId', 'roles'] });
    const planted = await request((session) => (session.cart = ['book']));
    const login = await request((session) => (session.userId = 'alice'), planted);
    expect(cookieHeader(login)).not.toBe(cookieHeader(planted));
    expect(await dataOf(login)).toEqual({ cart: ['book'], userId: 'alice' });
    expect(await dataOf(planted)).toEqual({});
  });

  it('does so even where regenerateGrace would keep an old id usable', async () => {
    const { request, dataOf } = application({ rotateOn: ['userId'], regenerateGrace: 60_000 });
    const planted = await request((session) => (session.cart = 1));
    await request((session) => (session.userId = 'alice'), planted);
    expect(await dataOf(planted)).toEqual({});
  });

  it('rotates on logging out, too, and on a nested change', async () => {
    const { request, dataOf } = application({ rotateOn: ['userId', 'roles'] });
    const login = await request((session) =>
      Object.assign(session, { userId: 'a', roles: ['user'] }),
    );
    const admin = await request((session) => (session.roles as string[]).push('admin'), login);
    const out = await request((session) => void delete session.userId, admin);
    expect(await dataOf(login)).toEqual({});
    expect(await dataOf(admin)).toEqual({});
    expect(await dataOf(out)).toEqual({ roles: ['user', 'admin'] });
  });

  it('looks at what update() writes, not at what the session becomes meanwhile', async () => {
    const { app, request, dataOf } = application({ rotateOn: ['userId'] });
    const first = await request((session) => (session.cart = 1));
    const kinds: string[] = [];
    app.on('session:saved', () => kinds.push('saved'));
    app.on('session:regenerated', () => kinds.push('regenerated'));
    const login = await request(async (session) => {
      const updated = session.update(async (draft) => {
        await delay(20);
        (draft as Data).n = 1;
      });
      await delay(5);
      session.userId = 'alice';
      await updated;
    }, first);
    await delay(5);
    // The update leaves the id alone; the end of the request, which writes the user, renews it.
    expect(kinds).toEqual(['saved', 'regenerated', 'saved']);
    expect(await dataOf(login)).toEqual({ cart: 1, userId: 'alice', n: 1 });
    expect(await dataOf(first)).toEqual({});
  });

  it('leaves the id alone when other keys change', async () => {
    const { request, dataOf } = application({ rotateOn: ['userId'] });
    const first = await request((session) => (session.cart = 1));
    await request((session) => (session.cart = 2), first);
    expect(await dataOf(first)).toEqual({ cart: 2 });
  });
});

describe('login()', () => {
  it('renews the id at once and keeps the data', async () => {
    const { request, dataOf } = application();
    const before = await request((session) => (session.cart = 1));
    const login = await request(async (session) => {
      const old = session.externalKey;
      session.userId = 'alice';
      await session.login('alice');
      expect(session.externalKey).not.toBe(old);
    }, before);
    expect(await dataOf(before)).toEqual({});
    expect(await dataOf(login)).toEqual({ cart: 1, userId: 'alice' });
  });
});

describe('renewEvery', () => {
  it('renews an old id and lets requests on their way in with it for a while', async () => {
    const { request, dataOf } = application({ renewEvery: 1 });
    const first = await request((session) => (session.userId = 'alice'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await request((session) => void session.isNew, first);
    expect(second.setCookie).not.toEqual([]);
    expect(cookieHeader(second)).not.toBe(cookieHeader(first));
    expect(await dataOf(first)).toEqual({ userId: 'alice' });
    expect(await dataOf(second)).toEqual({ userId: 'alice' });
  });

  it('needs a store that can compare and set, and says so at start-up', () => {
    const plain = { get: () => undefined, set: () => undefined, destroy: () => undefined };
    expect(() => application({ renewEvery: 1000, store: plain })).toThrow(
      /"renewEvery" needs a store that can compare and set/,
    );
  });
});

describe('a new id', () => {
  it('that is taken is never taken over: another one is made', async () => {
    const ids = ['same', 'same', 'other'];
    const { request, dataOf } = application({ genid: () => ids.shift() ?? 'more' });
    const alice = await request((session) => (session.user = 'alice'));
    const bob = await request((session) => (session.user = 'bob'));
    expect(await dataOf(alice)).toEqual({ user: 'alice' });
    expect(await dataOf(bob)).toEqual({ user: 'bob' });
  });

  it('is never the one a client made up', async () => {
    const { app, store } = application({ signed: false });
    const answer = await inProcess(
      app,
      (ctx) => Object.assign(ctx.session, { user: 'alice' }),
      'koa.sess=attacker',
    );
    expect(cookieHeader(answer)).not.toContain('attacker');
    expect(await store.get('attacker')).toBeUndefined();
  });
});

describe('binding', () => {
  it('keeps a session from a client that differs, and leaves it to its own', async () => {
    const store = new MemoryStore();
    const app = new Koa();
    app.keys = ['a key for tests'];
    let agent = 'firefox';
    app.use(createSession({ store, binding: () => agent }, app));
    const refused: unknown[] = [];
    app.on('session:refused', ({ reason }: { reason: unknown }) => refused.push(reason));
    const login = await inProcess(app, (ctx) => Object.assign(ctx.session, { user: 'alice' }));
    const user = async () => {
      let seen: unknown;
      await inProcess(app, (ctx) => void (seen = (ctx.session as Data).user), cookieHeader(login));
      return seen;
    };
    expect(await user()).toBe('alice');
    agent = 'curl';
    expect(await user()).toBeUndefined();
    agent = 'firefox';
    expect(await user()).toBe('alice');
    await new Promise((resolve) => setImmediate(resolve));
    expect(refused).toEqual(['binding']);
  });
});
