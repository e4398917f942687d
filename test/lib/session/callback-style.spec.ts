import { promisify } from 'node:util';
import type { SessionOptions } from '../../../lib/session/index.js';
import { csrfToken, sessionInfo } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { type AnySession, KoaSite, PlainStore } from '../../support/koa-site.js';

const MODES: [string, () => SessionOptions][] = [
  ['in its cookie', () => ({})],
  ["in a store with koa-session's methods", () => ({ store: new PlainStore() })],
  ['in a store that compares and sets', () => ({ store: new MemoryStore() })],
];

/** As a library that was written for express-session calls it. */
const regenerate = (session: AnySession) =>
  promisify((done: (error?: Error) => void) => session.regenerate(done))();

let site: KoaSite | undefined;

afterEach(async () => {
  await site?.close();
  site = undefined;
});

const open = async (options: SessionOptions = {}): Promise<KoaSite> => {
  site = await KoaSite.open({ callbackStyle: 'express-session', ...options });
  return site;
};

describe.each(MODES)('regenerate(callback) as in express-session, %s', (_mode, options) => {
  it('puts an empty new session in the place of the old one, which keeps its data', async () => {
    const { visit } = bound(await open(options()));
    await visit((_ctx, of) => (of().cart = [1]));
    await visit(async (_ctx, of) => {
      const before = of();
      await regenerate(before);
      expect(before.toJSON()).toEqual({ cart: [1] });
      expect([of().isNew, of().toJSON()]).toEqual([true, {}]);
      of().user = 'ann';
    });
    expect(await site?.data()).toEqual({ user: 'ann' });
  });

  it('leaves the browser without a cookie when the new session stays empty', async () => {
    const { visit } = bound(await open(options()));
    await visit((_ctx, of) => (of().user = 'ann'));
    const answer = await visit((_ctx, of) => regenerate(of()));
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await site?.browser.jar.getCookieString(site.browser.base)).toBe('');
    expect(site?.events).toContain('destroyed regenerated');
  });

  it('does not save an anonymous session for it', async () => {
    const { visit } = bound(await open(options()));
    const answer = await visit((_ctx, of) => regenerate(of()));
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(site?.events).toEqual([]);
  });

  it('begins with the lifetime that is configured, or set for the request', async () => {
    const { visit } = bound(await open({ ...options(), maxAge: 60_000 }));
    await visit((_ctx, of) => Object.assign(of(), { a: 1, maxAge: 5_000 }));
    await visit(async (_ctx, of) => {
      expect(of().maxAge).toBe(5_000);
      await regenerate(of());
      expect(of().maxAge).toBe(60_000);
      of().a = 2;
    });
    await visit(async (ctx, of) => {
      Object.assign(ctx.sessionOptions, { maxAge: 9_000 });
      await regenerate(of());
      expect(of().maxAge).toBe(9_000);
    });
  });

  it('can be called twice, and with data in between', async () => {
    const { visit } = bound(await open(options()));
    await visit((_ctx, of) => (of().n = 1));
    await visit(async (_ctx, of) => {
      await regenerate(of());
      of().n = 2;
      await of().save();
      await regenerate(of());
      expect(of().n).toBeUndefined();
      of().n = 3;
    });
    expect(await site?.data()).toEqual({ n: 3 });
  });

  it('keeps the data without a callback, and with koa-session as the style', async () => {
    const { visit } = bound(await open(options()));
    await visit((_ctx, of) => (of().n = 1));
    await visit((_ctx, of) => of().regenerate());
    expect(await site?.data()).toEqual({ n: 1 });
    await site?.close();
    const koa = bound(await open({ ...options(), callbackStyle: null }));
    await koa.visit((_ctx, of) => (of().n = 1));
    await koa.visit((_ctx, of) => regenerate(of()));
    expect(await site?.data()).toEqual({ n: 1 });
  });
});

describe('regenerate(callback) as in express-session, in a store', () => {
  it('leaves the old id worthless, and only the new record in the store', async () => {
    const store = new PlainStore();
    const { visit } = bound(await open({ store }));
    await visit((_ctx, of) => (of().n = 1));
    const [planted] = store.records.keys();
    await visit(async (_ctx, of) => {
      await regenerate(of());
      of().n = 2;
    });
    expect([...store.records.keys()]).toHaveLength(1);
    expect([...store.records.keys()]).not.toContain(planted);
  });

  it('asks genid for the new id, at once', async () => {
    let made = 0;
    const { visit } = bound(
      await open({ store: new PlainStore(), genid: async () => `id-${++made}` }),
    );
    await visit((_ctx, of) => (of().n = 1));
    await visit(async (_ctx, of) => {
      await regenerate(of());
      expect(of().externalKey).toBe('id-2');
      of().n = 2;
    });
    expect(await site?.data()).toEqual({ n: 2 });
  });

  it('hands a store that fails to the callback, and the session goes on', async () => {
    const store = new PlainStore();
    const { visit } = bound(await open({ store }));
    await visit((_ctx, of) => (of().n = 1));
    store.instead.destroy = () => Promise.reject(new Error('down'));
    await visit(async (_ctx, of) => {
      await expect(regenerate(of())).rejects.toMatchObject({ code: 'ERR_STORE' });
    });
    expect(await site?.data()).toEqual({ n: 1 });
  });

  it('takes over neither owner nor times nor CSRF tokens', async () => {
    const { visit } = bound(await open({ store: new MemoryStore(), absoluteMaxAge: 60_000 }));
    let token: string | undefined;
    await visit(async (ctx, of) => {
      of().n = 1;
      await of().login('ann');
      token = await csrfToken(ctx);
    });
    await visit(async (ctx, of) => {
      expect(sessionInfo(of()).authenticatedAt).toBeDefined();
      await regenerate(of());
      of().n = 2;
      expect((await csrfToken(ctx)).split('.')[0]).not.toBe(token?.split('.')[0]);
      await of().save();
      expect(sessionInfo(of())).toMatchObject({ owner: undefined, authenticatedAt: undefined });
    });
  });
});

describe('what a browser is to clear when a session ends', () => {
  const clears = (answer: Response): string | null => answer.headers.get('clear-site-data');

  it.each(MODES)('is told only where no new session begins, %s', async (_mode, options) => {
    const { visit } = bound(await open({ ...options(), clearSiteData: ['cookies'] }));
    const logIn = () =>
      visit(async (_ctx, of) => {
        await regenerate(of());
        of().user = 'ann';
      });
    expect(clears(await logIn())).toBeNull();
    expect(clears(await logIn())).toBeNull();
    const switched = await visit(async (ctx, of) => {
      await of().logout();
      ctx.session = { user: 'bob' } as never;
    });
    expect(clears(switched)).toBeNull();
    const early = await visit(async (ctx, of) => {
      await regenerate(of());
      of().user = 'ann';
      ctx.respond = false;
      ctx.res.end('early');
    });
    expect(clears(early)).toBeNull();
    expect(await site?.data()).toEqual({ user: 'ann' });
    expect(clears(await visit((_ctx, of) => regenerate(of())))).toBe('"cookies"');
  });
});

describe.each(['destroy', 'logout'] as const)('a session after %s()', (end) => {
  it('that begins in the same request has another id', async () => {
    const store = new PlainStore();
    const { visit } = bound(await open({ store }));
    await visit((_ctx, of) => (of().n = 1));
    const [planted] = store.records.keys();
    await visit(async (ctx, of) => {
      await of()[end]();
      ctx.session = { user: 'ann' } as never;
    });
    expect([...store.records.keys()]).toHaveLength(1);
    expect([...store.records.keys()]).not.toContain(planted);
    expect(await site?.data()).toEqual({ user: 'ann' });
  });
});

function bound(of: KoaSite): { visit: KoaSite['visit'] } {
  return { visit: of.visit.bind(of) };
}

it('regenerate(callback) calls back before a save that was asked for after it', async () => {
  const { visit } = bound(await open({ autoCommit: false, store: new MemoryStore() }));
  await visit(async (ctx, of) => {
    const before = of();
    const begun = regenerate(before);
    const saved = before.save();
    await begun;
    (ctx.session as AnySession).user = 'ann';
    await saved;
  });
  expect(await site?.data()).toEqual({ user: 'ann' });
});
