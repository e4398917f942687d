import Keygrip from 'keygrip';
import Koa from 'koa';
import session, { createSession, SessionOptionsError } from '../../../lib/session/index.js';
import { KoaSite, PlainStore } from '../../support/koa-site.js';

let site: KoaSite | undefined;

afterEach(async () => {
  await site?.close();
  site = undefined;
});

describe('createSession', () => {
  it('is the default export too', () => {
    expect(session).toBe(createSession);
  });

  it('leaves the options alone, also frozen ones', () => {
    const options = Object.freeze({ maxAge: 1000 });
    createSession(options, new Koa());
    expect(options).toEqual({ maxAge: 1000 });
  });

  it('shares nothing between two applications with one options object', async () => {
    const options = { genid: undefined, store: new PlainStore() };
    const other = await KoaSite.open(options);
    site = await KoaSite.open(options);
    await site.visit((_ctx, of) => (of().a = 1));
    await other.visit((_ctx, of) => (of().a = 2));
    expect(await site.data()).toEqual({ a: 1 });
    expect(await other.data()).toEqual({ a: 2 });
    expect(options).toEqual({ genid: undefined, store: options.store });
    await other.close();
  });
});

describe('a second session() on one application', () => {
  it('is a session of its own under another key', async () => {
    const store = new PlainStore();
    site = await KoaSite.open({}, (app) => {
      app.use(createSession({ key: 'visitor' }, app));
      app.use(createSession({ key: 'admin', store }, app));
    });
    await site.visit((ctx) => {
      Object.assign(ctx.session, { name: 'first' });
      Object.assign(ctx.sessions.admin as object, { name: 'second' });
    });
    const seen: unknown[] = [];
    await site.visit((ctx) => {
      seen.push(ctx.session.toJSON(), ctx.sessions.visitor?.toJSON(), ctx.sessions.admin?.toJSON());
      seen.push(Object.keys(ctx.sessions));
      (ctx.sessions as Record<string, unknown>).admin = null;
    });
    expect(seen).toEqual([
      { name: 'first' },
      { name: 'first' },
      { name: 'second' },
      ['visitor', 'admin'],
    ]);
    expect(store.records.size).toBe(0);
    expect(await site.data()).toEqual({ name: 'first' });
  });

  it('is the same session with the same options', async () => {
    const options = { maxAge: 60_000 };
    site = await KoaSite.open({}, (app) => {
      app.use(createSession(options, app));
      app.use(createSession({ ...options }, app));
    });
    const answer = await site.visit((_ctx, of) => (of().a = 1));
    expect(answer.headers.getSetCookie()).toHaveLength(2);
    expect(await site.data()).toEqual({ a: 1 });
  });

  it('is refused under the same key with other options', () => {
    const app = new Koa();
    createSession({ maxAge: 1000 }, app);
    expect(() => createSession({ maxAge: 2000 }, app)).toThrow(SessionOptionsError);
    expect(() => createSession({ maxAge: 2000 }, app)).toThrow(/already has a session "koa.sess"/);
    try {
      createSession({ maxAge: 2000 }, app);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_SESSION_ALREADY_INSTALLED', option: 'key' });
    }
  });
});

describe('the keys of the application', () => {
  // `constructor.name` is not Keygrip: Koa hands such an object to `cookies` as it is.
  class OwnSigner {
    readonly #keygrip: Keygrip;
    constructor(keys: string[]) {
      this.#keygrip = new Keygrip(keys);
    }
    sign(data: string): string {
      return this.#keygrip.sign(data);
    }
    index(data: string, signature: string): number {
      return this.#keygrip.index(data, signature);
    }
    verify(data: string, signature: string): boolean {
      return this.#keygrip.verify(data, signature);
    }
  }

  const KINDS = {
    'an array': (keys: string[]): unknown => keys,
    'a Keygrip': (keys: string[]): unknown => new Keygrip(keys),
    'an object like a Keygrip': (keys: string[]): unknown => new OwnSigner(keys),
  };

  it.each(Object.entries(KINDS))('rotate without losing a session: %s', async (_kind, keysOf) => {
    site = await KoaSite.open({ maxAge: 60_000, path: '/', sameSite: 'lax' });
    const rotateTo = (...keys: string[]): void => {
      (site as KoaSite).app.keys = keysOf(keys) as string[];
    };
    rotateTo('first');
    await site.visit((_ctx, of) => (of().a = 1));

    rotateTo('second', 'first');
    const renewed = await site.visit((_ctx, of) => void of().toJSON());
    expect(renewed.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^koa\.sess\.sig=[\w-]{27}; path=\/; expires=[^;]+; samesite=lax; httponly$/,
      ),
    ]);

    // The old key is no longer needed by those who came while both were known.
    rotateTo('second');
    expect(await site.data()).toEqual({ a: 1 });
    rotateTo('third');
    expect(await site.data()).toEqual({});
    expect(site.events).toContain('refused bad-signature');
  });

  it('may come from the option keys', async () => {
    site = await KoaSite.open({}, (app) => {
      (app as { keys?: unknown }).keys = undefined;
      app.use(createSession({ keys: ['newest', Buffer.from('older')] }, app));
    });
    expect(site.app.keys).toHaveLength(2);
    await site.visit((_ctx, of) => (of().a = 1));
    expect(await site.data()).toEqual({ a: 1 });
  });
});
