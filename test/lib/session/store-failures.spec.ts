import { setTimeout as delay } from 'node:timers/promises';
import { StoreError, type SessionOptions } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { KoaSite, PlainStore } from '../../support/koa-site.js';

describe('when the store fails', () => {
  let site: KoaSite;
  let store: PlainStore;

  const down = (): Promise<never> => Promise.reject(new Error('connection refused'));
  const hangs = (): Promise<never> => new Promise(() => undefined);

  async function open(options: SessionOptions = {}): Promise<void> {
    store = new PlainStore();
    site = await KoaSite.open({ store, ...options });
    await site.visit((ctx) => (ctx.session = { a: 1 } as never));
    site.events.length = 0;
  }

  afterEach(() => site.close());

  it('to read, a request that does not look at its session is served', async () => {
    await open();
    store.instead.get = down;
    const answer = await site.visit((ctx) => (ctx.body = 'a page'));
    expect([answer.status, answer.said]).toEqual([200, 'a page']);
    expect(site.events).toEqual(['failed store']);
    delete store.instead.get;
    expect(await site.data()).toEqual({ a: 1 });
  });

  it.each<[string, (ctx: { session: unknown }) => unknown]>([
    ['reads', ({ session }) => session],
    ['replaces', (ctx) => (ctx.session = { a: 2 })],
    ['removes', (ctx) => (ctx.session = null)],
  ])('to read, a handler that %s its session gets a StoreError: 503', async (_what, act) => {
    await open();
    store.instead.get = down;
    const answer = await site.visit((ctx) => act(ctx));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(answer.said).not.toContain('connection');
    expect(site.errors[0]).toBeInstanceOf(StoreError);
    expect(site.errors[0]).toMatchObject({ kind: 'unavailable', outcome: 'not-applied' });
    expect((site.errors[0]?.cause as Error).message).toBe('connection refused');
  });

  describe.each<[string, (ctx: { session: unknown }) => unknown]>([
    ['replaces', (ctx) => (ctx.session = { a: 2 })],
    ['removes', (ctx) => (ctx.session = null)],
  ])('to read, and a handler %s a lazy session unread', (_what, act) => {
    it('the answer is a 503, and nothing is written', async () => {
      await open({ load: 'lazy' });
      store.instead.get = down;
      const answer = await site.visit((ctx) => act(ctx));
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([503, []]);
      expect(site.events).toEqual(['failed store']);
      delete store.instead.get;
      expect(await site.data()).toEqual({ a: 1 });
    });

    it('it goes on without one where that is the policy, and nothing is written', async () => {
      await open({ load: 'lazy', onStoreError: 'anonymous' });
      store.instead.get = down;
      const answer = await site.visit((ctx) => act(ctx));
      expect([answer.status < 500, answer.headers.getSetCookie()]).toEqual([true, []]);
      delete store.instead.get;
      expect(await site.data()).toEqual({ a: 1 });
    });
  });

  it('to write, the answer is a 503 without a cookie', async () => {
    await open();
    store.instead.set = down;
    const answer = await site.visit((_ctx, of) => (of().a = 2));
    expect(answer.status).toBe(503);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it.each<[string, () => SessionOptions]>([
    [
      'a store that throws at once',
      () => {
        const failing = new MemoryStore();
        failing.read = () => {
          throw new Error('connection refused');
        };
        return { store: failing };
      },
    ],
    [
      'an external key that throws a StoreError',
      () => ({
        externalKey: {
          get: () => {
            throw new StoreError('get', { kind: 'unavailable' });
          },
          set: () => undefined,
        },
      }),
    ],
  ])('%s is one that is down', async (_what, options) => {
    await open(options());
    const served = await site.visit((ctx) => (ctx.body = 'a page'));
    expect([served.status, served.said]).toEqual([200, 'a page']);
    expect((await site.visit((_ctx, of) => void of())).status).toBe(503);
    expect(site.events).toEqual(['failed store', 'failed store']);
  });

  it('a store that throws at once when it is written to leaves no cookie either', async () => {
    const failing = new MemoryStore();
    failing.create = () => {
      throw new Error('connection refused');
    };
    await open({ store: failing });
    const answer = await site.visit((_ctx, of) => (of().a = 1));
    expect(answer.status).toBe(503);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('a rejection that is no error is a StoreError too', async () => {
    await open();
    store.instead.get = () => Promise.reject('down');
    expect((await site.visit((_ctx, of) => void of())).status).toBe(503);
  });

  it("onStoreError: 'anonymous' serves on with an empty session that is not written", async () => {
    await open({ onStoreError: 'anonymous' });
    store.instead.get = down;
    const seen: unknown[] = [];
    const answer = await site.visit((_ctx, of) => {
      seen.push(of().isNew, of().toJSON());
      of().a = 'lost on purpose';
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(seen).toEqual([true, {}]);
    delete store.instead.get;
    expect(await site.data()).toEqual({ a: 1 });
  });

  it('onStoreError may decide by error, request and step', async () => {
    const asked: unknown[] = [];
    await open({
      onStoreError: (error, ctx, step) => {
        asked.push([error.kind, ctx.path, step]);
        return step === 'commit' ? 'anonymous' : 'fail';
      },
    });
    store.instead.set = down;
    expect((await site.visit((_ctx, of) => (of().a = 2))).status).toBe(200);
    delete store.instead.set;
    store.instead.get = down;
    expect((await site.visit((_ctx, of) => void of())).status).toBe(503);
    expect(asked).toEqual([
      ['unavailable', '/', 'commit'],
      ['unavailable', '/', 'load'],
    ]);
  });

  it('storeTimeout bounds a read that never ends, and says so', async () => {
    await open({ storeTimeout: 30 });
    store.instead.get = hangs;
    const answer = await site.visit((_ctx, of) => void of());
    expect(answer.status).toBe(503);
    expect(site.errors[0]).toMatchObject({
      code: 'ERR_STORE_TIMEOUT',
      kind: 'timeout',
      outcome: 'not-applied',
    });
    expect(site.errors[0]?.message).toMatch(/"get" within 30 ms.*"storeTimeout"/);
  });

  it('storeTimeout leaves open whether a write that never ended was applied', async () => {
    await open({ storeTimeout: 30 });
    store.instead.set = hangs;
    expect((await site.visit((_ctx, of) => (of().a = 2))).status).toBe(503);
    expect(site.errors[0]).toMatchObject({ code: 'ERR_STORE_TIMEOUT', outcome: 'unknown' });
  });

  it('what the store answers after its deadline has no effect', async () => {
    await open({ storeTimeout: 20, verifyRecords: true, onStoreError: 'anonymous' });
    store.instead.get = async () => {
      await delay(60);
      return { _key: 'another session’s' };
    };
    await site.visit((_ctx, of) => void of());
    await delay(80);
    expect(site.events).toEqual(['failed store']);
  });

  it('a dead record that cannot be destroyed fails no request', async () => {
    await open({ valid: () => false });
    store.instead.destroy = down;
    const answer = await site.visit((_ctx, of) => void of().toJSON());
    expect(answer.status).toBe(200);
    expect(site.events).toEqual(['invalid', 'failed store']);
  });

  it('no answer, error or event says whose session it was', async () => {
    await open();
    const [id] = store.records.keys();
    for (const step of ['get', 'set'] as const) {
      store.instead[step] = down;
      const answer = await site.visit((_ctx, of) => (of().a = 'the secret'));
      expect(answer.said).toBe('Service Unavailable');
      delete store.instead[step];
    }
    for (const error of site.errors) {
      const all = `${error.message} ${error.stack ?? ''} ${JSON.stringify(error)}`;
      expect(all).not.toContain('the secret');
      expect(all).not.toContain(id);
    }
  });

  it.each([0, 1_000])(
    'to answer once, the write counts once all the same (storeTimeout: %i)',
    async (storeTimeout) => {
      const twice = { then: (done: () => void) => [done(), done()] };
      store = Object.assign(new PlainStore(), { set: () => twice });
      site = await KoaSite.open({ store, storeTimeout });
      await site.visit((_ctx, of) => (of().a = 1));
      expect(site.events).toEqual(['created', 'saved changed']);
    },
  );
});
