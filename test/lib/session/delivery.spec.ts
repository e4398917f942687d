import { jest } from '@jest/globals';
import type { Context } from 'koa';
import { createSession, type SessionOptions } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { type AnySession, type Handler, KoaSite, PlainStore } from '../../support/koa-site.js';

const HOUR = 3_600_000;

const BACKINGS: [string, () => SessionOptions][] = [
  ['a cookie', () => ({})],
  ['a store', () => ({ store: new MemoryStore() })],
  ['a plain store', () => ({ store: new PlainStore() })],
];

let site: KoaSite;

afterEach(async () => {
  jest.useRealTimers();
  await site.close();
});

const signIn: Handler = (_ctx, session) => {
  session().user = 'alice';
};

/** Sends the headers itself, as for server-sent events. */
function stream(ctx: Context, headers: Record<string, string | string[]> = {}): void {
  ctx.respond = false;
  ctx.res.removeHeader('content-length');
  ctx.res.writeHead(200, headers);
  ctx.res.write('data: 1\n\n');
}

/** Time goes by, for everything but the sockets. */
function pass(ms: number): void {
  const later = Date.now() + ms;
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setTimeout'] });
  jest.setSystemTime(later);
}

/** What the browser sends after `answer`. */
function cookieOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}

describe('an id that is due for renewal when the headers leave early', () => {
  it.each<[string, Handler]>([
    ['is asked for before', (ctx, session) => (void session().user, stream(ctx), ctx.res.end())],
    ['is asked for after', (ctx, session) => (stream(ctx), void session().user, ctx.res.end())],
    ['changes before', (ctx, session) => ((session().n = 1), stream(ctx), ctx.res.end())],
    ['changes after', (ctx, session) => (stream(ctx), (session().n = 1), ctx.res.end())],
    ['is not asked for', (ctx) => (stream(ctx), ctx.res.end())],
  ])('waits for the next answer, where the session %s', async (_when, handler) => {
    site = await KoaSite.open({ store: new MemoryStore(), renewEvery: HOUR, rolling: true });
    await site.visit(signIn);
    pass(HOUR + 1);
    await site.visit(handler);
    expect(site.events).not.toContain('regenerated renewEvery');
    expect(site.events).not.toContain('failed headers-sent');
    pass(40_000);
    expect(await site.data()).toMatchObject({ user: 'alice' });
    expect(site.events.filter((event) => event === 'regenerated renewEvery')).toHaveLength(1);
    pass(40_000);
    expect(await site.data()).toMatchObject({ user: 'alice' });
  });
});

describe('a session that changes hands before the headers leave early', () => {
  it.each<[string, SessionOptions]>([
    ['read first', {}],
    ['loaded when asked for', { load: 'lazy' }],
  ])('hands out the new id with them: %s', async (_load, options) => {
    site = await KoaSite.open({ store: new MemoryStore(), rotateOn: ['user'], ...options });
    const before = cookieOf(
      await site.visit(async (ctx) => (((await ctx.session) as AnySession).n = 1)),
    );
    const answer = await site.visit(async (ctx) => {
      ((await ctx.session) as AnySession).user = 'alice';
      stream(ctx);
      ctx.res.end();
    });
    expect(cookieOf(answer)).not.toBe(before);
    expect(site.events).toContain('regenerated rotateOn');
    expect(site.events).not.toContain('failed headers-sent');
    expect(await site.data()).toEqual({ n: 1, user: 'alice' });
    await site.visit(async (ctx) => (ctx.body = (await ctx.session)!.toJSON()));
    const planted = await fetch(site.browser.base, { headers: { cookie: before } });
    expect(await planted.json()).toEqual({});
  });

  it('is under that id too where the handler saves it then', async () => {
    site = await KoaSite.open({ store: new MemoryStore(), rotateOn: ['user'] });
    await site.visit((_ctx, session) => (session().n = 1));
    await site.visit(async (ctx, session) => {
      session().user = 'alice';
      stream(ctx);
      await session().save();
      ctx.res.end();
    });
    expect(site.events.filter((event) => event === 'regenerated rotateOn')).toHaveLength(1);
    expect(await site.data()).toEqual({ n: 1, user: 'alice' });
  });

  it('is told by an event where the headers have left before', async () => {
    site = await KoaSite.open({ store: new MemoryStore(), rotateOn: ['user'] });
    await site.visit((_ctx, session) => (session().n = 1));
    await site.visit((ctx, session) => {
      stream(ctx);
      session().user = 'alice';
      ctx.res.end();
    });
    expect(site.events).toContain('failed headers-sent');
    expect(await site.data()).toEqual({});
  });
});

describe('a lazy session that is replaced unread before the headers leave early', () => {
  const replace: Handler = (ctx) => {
    ctx.session = { user: 'alice' } as never;
    stream(ctx);
    ctx.res.end();
  };

  it('is found by the next request, whether or not there was one', async () => {
    site = await KoaSite.open({ store: new MemoryStore(), load: 'lazy' });
    await site.visit(replace);
    expect(await site.data()).toEqual({ user: 'alice' });
    await site.visit(replace);
    expect(await site.data()).toEqual({ user: 'alice' });
    expect(site.events).not.toContain('failed headers-sent');
  });
});

describe('a session without autoCommit', () => {
  it.each(BACKINGS)(
    'is written by hand only, whenever headers leave: in %s',
    async (_w, options) => {
      site = await KoaSite.open({ ...options(), autoCommit: false });
      await site.visit(async (ctx, session) => {
        session().saved = true;
        await session().manuallyCommit();
        session().dropped = true;
        stream(ctx);
        ctx.res.end();
      });
      expect(await site.data()).toEqual({ saved: true });
    },
  );
});

describe('headers that writeHead is given', () => {
  it.each(BACKINGS)('leave the cookie of a session in %s alone', async (_where, options) => {
    site = await KoaSite.open(options());
    const answer = await site.visit((ctx, session) => {
      session().user = 'alice';
      stream(ctx, { 'Set-Cookie': 'other=1', Vary: 'Accept', 'X-Theirs': 'yes' });
      ctx.res.end();
    });
    expect(answer.headers.getSetCookie().map((cookie) => cookie.split('=')[0])).toEqual([
      'other',
      'koa.sess',
      'koa.sess.sig',
    ]);
    expect(answer.headers.get('vary')).toBe('Accept, Cookie');
    expect(answer.headers.get('x-theirs')).toBe('yes');
    expect(await site.data()).toEqual({ user: 'alice' });
  });

  it.each(BACKINGS)('leave alone what was saved before, in %s', async (_where, options) => {
    site = await KoaSite.open(options());
    await site.visit(async (ctx, session) => {
      session().user = 'alice';
      await session().save();
      stream(ctx, { 'set-cookie': ['other=1', 'more=2'] });
      ctx.res.end();
    });
    expect(await site.data()).toEqual({ user: 'alice' });
  });

  it('are sent as Node sends them: by name, as a list, with a reason', async () => {
    site = await KoaSite.open();
    const forms: ((ctx: Context) => void)[] = [
      (ctx) => ctx.res.writeHead(201, { 'X-One': 'a', 'x-two': ['b', 'c'] }),
      (ctx) => ctx.res.writeHead(201, 'Made', { 'X-One': 'a', 'x-two': ['b', 'c'] }),
      (ctx) => ctx.res.writeHead(201, undefined, { 'X-One': 'a', 'x-two': ['b', 'c'] }),
      (ctx) => ctx.res.writeHead(201, ['X-One', 'a', 'x-two', 'b', 'X-Two', 'c'] as never),
      (ctx) => ctx.res.writeHead(201, 'Made', ['X-One', 'a', 'x-two', 'b', 'x-two', 'c'] as never),
    ];
    for (const form of forms) {
      const answer = await site.visit((ctx, session) => {
        session().n = Math.random();
        ctx.respond = false;
        ctx.set({ 'x-one': 'before', 'content-length': '2' });
        form(ctx);
        ctx.res.end('ok');
      });
      expect(answer.status).toBe(201);
      expect([answer.headers.get('x-one'), answer.headers.get('x-two')]).toEqual(['a', 'b, c']);
      expect(cookieOf(answer)).toContain('koa.sess=');
    }
    expect(
      (
        await site.visit((ctx, session) => {
          session().n = 0;
          expect(() => ctx.res.writeHead(200, ['odd'] as never)).toThrow(/headers/);
        })
      ).status,
    ).toBe(200);
  });
});

describe('a request that fails', () => {
  it.each(BACKINGS)('keeps what it wrote to a session in %s', async (_where, options) => {
    site = await KoaSite.open(options());
    const answer = await site.visit((ctx, session) => {
      session().user = 'alice';
      ctx.throw(418);
    });
    expect(answer.status).toBe(418);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('vary')).toBe('Cookie');
    expect(await site.data()).toEqual({ user: 'alice' });
  });

  it.each(BACKINGS)('has logged the user out of a session in %s', async (_where, options) => {
    site = await KoaSite.open(options());
    await site.visit(signIn);
    await site.visit(async (ctx, session) => {
      await session().logout();
      ctx.throw(500);
    });
    expect(await site.data()).toEqual({});
  });

  it.each<[string, SessionOptions, Handler]>([
    ['login()', {}, async (_ctx, session) => session().login('alice')],
    ['regenerate()', {}, async (_ctx, session) => session().regenerate()],
    ['rotateOn', { rotateOn: ['user'] }, (_ctx, session) => (session().user = 'bob')],
  ])('does not lose the session to %s', async (_what, options, move) => {
    site = await KoaSite.open({ store: new MemoryStore(), ...options });
    await site.visit((_ctx, session) => (session().n = 1));
    await site.visit(async (ctx, session, next) => {
      await move(ctx, session, next);
      ctx.throw(500);
    });
    expect(await site.data()).toMatchObject({ n: 1 });
  });

  it('does not lose the session to a new id that was due, read or unread', async () => {
    for (const reads of [true, false]) {
      site = await KoaSite.open({ store: new MemoryStore(), renewEvery: HOUR });
      await site.visit(signIn);
      pass(HOUR + 1);
      await site.visit((ctx, session) => {
        if (reads) void session().user;
        ctx.throw(500);
      });
      expect(site.events).toContain('regenerated renewEvery');
      pass(40_000);
      expect(await site.data()).toEqual({ user: 'alice' });
      if (reads) await site.close();
    }
  });

  it('keeps what it saved by hand, whatever fails then', async () => {
    site = await KoaSite.open({ autoCommit: false });
    await site.visit(async (ctx, session) => {
      session().user = 'alice';
      await session().manuallyCommit();
      ctx.throw(500);
    });
    expect(await site.data()).toEqual({ user: 'alice' });
  });

  it('fails further out, and keeps it too', async () => {
    let fails = true;
    site = await KoaSite.open({}, (app) => {
      app.use(async (ctx, next) => {
        await next();
        if (fails) ctx.throw(500);
      });
      app.use(createSession({}, app));
    });
    expect((await site.visit(signIn)).status).toBe(500);
    fails = false;
    expect(await site.data()).toEqual({ user: 'alice' });
  });

  it.each<[string, (ctx: Context) => unknown]>([
    ['a status line', (ctx) => (ctx.message = 'two\nlines')],
    ['a header', (ctx) => ctx.res.writeHead(200, { 'x-a': 'two\nlines' })],
    ['a status', (ctx) => ctx.res.writeHead(9_999)],
  ])('because Node refuses %s keeps what it wrote too', async (_what, refuse) => {
    for (const [, options] of BACKINGS) {
      site = await KoaSite.open({ ...options(), rotateOn: ['user'] });
      await site.visit((_ctx, session) => (session().n = 1));
      const answer = await site.visit((ctx, session) => {
        session().user = 'alice';
        refuse(ctx);
      });
      expect(answer.status).toBe(500);
      expect(await site.data()).toEqual({ n: 1, user: 'alice' });
      if (options !== BACKINGS.at(-1)?.[1]) await site.close();
    }
  });

  it("sends nobody else's cookie, and none twice", async () => {
    site = await KoaSite.open();
    const answer = await site.visit((ctx, session) => {
      session().user = 'alice';
      ctx.cookies.set('mine', '1', { signed: false });
      throw Object.assign(new Error('with headers'), { headers: { 'set-cookie': ['theirs=1'] } });
    });
    expect(answer.headers.getSetCookie().map((cookie) => cookie.split('=')[0])).toEqual([
      'theirs',
      'koa.sess',
      'koa.sess.sig',
    ]);
  });
});

describe('a logout', () => {
  it('ends the old record when a new id could not be stored before it', async () => {
    const store = new PlainStore();
    site = await KoaSite.open({ store });
    await site.visit(signIn);
    expect(store.records.size).toBe(1);
    await site.visit(async (_ctx, session) => {
      store.instead.set = () => {
        throw new Error('down');
      };
      await session()
        .regenerate()
        .catch(() => undefined);
      delete store.instead.set;
      await session().logout();
    });
    expect(store.records.size).toBe(0);
  });

  it('clears the site where the headers leave before it is written', async () => {
    site = await KoaSite.open({ store: new MemoryStore(), clearSiteData: true });
    await site.visit(signIn);
    const answer = await site.visit((ctx) => {
      ctx.session = null;
      stream(ctx);
      ctx.res.end();
    });
    expect(answer.headers.get('clear-site-data')).toContain('"cookies"');
  });
});

describe('a cookie that middleware takes out of an answer', () => {
  it.each(BACKINGS)('stays out: of a session in %s', async (_where, options) => {
    const settings = options();
    site = await KoaSite.open({}, (app) => {
      app.use(async (ctx, next) => {
        await next();
        // What a shared cache keeps must bring nobody a session.
        ctx.remove('set-cookie');
        ctx.set('cache-control', 'public, max-age=60');
      });
      app.use(createSession(settings, app));
    });
    for (const reach of [signIn, async (_ctx, session) => session().save()] satisfies Handler[]) {
      const answer = await site.visit(reach);
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=60');
    }
  });
});
