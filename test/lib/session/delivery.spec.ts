import { jest } from '@jest/globals';
import type { Context } from 'koa';
import { createSession, type SessionOptions } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { type Handler, KoaSite, PlainStore } from '../../support/koa-site.js';

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
