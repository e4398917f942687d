import fc from 'fast-check';
import Koa from 'koa';
import type { Session, SessionOptions } from '../../../lib/session/index.js';
import { createSession } from '../../../lib/session/index.js';
import { StoreError } from '../../../lib/errors.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { cookieHeader, inProcess, type InProcessAnswer } from '../../support/in-process.js';
import { scheduled } from '../../support/scheduled-store.js';

type Data = Session & Record<string, unknown>;
type Act = 'read' | 'write' | 'touch' | 'regenerate' | 'update' | 'save' | 'login' | 'promote';

const RUNS = Number(process.env.PARALLEL_RUNS ?? 500);
const HOUR = 3_600_000;

const ACTS: Record<Act, (session: Data) => unknown> = {
  read: (session) => session.user,
  write: (session) => (session.key = 1),
  touch: (session) => session.touch(),
  regenerate: (session) => session.regenerate(),
  update: (session) => session.update((draft) => ({ ...draft, m: 1 })),
  save: (session) => session.save(),
  login: (session) => session.login(),
  promote: (session) => (session.role = 'admin'),
};

const OPTIONS: SessionOptions[] = [
  { regenerateGrace: HOUR },
  { regenerateGrace: HOUR, rolling: true },
  { regenerateGrace: HOUR, renew: true },
  { regenerateGrace: HOUR, idleTimeout: HOUR },
  { regenerateGrace: HOUR, hashIds: { key: 'a key for hashed ids, long enough' } },
  { regenerateGrace: HOUR, renewEvery: 1, rolling: true },
  {},
  { rolling: true },
  { renew: true },
  { idleTimeout: HOUR },
  { rotateOn: ['role'] },
  { rotateOn: ['role'], renewEvery: 1 },
  { hashIds: { key: 'a key for hashed ids, long enough' } },
  { verifyRecords: true },
];

async function world(options: SessionOptions) {
  let scheduler: fc.Scheduler | undefined;
  const store = new MemoryStore();
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  const settings = { maxAge: HOUR, ...options, store: scheduled(store, () => scheduler) };
  app.use(createSession(settings, app));
  const login = await inProcess(app, (ctx) => Object.assign(ctx.session, { user: 'alice' }));
  const cookie = cookieHeader(login);
  const userOf = async (cookies: string) => {
    let user: unknown;
    await inProcess(app, (ctx) => void (user = (ctx.session as Data).user), cookies);
    return user;
  };
  const run = async (with_: fc.Scheduler, handlers: ((session: Data) => unknown)[]) => {
    scheduler = with_;
    const requests = handlers.map((handler) =>
      inProcess(app, (ctx) => handler(ctx.session as Data), cookie),
    );
    const answers = await with_.waitFor(Promise.all(requests));
    scheduler = undefined;
    return answers;
  };
  return { cookie, userOf, run };
}

function cookiesOf(answers: InProcessAnswer[]): string[] {
  return answers.filter(({ setCookie }) => setCookie.length > 0).map(cookieHeader);
}

it('an acknowledged logout ends the session under whatever id parallel requests gave it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.constantFrom(...OPTIONS),
      fc.array(fc.constantFrom(...(Object.keys(ACTS) as Act[])), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 2 }),
      async (scheduler, options, acts, logouts) => {
        const { cookie, userOf, run } = await world(options);
        if (options.renewEvery !== undefined) await new Promise((done) => setTimeout(done, 3));
        const wereIn: boolean[] = [];
        const logout = async (session: Data) => {
          wereIn.push(session.user === 'alice');
          await session.logout();
        };
        const answers = await run(scheduler, [
          // What the handler does may fail, since the session is gone: that is for it to see.
          ...acts.map((act) => async (session: Data) => {
            if (session.user !== undefined) await Promise.resolve(ACTS[act](session)).catch(noop);
          }),
          ...Array.from({ length: logouts }, () => logout),
        ]);
        const endsIds = acts.some(
          (act) =>
            act === 'login' ||
            act === 'promote' ||
            (act === 'regenerate' && options.regenerateGrace === undefined),
        );
        // Where an old id ends at once, a logout may come too late to find the session under it.
        if (!endsIds) expect(wereIn).toContain(true);
        const users = await Promise.all([cookie, ...cookiesOf(answers)].map(userOf));
        if (wereIn.includes(true)) expect(new Set(users)).toEqual(new Set([undefined]));
        else expect(users).toContain('alice');
      },
    ),
    { numRuns: 2 * RUNS },
  );
});

function noop(): void {
  // Told to the application, which the test plays.
}

it('a logout is carried out by a store that refuses to write but still removes', async () => {
  class Full extends MemoryStore {
    isFull = false;
    override async update(...args: Parameters<MemoryStore['update']>) {
      if (this.isFull) throw new StoreError('update', { kind: 'rejected' });
      return super.update(...args);
    }
  }
  const store = new Full();
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.use(createSession({ store, regenerateGrace: HOUR }, app));
  const login = await inProcess(app, (ctx) => Object.assign(ctx.session, { user: 'alice' }));
  store.isFull = true;
  const logout = await inProcess(app, (ctx) => void (ctx.session = null), cookieHeader(login));
  expect(logout.error).toBeUndefined();
  expect(store.size).toBe(0);
});
