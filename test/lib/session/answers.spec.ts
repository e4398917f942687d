import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Server } from 'node:http';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import Koa from 'koa';
import type { Context } from 'koa';
import { createSession, type SessionOptions } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { Browser } from '../../support/browser.js';

const Koa2 = createRequire(import.meta.url)('koa-2') as typeof Koa;

/** What a handler does: `write` is the edit that must not be lost. */
type Handler = (ctx: Context, write: () => void) => unknown;

// jest fails a test during which a rejection goes unhandled; nothing here swallows one.
class Site {
  readonly app: Koa;
  readonly failures: unknown[] = [];
  readonly errors: Error[] = [];
  handler: Handler = () => undefined;
  /** Resolves when the middleware of the last request is through, whatever the client saw of it. */
  through: Promise<void> = Promise.resolve();
  #server: Server | undefined;

  constructor(Application: typeof Koa, options: SessionOptions) {
    const { app, failures } = { app: new Application(), failures: this.failures };
    this.app = app;
    app.keys = ['a key'];
    app.on('error', (error: Error) => this.errors.push(error));
    app.on('session:failed', ({ reason }: { reason: string }) => failures.push(reason));
    app.use(async (ctx, next) => {
      let done = (): void => undefined;
      this.through = new Promise((resolve) => (done = resolve));
      try {
        await next();
      } catch (error) {
        ctx.status = (error as { status?: number }).status ?? 500;
        ctx.body = (error as Error).message;
      } finally {
        done();
      }
    });
    app.use(createSession(options, app));
    app.use((ctx) => {
      const context = ctx as unknown as Context;
      const session = context.session as unknown as { writes?: number };
      if (ctx.path === '/read') ctx.body = String(session.writes ?? 0);
      else return this.handler(context, () => (session.writes = (session.writes ?? 0) + 1)) as void;
    });
  }

  async open(): Promise<Browser> {
    this.#server = this.app.listen(0);
    await once(this.#server, 'listening');
    return new Browser(`http://localhost:${(this.#server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}

const KINDS: Record<string, Handler> = {
  'a text at once': (ctx, write) => {
    write();
    ctx.body = 'text';
  },
  'a text after an await': async (ctx, write) => {
    await turn();
    write();
    ctx.body = 'text';
  },
  'a stream': (ctx, write) => {
    ctx.body = Readable.from(['a', 'b', 'c']);
    write();
  },
  'server-sent events': (ctx, write) => {
    const events = new PassThrough();
    write();
    ctx.type = 'text/event-stream';
    ctx.body = events;
    events.write('data: 1\n\n');
    setImmediate(() => events.end('data: 2\n\n'));
  },
  'an error': (ctx, write) => {
    write();
    ctx.throw(418, 'thrown');
  },
  'an answer of its own (ctx.respond = false)': async (ctx, write) => {
    ctx.respond = false;
    write();
    await turn();
    ctx.res.end('by hand');
  },
  'server-sent events by hand': (ctx, write) => {
    ctx.respond = false;
    write();
    ctx.res.writeHead(200, { 'content-type': 'text/event-stream' });
    ctx.res.write('data: 1\n\n');
    setImmediate(() => ctx.res.end('data: 2\n\n'));
  },
  'a redirect': (ctx, write) => {
    write();
    ctx.redirect('/read');
  },
};

const MODES: Record<string, () => SessionOptions> = {
  'in its cookie': () => ({}),
  'in a store': () => ({ store: new MemoryStore() }),
  "in a store with koa-session's methods": () => ({ store: plainStore() }),
};

function plainStore(): NonNullable<SessionOptions['store']> {
  const records = new Map<string, string>();
  return {
    get: async (key) => JSON.parse(records.get(key) ?? 'null') as Record<string, unknown> | null,
    set: async (key, record) => void records.set(key, JSON.stringify(record)),
    destroy: async (key) => void records.delete(key),
  };
}

describe.each([
  ['Koa 3', Koa],
  ['Koa 2', Koa2],
])('on %s', (_name, Application) => {
  describe.each(Object.entries(MODES))('a session %s', (_mode, options) => {
    let site: Site;
    let browser: Browser;

    beforeEach(async () => {
      site = new Site(Application, options());
      browser = await site.open();
    });

    afterEach(() => site.close());

    it.each(Object.entries(KINDS))('keeps what is written before %s', async (_kind, handler) => {
      site.handler = handler;
      for (const written of ['1', '2', '3']) {
        await (await browser.fetch('/')).text();
        await site.through;
        expect(await browser.text('/read')).toBe(written);
      }
      await turn();
      expect(site.failures).toEqual([]);
      expect(site.errors).toEqual([]);
    });

    it('outlives a client that goes away', async () => {
      site.handler = KINDS['a text at once'] as Handler;
      await (await browser.fetch('/')).text();
      const cookie = await browser.jar.getCookieString(browser.base);
      let reached = (): void => undefined;
      const isReached = new Promise<void>((resolve) => (reached = resolve));
      let goOn = (): void => undefined;
      const isGone = new Promise<void>((resolve) => (goOn = resolve));
      site.handler = async (ctx, write) => {
        reached();
        await isGone;
        write();
        ctx.body = 'nobody reads this';
      };
      const request = get(browser.base, { headers: { cookie } });
      const isClosed = new Promise((resolve) => request.on('error', resolve));
      await isReached;
      const through = site.through;
      request.destroy();
      await isClosed;
      goOn();
      await through;
      await turn();
      // A store has the write; a cookie that nobody received cannot.
      expect(await browser.text('/read')).toBe(options().store === undefined ? '1' : '2');
      expect(site.failures).toEqual([]);
    });
  });
});

describe('a session changed after the headers have left', () => {
  async function late(options: SessionOptions): Promise<[string, unknown[]]> {
    const site = new Site(Koa, options);
    const browser = await site.open();
    site.handler = KINDS['a text at once'] as Handler;
    await (await browser.fetch('/')).text();
    site.handler = async (ctx, write) => {
      ctx.respond = false;
      ctx.res.write('data: 1\n\n');
      write();
      await turn();
      ctx.res.end();
    };
    await (await browser.fetch('/')).text();
    await site.through;
    const count = await browser.text('/read');
    await turn();
    await site.close();
    expect(site.errors).toEqual([]);
    return [count, site.failures];
  }

  it('is written to a store whose id the client has', async () => {
    expect(await late({ store: new MemoryStore() })).toEqual(['2', []]);
    expect(await late({ store: plainStore() })).toEqual(['2', []]);
  });

  it('is told by an event where only a cookie could keep it', async () => {
    expect(await late({})).toEqual(['1', ['headers-sent']]);
  });
});

describe('headers that leave early', () => {
  const early: Handler = (ctx, write) => {
    ctx.respond = false;
    write();
    ctx.res.writeHead(200);
    ctx.res.end('by hand');
  };

  it.each<[string, () => SessionOptions]>([
    ['a cookie', () => ({})],
    ['a store that answers at once', () => ({ store: new MemoryStore() })],
    ['a store that answers later', () => ({ store: plainStore() })],
  ])('hand out the cookie once, of a session in %s', async (_what, options) => {
    const site = new Site(Koa, { ...options(), overwrite: false });
    const browser = await site.open();
    site.handler = early;
    for (const expected of ['1', '2']) {
      const answer = await browser.fetch('/');
      await answer.text();
      await site.through;
      expect(answer.headers.getSetCookie()).toHaveLength(2);
      expect(await browser.text('/read')).toBe(expected);
    }
    await site.close();
  });

  it('hand out an external key once', async () => {
    let held: string | undefined;
    const handed: string[] = [];
    const site = new Site(Koa, {
      store: new MemoryStore(),
      externalKey: { get: () => held, set: (_ctx, key) => void handed.push((held = key)) },
    });
    const browser = await site.open();
    site.handler = early;
    for (const count of [1, 2]) {
      await (await browser.fetch('/')).text();
      await site.through;
      expect(handed).toHaveLength(count);
    }
    await site.close();
  });
});
