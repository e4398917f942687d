import { loadSession, SessionStateError, type SessionOptions } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { KoaSite, PlainStore } from '../../support/koa-site.js';

describe("load: 'lazy'", () => {
  let site: KoaSite;
  let store: PlainStore;

  beforeEach(async () => {
    store = new PlainStore();
    site = await KoaSite.open({ store, load: 'lazy' });
  });

  afterEach(() => site.close());

  const write = (a: number): Promise<unknown> =>
    site.visit(async (ctx) => {
      const session = await ctx.session;
      Object.assign(session, { a });
    });

  it('asks the store nothing for a request that never asks for its session', async () => {
    await write(1);
    store.calls.length = 0;
    await site.visit(() => undefined);
    expect(store.calls).toEqual([]);
  });

  it('loads once, however often it is awaited', async () => {
    await write(1);
    store.calls.length = 0;
    const seen: unknown[] = [];
    await site.visit(async (ctx) => {
      const [first, second] = await Promise.all([ctx.session, ctx.session]);
      seen.push(first === second, (await ctx.session) === first, ctx.session === first);
      seen.push(first.toJSON());
    });
    expect(seen).toEqual([true, true, true, { a: 1 }]);
    expect(store.calls).toEqual(['get']);
  });

  it.each<[string, (session: Record<string, unknown>) => unknown]>([
    ['reads', (session) => session.a],
    ['writes', (session) => (session.a = 1)],
    ['deletes', (session) => delete session.a],
    ['asks for', (session) => 'a' in session],
    ['lists', (session) => Object.keys(session)],
    ['copies', (session) => ({ ...session })],
    ['serialises', (session) => JSON.stringify(session)],
  ])('throws an error that says what to await when a handler %s too early', async (_what, act) => {
    let error: unknown;
    const answer = await site.visit((ctx) => {
      try {
        act(ctx.session as unknown as Record<string, unknown>);
      } catch (thrown) {
        error = thrown;
        throw thrown;
      }
    });
    expect(answer.status).toBe(500);
    expect(error).toBeInstanceOf(SessionStateError);
    expect(error).toMatchObject({ code: 'ERR_SESSION_NOT_LOADED' });
    expect((error as Error).message).toContain('await ctx.session');
  });

  it('lets a handler replace or remove the session without reading it', async () => {
    await write(1);
    await site.visit((ctx) => {
      ctx.session = { b: 2 } as never;
    });
    expect(await site.data()).toEqual({ b: 2 });
    await site.visit((ctx) => {
      ctx.session = null;
    });
    expect(store.records.size).toBe(0);
    expect(await site.data()).toEqual({});
  });

  it('rejects where it is awaited when the store fails', async () => {
    await write(1);
    store.instead.get = () => Promise.reject(new Error('down'));
    const untouched = await site.visit(() => undefined);
    expect(untouched.status).toBe(200);
    const asked = await site.visit(async (ctx) => void (await ctx.session));
    expect(asked.status).toBe(503);
  });

  it.each<[string, SessionOptions]>([
    ['a store that answers at once', { store: new MemoryStore() }],
    ['a store that answers later', { store: new PlainStore() }],
    ['a cookie', {}],
  ])('is loaded once when "valid" asks for it meanwhile, from %s', async (_what, options) => {
    let calls = 0;
    const asking = await KoaSite.open({
      ...options,
      load: 'lazy',
      valid: (ctx) => {
        calls++;
        void loadSession(ctx);
        return true;
      },
    });
    await asking.visit(async (ctx) => void Object.assign(await ctx.session, { a: 1 }));
    expect(await asking.data()).toEqual({ a: 1 });
    expect(calls).toBe(1);
    await asking.close();
  });

  it('works in a cookie as well', async () => {
    const cookies = await KoaSite.open({ load: 'lazy' });
    await cookies.visit(async (ctx) => {
      Object.assign(await ctx.session, { a: 1 });
    });
    expect(await cookies.data()).toEqual({ a: 1 });
    await cookies.close();
  });
});
