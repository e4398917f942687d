import fc from 'fast-check';
import Koa from 'koa';
import type { Session, SessionOptions } from '../../../lib/session/index.js';
import { createSession } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { cookieHeader, inProcess } from '../../support/in-process.js';
import { scheduled } from '../../support/scheduled-store.js';

type Data = Session & Record<string, unknown>;

const RUNS = Number(process.env.PARALLEL_RUNS ?? 500);

interface World {
  app: Koa;
  store: MemoryStore;
  cookie: string;
  id: string;
  run: (
    scheduler: fc.Scheduler,
    handlers: ((session: Data, ctx: Koa.Context) => unknown)[],
  ) => Promise<{ status: number; error: unknown; setCookie: string[] }[]>;
  data: () => Promise<Record<string, unknown> | undefined>;
}

/** A logged-in user, and parallel requests that carry the same cookie. */
async function world(options: SessionOptions = {}, store = new MemoryStore()): Promise<World> {
  let scheduler: fc.Scheduler | undefined;
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  app.use(createSession({ ...options, store: scheduled(store, () => scheduler) }, app));
  let id = '';
  const login = await inProcess(app, (ctx) => {
    Object.assign(ctx.session, { user: 'alice', count: 0 });
    id = ctx.session.externalKey as string;
  });
  const cookie = cookieHeader(login);
  return {
    app,
    store,
    cookie,
    id,
    async run(with_, handlers) {
      scheduler = with_;
      const answers = Promise.all(
        handlers.map((handler) =>
          inProcess(app, (ctx) => handler(ctx.session as Data, ctx), cookie),
        ),
      );
      const result = await with_.waitFor(answers);
      scheduler = undefined;
      return result;
    },
    async data() {
      let data: Record<string, unknown> | undefined;
      await inProcess(
        app,
        ({ session }) => void (data = session.isNew ? undefined : session.toJSON()),
        cookie,
      );
      return data;
    },
  };
}

describe('parallel requests on a store that can compare and set', () => {
  it('lose no acknowledged write, whatever order their steps take', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 6 }), async (scheduler, n) => {
        const user = await world();
        const answers = await user.run(
          scheduler,
          Array.from({ length: n }, (_, i) => (session: Data) => {
            session[`key${i}`] = i;
          }),
        );
        expect(answers.map((answer) => answer.status)).toEqual(Array(n).fill(200));
        const expected = Object.fromEntries(Array.from({ length: n }, (_, i) => [`key${i}`, i]));
        expect(await user.data()).toMatchObject({ user: 'alice', ...expected });
      }),
      { numRuns: RUNS },
    );
  });

  it('count exactly with session.update()', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 6 }), async (scheduler, n) => {
        const user = await world();
        await user.run(
          scheduler,
          Array.from({ length: n }, () => async (session: Data) => {
            await session.update((draft) => {
              const counted = draft as { count: number };
              counted.count += 1;
            });
          }),
        );
        expect(await user.data()).toMatchObject({ count: n });
      }),
      { numRuns: RUNS },
    );
  });

  it('never bring a session back after its logout was acknowledged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom({}, { rolling: true, maxAge: 60_000 }, { renew: true, maxAge: 60_000 }),
        async (scheduler, n, options) => {
          const user = await world(options);
          const writers = Array.from({ length: n }, (_, i) => (session: Data) => {
            session[`key${i}`] = i;
          });
          const logout = (_: Data, ctx: Koa.Context) => {
            ctx.session = null;
          };
          const regenerate = (session: Data) => session.regenerate().catch(() => undefined);
          await user.run(scheduler, [...writers, logout, regenerate]);
          expect(await user.data()).toBeUndefined();
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('keep what others wrote while one of them renewed the id', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 4 }), async (scheduler, n) => {
        const user = await world({ regenerateGrace: 60_000, maxAge: 3_600_000 });
        let renewed = '';
        const writers = Array.from({ length: n }, (_, i) => (session: Data) => {
          session[`key${i}`] = i;
        });
        const answers = await user.run(scheduler, [
          ...writers,
          async (session) => {
            await session.regenerate();
            renewed = session.externalKey as string;
          },
        ]);
        expect(answers.map((answer) => answer.error)).toEqual(Array(n + 1).fill(undefined));
        expect(renewed).not.toBe(user.id);
        const expected = Object.fromEntries(writers.map((_, i) => [`key${i}`, i]));
        expect(await user.store.get(renewed)).toMatchObject({
          user: 'alice',
          ...expected,
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('end on one id when several of them renew it at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 2, max: 3 }),
        fc.constantFrom(0, 60_000),
        async (scheduler, n, regenerateGrace) => {
          const user = await world({ regenerateGrace, maxAge: 3_600_000 });
          const ids: string[] = [];
          const answers = await user.run(
            scheduler,
            Array.from({ length: n }, (_, i) => async (session: Data) => {
              if (session.user !== 'alice') return; // came after the old id had ended
              session[`key${i}`] = i;
              await session.regenerate();
              ids.push(session.externalKey as string);
            }),
          );
          expect(ids.length).toBeGreaterThan(0);
          if (regenerateGrace > 0) expect(ids).toHaveLength(n);
          for (const answer of answers.filter(({ setCookie }) => setCookie.length > 0)) {
            let seen: Record<string, unknown> = {};
            await inProcess(
              user.app,
              (ctx) => void (seen = ctx.session.toJSON()),
              cookieHeader(answer),
            );
            if (regenerateGrace === 0 && seen.user === undefined) continue;
            expect(seen).toMatchObject({ user: 'alice' });
            if (regenerateGrace === 0) continue; // then a late one is refused, which it is told
            for (const i of answers.keys()) expect(seen).toHaveProperty(`key${i}`, i);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('would lose writes with a store whose version check is off, which this suite notices', async () => {
    class Careless extends MemoryStore {
      override async update(...[key, , ...rest]: Parameters<MemoryStore['update']>) {
        const current = await this.read(key);
        return super.update(key, current?.version ?? '', ...rest);
      }
    }
    const details = await fc.check(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const user = await world({}, new Careless());
        await user.run(scheduler, [(session) => (session.a = 1), (session) => (session.b = 1)]);
        expect(await user.data()).toMatchObject({ a: 1, b: 1 });
      }),
      { numRuns: RUNS },
    );
    expect(details.failed).toBe(true);
  });

  it('would revive sessions with a store whose update creates, which this suite notices', async () => {
    class Reviving extends MemoryStore {
      override async update(...args: Parameters<MemoryStore['update']>) {
        const result = await super.update(...args);
        if (result.status !== 'gone') return result;
        const [key, , record, maxAge] = args;
        await this.set(key, record, maxAge);
        return { status: 'ok' as const, version: '1' };
      }
    }
    const details = await fc.check(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const user = await world({}, new Reviving());
        await user.run(scheduler, [
          (session) => (session.a = 1),
          (_, ctx) => {
            ctx.session = null;
          },
        ]);
        expect(await user.data()).toBeUndefined();
      }),
      { numRuns: RUNS },
    );
    expect(details.failed).toBe(true);
  });
});
