import { inspect } from 'node:util';
import { SessionCommitError, type SessionOptions } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { type AnySession, KoaSite, PlainStore } from '../../support/koa-site.js';

const MODES: [string, () => SessionOptions][] = [
  ['in its cookie', () => ({})],
  ["in a store with koa-session's methods", () => ({ store: new PlainStore() })],
  ['in a store that compares and sets', () => ({ store: new MemoryStore() })],
];

describe.each(MODES)('a session %s', (_mode, options) => {
  let site: KoaSite;

  beforeEach(async () => {
    site = await KoaSite.open(options());
  });

  afterEach(() => site.close());

  it('shows its data, and what it is', async () => {
    const seen: unknown[] = [];
    const look = (_ctx: unknown, of: () => AnySession): void => {
      const session = of();
      seen.push([session.isNew, session.length, session.populated, session.toJSON()]);
      seen.push(JSON.stringify(session), inspect(session));
      session.a = 1;
    };
    await site.visit(look);
    await site.visit(look);
    expect(seen).toEqual([
      [true, 0, false, {}],
      '{}',
      '{}',
      [false, 1, true, { a: 1 }],
      '{"a":1}',
      '{ a: 1 }',
    ]);
  });

  it('keeps neither functions nor keys that begin with _', async () => {
    await site.visit((_ctx, of) => {
      Object.assign(of(), { a: 1, _b: 2, c: () => 3 });
      expect(of()._b).toBe(2);
    });
    expect(await site.data()).toEqual({ a: 1 });
  });

  it('is not written when nothing changed', async () => {
    await site.visit((_ctx, of) => (of().a = { b: [1] }));
    site.events.length = 0;
    const answer = await site.visit((_ctx, of) => (of().a = { b: [1] }));
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(site.events).toEqual([]);
  });

  it('sees a change deep inside its data', async () => {
    await site.visit((_ctx, of) => (of().list = [{ n: 1 }]));
    await site.visit((_ctx, of) => ((of().list as { n: number }[])[0]!.n = 2));
    expect(await site.data()).toEqual({ list: [{ n: 2 }] });
  });

  it('is changed by update(), by editing the draft or by giving other data', async () => {
    await site.visit(async (_ctx, of) => {
      of().a = 1;
      await of().update((draft) => void Object.assign(draft, { b: 2 }));
      expect(of().toJSON()).toEqual({ a: 1, b: 2 });
    });
    expect(await site.data()).toEqual({ a: 1, b: 2 });
    await site.visit(async (_ctx, of) => {
      await of().update(() => ({ c: 3 }) as object);
      expect(of().toJSON()).toEqual({ c: 3 });
    });
    expect(await site.data()).toEqual({ c: 3 });
  });

  it('awaits an update() that is asynchronous, and saves nothing of one that fails', async () => {
    await site.visit(async (_ctx, of) => {
      await of().update(async (draft) => {
        await Promise.resolve();
        Object.assign(draft, { a: 1 });
      });
    });
    const failed = await site.visit(async (_ctx, of) => {
      await of().update((draft) => {
        Object.assign(draft, { a: 2 });
        throw new Error('changed my mind');
      });
    });
    expect(failed.status).toBe(500);
    expect(await site.data()).toEqual({ a: 1 });
  });

  it('is not replaced by what an edit in update() happens to return', async () => {
    await site.visit((_ctx, of) => Object.assign(of(), { user: 'ann', cart: [1] }));
    const failed = await site.visit(async (_ctx, of) => {
      await of().update((draft) => ((draft as { cart: unknown }).cart = [2]) as never);
    });
    expect(failed.status).toBe(500);
    await site.visit(async (_ctx, of) => {
      await of().update((draft) => ((draft as { n: number }).n = 1) as never);
      await of().update((draft) => Object.assign(draft, { m: 1 }));
    });
    expect(await site.data()).toEqual({ user: 'ann', cart: [1], n: 1, m: 1 });
  });

  it('cannot be updated once it was removed', async () => {
    let error: unknown;
    await site.visit(async (ctx, of) => {
      const session = of();
      ctx.session = null;
      error = await session.update(() => undefined).catch((thrown: unknown) => thrown);
    });
    expect(error).toBeInstanceOf(SessionCommitError);
    expect(error).toMatchObject({ code: 'ERR_SESSION_GONE' });
  });

  it('is ended by destroy() at once, and what follows is a new one', async () => {
    await site.visit((_ctx, of) => (of().a = 1));
    await site.visit(async (ctx, of) => {
      await of().destroy();
      expect(ctx.session).toBeNull();
      ctx.session = { b: 2 } as never;
    });
    expect(await site.data()).toEqual({ b: 2 });
  });

  it('forgets the changes of a request that calls reload()', async () => {
    await site.visit((_ctx, of) => (of().a = 1));
    await site.visit(async (_ctx, of) => {
      of().a = 2;
      await of().reload();
      expect(of().toJSON()).toEqual({ a: 1 });
    });
    expect(await site.data()).toEqual({ a: 1 });
  });

  it('tells callbacks of errors, and of nothing else', async () => {
    const calls: unknown[][] = [];
    await site.visit(async (_ctx, of) => {
      for (const method of ['save', 'regenerate', 'commit', 'destroy', 'reload'] as const) {
        await new Promise<void>((resolve) => {
          const returned: unknown = of()?.[method]((...all: unknown[]) => {
            calls.push([method, ...all]);
            resolve();
          });
          expect(returned).toBeUndefined();
          if (of() === null) resolve();
        });
      }
    });
    expect(calls).toEqual([['save'], ['regenerate'], ['commit'], ['destroy']]);
  });

  it('commits one after the other what is not awaited', async () => {
    await site.visit((_ctx, of) => {
      const session = of();
      session.a = 1;
      void session.save();
      session.a = 2;
      void session.save();
      session.b = 3;
    });
    expect(await site.data()).toEqual({ a: 2, b: 3 });
  });
});

describe('touch()', () => {
  it('prolongs a session whose data does not change', async () => {
    const store = new PlainStore();
    const site = await KoaSite.open({ store, maxAge: 60_000 });
    await site.visit((_ctx, of) => (of().a = 1));
    await site.visit((_ctx, of) => void of().toJSON());
    expect(store.calls).toEqual(['set', 'get']);
    const answer = await site.visit((_ctx, of) => {
      of().touch();
    });
    expect(store.calls).toEqual(['set', 'get', 'get', 'set']);
    expect(answer.headers.getSetCookie()).toHaveLength(2);
    await site.close();
  });
});
