import { jest } from '@jest/globals';
import Koa from 'koa';
import type { Session, SessionOptions, SessionStore } from '../../../lib/session/index.js';
import { createSession } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { cookieHeader, inProcess } from '../../support/in-process.js';
import { noting } from '../../support/noting-store.js';

type Data = Session & Record<string, unknown>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setTimeout'] });
});
afterEach(() => {
  jest.useRealTimers();
});

function pass(ms: number): void {
  jest.setSystemTime(Date.now() + ms);
}

/** One browser, whose session lies in a store. */
function visitor(options: SessionOptions, store: SessionStore = new MemoryStore()) {
  const calls: string[] = [];
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  app.use(createSession({ ...options, store: noting(store, calls) }, app));
  let cookie = '';
  return async (act: (session: Data) => unknown = () => undefined, from = cookie) => {
    calls.length = 0;
    let seen: Record<string, unknown> = {};
    const answer = await inProcess(
      app,
      async (ctx) => {
        await act(ctx.session as Data);
        seen = (ctx.session as Data | null)?.toJSON() ?? {};
      },
      from,
    );
    if (answer.error !== undefined) throw answer.error;
    const before = from;
    if (answer.setCookie.length > 0) cookie = cookieHeader(answer);
    return { calls: [...calls], user: seen.user, cookies: answer.setCookie.length, cookie, before };
  };
}

describe('rolling on a store that renews while it reads', () => {
  it.each([
    ['maxAge of a day, by default', {}],
    ['a maxAge', { maxAge: HOUR }],
    ['maxAge "session"', { maxAge: 'session' as const }],
    ['an absolute limit that is far', { maxAge: HOUR, absoluteMaxAge: DAY }],
    ['an idle timeout', { maxAge: DAY, idleTimeout: HOUR }],
  ])('takes one call for a request that changes nothing: %s', async (_, options) => {
    const visit = visitor({ rolling: true, ...options });
    await visit((session) => (session.user = 'alice'));
    pass(10 * MINUTE);
    const read = await visit();
    expect(read).toMatchObject({ calls: ['read'], user: 'alice', cookies: 2 });
  });

  it('takes two calls for a request that changes the session', async () => {
    const visit = visitor({ rolling: true });
    await visit((session) => (session.user = 'alice'));
    expect((await visit((session) => (session.n = 1))).calls).toEqual(['read', 'update']);
  });

  it.each([
    [HOUR, { maxAge: HOUR }],
    [DAY, {}],
    [DAY, { maxAge: 'session' as const }],
  ])('prolongs the session by its lifetime with each request: %d', async (lifetime, options) => {
    const visit = visitor({ rolling: true, ...options });
    await visit((session) => (session.user = 'alice'));
    for (let i = 0; i < 5; i++) {
      pass(lifetime - MINUTE);
      expect((await visit()).user).toBe('alice');
    }
    pass(lifetime + MINUTE);
    expect((await visit()).user).toBeUndefined();
  });

  it('keeps a session as long as its own maxAge says, longer than the option', async () => {
    const visit = visitor({ rolling: true, maxAge: HOUR });
    await visit((session) => {
      session.user = 'alice';
      session.maxAge = 30 * DAY;
    });
    for (let i = 0; i < 3; i++) {
      await visit();
      pass(29 * DAY);
      expect((await visit()).user).toBe('alice');
    }
  });

  it('keeps a session no longer than its own maxAge says, shorter than the option', async () => {
    const visit = visitor({ rolling: true, maxAge: DAY });
    await visit((session) => {
      session.user = 'alice';
      session.maxAge = 5 * MINUTE;
    });
    pass(4 * MINUTE);
    expect((await visit()).user).toBe('alice');
    pass(6 * MINUTE);
    expect((await visit()).user).toBeUndefined();
  });

  it('does not bring back a session in the seconds that its record outlives it', async () => {
    for (const options of [
      { rolling: true, maxAge: HOUR },
      { idleTimeout: HOUR, maxAge: DAY },
    ]) {
      const visit = visitor(options);
      await visit((session) => (session.user = 'alice'));
      pass(HOUR + 1_000);
      expect((await visit()).user).toBeUndefined();
    }
  });

  it('lets a pointer left by a renewed id end with its grace time, however often it is followed', async () => {
    const visit = visitor({ rolling: true, maxAge: HOUR, regenerateGrace: MINUTE });
    const { cookie: old } = await visit((session) => (session.user = 'alice'));
    await visit((session) => session.regenerate());
    for (let i = 0; i < 3; i++) {
      pass(19_000);
      expect((await visit(undefined, old)).user).toBe('alice');
    }
    pass(4_000);
    expect((await visit(undefined, old)).user).toBeUndefined();
  });

  it('leaves it to the application where autoCommit is off', async () => {
    const visit = visitor({ rolling: true, maxAge: HOUR, autoCommit: false });
    await visit(async (session) => {
      session.user = 'alice';
      await session.manuallyCommit();
    });
    pass(HOUR - MINUTE);
    expect(await visit()).toMatchObject({ calls: ['read'], user: 'alice' });
    pass(2 * MINUTE);
    expect((await visit()).user).toBeUndefined();
  });

  it('prolongs by a call of its own with a store that cannot, as koa-session does', async () => {
    const records = new MemoryStore();
    const visit = visitor(
      { rolling: true },
      {
        get: (key) => records.get(key),
        set: (key, record, maxAge) => records.set(key, record, maxAge),
        destroy: (key) => records.destroy(key),
      },
    );
    await visit((session) => (session.user = 'alice'));
    expect((await visit()).calls).toEqual(['get', 'set']);
  });
});

it('a shorter idleTimeout counts for the sessions that there are, from their next use on', async () => {
  const store = new MemoryStore();
  const before = visitor({ idleTimeout: DAY, maxAge: DAY }, store);
  const { cookie } = await before((session) => (session.user = 'alice'));
  const visit = visitor({ idleTimeout: 10 * MINUTE, maxAge: DAY }, store);
  expect((await visit(undefined, cookie)).user).toBe('alice');
  pass(11 * MINUTE);
  expect((await visit(undefined, cookie)).user).toBeUndefined();
});
