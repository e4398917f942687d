import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import Koa from 'koa';
import type { Session, SessionOptions } from '../../../lib/session/index.js';
import { createSession, SessionOwners } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { cookieHeader, inProcess, type InProcessAnswer } from '../../support/in-process.js';
import { noting } from '../../support/noting-store.js';

type Data = Session & Record<string, unknown>;

const MINUTE = 60_000;
const EVENTS = ['missed', 'expired', 'destroyed', 'failed'] as const;

afterEach(() => {
  jest.useRealTimers();
});

/** An application whose session's id ends at once when it is renewed. */
function application(options: SessionOptions = {}) {
  const store = new MemoryStore();
  const calls: string[] = [];
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  app.use(createSession({ ...options, store: noting(store, calls) }, app));
  const events: string[] = [];
  for (const event of EVENTS) app.on(`session:${event}`, () => events.push(event));
  const request = async (
    act: (session: Data) => unknown,
    from?: InProcessAnswer,
  ): Promise<InProcessAnswer> => {
    const cookie = from === undefined ? '' : cookieHeader(from);
    calls.length = events.length = 0;
    const answer = await inProcess(app, (ctx) => act(ctx.session as Data), cookie);
    // Events are emitted apart from the request.
    await new Promise((resolve) => setImmediate(resolve));
    return answer;
  };
  const userOf = async (from: InProcessAnswer) => {
    let user: unknown;
    await request((session) => void (user = session.user), from);
    return user;
  };
  return { store, calls, events, request, userOf };
}

describe('an id that ended at once', () => {
  it('is left with two writes, and the session of the new one with two', async () => {
    const { calls, request } = application();
    const login = await request((session) => (session.user = 'alice'));
    const renewed = await request((session) => session.regenerate(), login);
    expect(calls).toEqual(['read', 'create', 'update']);
    await request((session) => session.logout(), renewed);
    expect(calls).toEqual(['read', 'update', 'destroy']);
  });

  it('is nobody’s: no session, no expired session, no session of its owner', async () => {
    const { store, events, request, userOf } = application();
    let id = '';
    const login = await request((session) => {
      session.user = 'alice';
      id = session.externalKey as string;
    });
    const renewed = await request((session) => session.login('alice'), login);
    expect(await userOf(login)).toBeUndefined();
    expect(events).toEqual(['missed']);
    expect(await new SessionOwners(store).list('alice')).toHaveLength(1);
    const record = store.get(id) ?? {};
    expect(Object.keys(record).filter((name) => !name.startsWith('_'))).toEqual([]);
    // koa-session takes it for a session that is over.
    expect(record._expire).toBeGreaterThan(0);
    expect(record._expire).toBeLessThan(Date.now() - 24 * 60 * MINUTE);
    expect(await userOf(renewed)).toBe('alice');
  });

  it('leads nobody to the new one, however far behind a server’s clock is', async () => {
    const { request, userOf } = application();
    const login = await request((session) => (session.user = 'alice'));
    await request((session) => session.regenerate(), login);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    jest.setSystemTime(Date.now() - 30_000);
    expect(await userOf(login)).toBeUndefined();
  });

  it('leaves nothing after a minute, however often somebody sends it', async () => {
    const { store, request, userOf } = application({ rolling: true });
    const login = await request((session) => (session.user = 'alice'));
    await request((session) => session.regenerate(), login);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    for (let i = 0; i < 3; i++) {
      jest.setSystemTime(Date.now() + 15_000);
      expect(await userOf(login)).toBeUndefined();
    }
    jest.setSystemTime(Date.now() + 15_001);
    await store.prune();
    expect(store.size).toBe(1);
  });

  it.each([
    ['writes', (session: Data) => (session.late = true)],
    ['prolongs', (session: Data) => session.touch()],
    ['renews the id', (session: Data) => session.regenerate()],
  ])('is worth nothing to a request under way that %s', async (_title, act) => {
    const { events, request, userOf } = application();
    const login = await request((session) => (session.user = 'alice'));
    let renewed = login;
    const late = await request(async (session) => {
      renewed = await request((own) => own.regenerate(), login);
      await act(session);
    }, login);
    expect(events).toEqual(['failed']);
    expect(late.setCookie).toEqual([]);
    expect(await userOf(login)).toBeUndefined();
    expect(await userOf(renewed)).toBe('alice');
  });

  it('does not end the session of the new one for a request that comes later', async () => {
    const { request, userOf } = application();
    const login = await request((session) => (session.user = 'alice'));
    const renewed = await request((session) => session.regenerate(), login);
    await request((session) => session.logout(), login);
    expect(await userOf(renewed)).toBe('alice');
  });
});

describe('a rolling session that gets a new id while a request is slow', () => {
  const SLOW = 120;

  /** What the slow request answers, and the one that meanwhile gave the session its new id. */
  async function answers(options: SessionOptions, act: (session: Data) => unknown) {
    const { request, userOf } = application({ rolling: true, ...options });
    const login = await request((session) => (session.user = 'alice'));
    let other = login;
    const slow = await request(async (session) => {
      expect(session.user).toBe('alice');
      other = await request(act, login);
      await delay(SLOW);
    }, login);
    return { login, slow, other, userOf };
  }

  it('is not taken from the browser by the old one', async () => {
    const { slow, other, userOf } = await answers({}, (session) => session.login('alice'));
    expect([slow.error, slow.setCookie]).toEqual([undefined, []]);
    expect(await userOf(other)).toBe('alice');
  });

  it('is told by both answers while the old one leads there', async () => {
    const renewal = { regenerateGrace: 30_000 };
    const { slow, other, login } = await answers(renewal, (session) => session.regenerate());
    expect(cookieHeader(other)).not.toBe(cookieHeader(login));
    expect(cookieHeader(slow)).toBe(cookieHeader(other));
  });

  it('is not brought back into the browser after a logout', async () => {
    const { slow, userOf, login } = await answers({}, (session) => session.logout());
    expect(slow.setCookie).toEqual([]);
    expect(await userOf(login)).toBeUndefined();
  });
});

describe('a logout that had read the session before', () => {
  it.each<[string, SessionOptions, (session: Data) => unknown]>([
    ['regenerate()', {}, (session: Data) => session.regenerate()],
    ['login()', {}, (session: Data) => session.login()],
    ['rotateOn', { rotateOn: ['role'] }, (session: Data) => (session.role = 'admin')],
  ])('ends it under the id that %s gave it', async (_title, options, renew) => {
    const { request, userOf } = application(options);
    const login = await request((session) => (session.user = 'alice'));
    let renewed = login;
    await request(async (session) => {
      renewed = await request(renew, login);
      // What carries the old id from here on is no parallel request of the session.
      await request((own) => own.logout(), login);
      await session.logout();
    }, login);
    expect(renewed.setCookie).not.toEqual([]);
    expect(await userOf(renewed)).toBeUndefined();
  });

  it('ends it where hashIds moved it meanwhile', async () => {
    const { store, request } = application();
    const login = await request((session) => (session.user = 'alice'));
    const app = new Koa();
    app.keys = ['a key for tests'];
    const hashIds = { key: 'a secret of at least 32 bytes, for tests', acceptPlain: true };
    app.use(createSession({ store, hashIds }, app));
    const cookie = cookieHeader(login);
    await inProcess(
      app,
      async (ctx) => {
        await inProcess(app, (own) => Object.assign(own.session, { seen: 1 }), cookie);
        await ctx.session.logout();
      },
      cookie,
    );
    expect(store.size).toBe(0);
  });
});
