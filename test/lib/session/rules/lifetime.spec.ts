import fc from 'fast-check';
import { jest } from '@jest/globals';
import Koa from 'koa';
import type { Session, SessionOptions } from '../../../../lib/session/index.js';
import { createSession, sessionInfo } from '../../../../lib/session/index.js';
import { MemoryStore } from '../../../../lib/stores/memory.js';
import { cookieHeader, inProcess } from '../../../support/in-process.js';

type Data = Session & Record<string, unknown>;

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);

function application(options: SessionOptions): Koa {
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  app.use(createSession(options, app));
  return app;
}

/** A browser that keeps whatever it is sent, also cookies that are over: a thief would. */
function client(app: Koa) {
  let cookie = '';
  return async (act: (session: Data) => unknown): Promise<void> => {
    const answer = await inProcess(app, (ctx) => act(ctx.session as Data), cookie);
    if (answer.error !== undefined) throw answer.error;
    if (answer.setCookie.length > 0) cookie = cookieHeader(answer);
  };
}

const MODES = [
  ['in a cookie', () => ({})],
  ['in a store', () => ({ store: new MemoryStore() })],
] as const;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setTimeout'] });
  jest.setSystemTime(START);
});
afterEach(() => {
  jest.useRealTimers();
});

function pass(ms: number): void {
  jest.setSystemTime(Date.now() + ms);
}

describe.each(MODES)('a session kept %s', (_, mode) => {
  it('ends when it is not used for idleTimeout, and lives on while it is', async () => {
    const request = client(application({ ...mode(), idleTimeout: 30 * MINUTE, maxAge: 9e9 }));
    await request((session) => (session.user = 'alice'));
    for (let i = 0; i < 5; i++) {
      pass(29 * MINUTE);
      let user: unknown;
      await request((session) => (user = session.user));
      expect(user).toBe('alice');
    }
    pass(31 * MINUTE);
    let isNew = false;
    await request((session) => (isNew = session.isNew));
    expect(isNew).toBe(true);
  });

  it('never outlives absoluteMaxAge, whatever is done to it and whenever', async () => {
    const absoluteMaxAge = 100 * MINUTE;
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 40 * MINUTE }),
      act: fc.constantFrom(
        'read',
        'write',
        'save',
        'regenerate',
        'touch',
        'maxAge',
        'update',
        'merge',
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.constantFrom(
          { rolling: true },
          { renew: true },
          { idleTimeout: 45 * MINUTE },
          ...('store' in mode() ? [{ rolling: true, renewEvery: 20 * MINUTE }] : []),
        ),
        async (steps, options) => {
          jest.setSystemTime(START);
          const request = client(
            application({ ...mode(), maxAge: 60 * MINUTE, absoluteMaxAge, ...options }),
          );
          await request((session) => (session.user = 'alice'));
          for (const { wait, act } of steps) {
            pass(wait);
            await request(async (session) => {
              const alive = session.user === 'alice';
              if (Date.now() >= START + absoluteMaxAge) expect(alive).toBe(false);
              if (!alive) return;
              if (act === 'write') session.n = Date.now();
              if (act === 'save') await session.save();
              if (act === 'regenerate') await session.regenerate();
              if (act === 'touch') session.touch();
              if (act === 'maxAge') session.maxAge = 90 * MINUTE;
              if (act === 'merge') {
                session.mine = Date.now();
                await request((other) => (other.theirs = Date.now()));
              }
              if (act === 'update') await session.update((draft) => ({ ...draft, m: 1 }));
            });
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('starts its absolute lifetime anew with login(), which says when', async () => {
    const request = client(application({ ...mode(), absoluteMaxAge: 60 * MINUTE, maxAge: 9e9 }));
    await request((session) => (session.user = 'alice'));
    pass(50 * MINUTE);
    await request((session) => session.login());
    pass(50 * MINUTE);
    let user: unknown;
    let authenticatedAt: number | undefined;
    await request((session) => {
      user = session.user;
      ({ authenticatedAt } = sessionInfo(session));
    });
    expect(user).toBe('alice');
    expect(authenticatedAt).toBe(START + 50 * MINUTE);
  });
});

it('a cookie that outlives the browser ends with the absolute lifetime at the latest', async () => {
  const app = application({ maxAge: 60 * MINUTE, absoluteMaxAge: 10 * MINUTE });
  const { setCookie } = await inProcess(app, (ctx) => Object.assign(ctx.session, { a: 1 }));
  const end = new Date(START + 10 * MINUTE).toUTCString();
  expect(setCookie[0]).toContain(`expires=${end}`);
});

it('a cookie session writes its use down only when a twentieth of idleTimeout has passed', async () => {
  const app = application({ idleTimeout: 20 * MINUTE });
  const login = await inProcess(app, (ctx) => Object.assign(ctx.session, { user: 'alice' }));
  const cookie = cookieHeader(login);
  pass(MINUTE / 2);
  const soon = await inProcess(app, (ctx) => void ctx.session.isNew, cookie);
  expect(soon.setCookie).toEqual([]);
  pass(MINUTE);
  const later = await inProcess(app, (ctx) => void ctx.session.isNew, cookie);
  expect(later.setCookie).not.toEqual([]);
});
