import { inspect } from 'node:util';
import { jest } from '@jest/globals';
import Keygrip from 'keygrip';
import Koa from 'koa';
import {
  createSession,
  encode,
  sealed,
  SessionOwners,
  strict,
  type SessionOptions,
} from '../../lib/session/index.js';
import { MemoryStore } from '../../lib/stores/memory.js';
import {
  closeSites,
  koaSession,
  serve,
  type Site,
  type SiteName,
  type SiteOptions,
} from './sites.js';
import { application, told } from './support.js';

const KEY = 'a secret of at least 32 bytes, for tests';

/** Whether the attack succeeds, for each library; one that is left out cannot be attacked so. */
type Outcome = Partial<Record<SiteName, boolean>> & { 'this package': false };

const EVERYWHERE_ELSE: Outcome = {
  'this package': false,
  'koa-session 7.0.2': true,
  'express-session 1.19': true,
};

const NOWHERE: Outcome = {
  'this package': false,
  'koa-session 7.0.2': false,
  'express-session 1.19': false,
};

const EXPRESS_ONLY: Outcome = { ...NOWHERE, 'express-session 1.19': true };

const KOA_SESSION_ONLY: Outcome = { 'this package': false, 'koa-session 7.0.2': true };

/** Runs one attack against every library, and compares where it succeeds. */
async function attack(
  expected: Outcome,
  succeeds: (site: Site) => Promise<boolean>,
  options: SiteOptions = {},
): Promise<void> {
  const outcome: Partial<Record<SiteName, boolean>> = {};
  for (const name of Object.keys(expected) as SiteName[]) {
    outcome[name] = await succeeds(await serve(name, options));
  }
  expect(outcome).toEqual(expected);
}

afterEach(async () => {
  jest.useRealTimers();
  await closeSites();
});

/** What a logout during a slow request leaves. */
const revives =
  (path: string) =>
  async (site: Site): Promise<boolean> => {
    const { cookie } = await site.get('/login');
    const finish = await site.slow(path, cookie);
    await site.get('/logout', cookie);
    const late = await finish();
    return [cookie, late.cookie].some(Boolean) && (await site.user(cookie)) !== 'nobody';
  };

describe('a session that was ended', () => {
  it('CVE-2025-46336 rack-session: stays ended although a slow request wrote to it', async () => {
    await attack(EVERYWHERE_ELSE, revives('/slow'));
  });

  it('auth0/nextjs-auth0 2335: stays ended although a slow request prolonged it (rolling)', async () => {
    await attack(EVERYWHERE_ELSE, revives('/slow-read'), {
      own: { rolling: true, maxAge: 60_000 },
      koa: { rolling: true, maxAge: 60_000 },
      express: { rolling: true, resave: true, cookie: { maxAge: 60_000 } },
    });
  });

  it('expressjs/session 632: stays ended although a slow request touched it', async () => {
    await attack({ 'this package': false }, revives('/slow-touch'));
    await attack({ 'this package': false }, revives('/slow-read'), {
      own: { renew: true, maxAge: 60_000, idleTimeout: 1 },
    });
  });

  it('auth0/nextjs-auth0 2530: is not given back by the late answer’s Set-Cookie', async () => {
    const options = { koa: { rolling: true, maxAge: 60_000 }, express: { rolling: true } };
    await attack(
      EVERYWHERE_ELSE,
      async (site) => {
        const { cookie } = await site.get('/login');
        const finish = await site.slow('/slow', cookie);
        await site.get('/logout', cookie);
        return (await finish()).setCookie.length > 0;
      },
      { own: { rolling: true, maxAge: 60_000 }, ...options },
    );
  });

  it('better-auth multi-session: cannot be ended by who knows its id but not the signature', async () => {
    await attack(NOWHERE, async (site) => {
      const { cookie } = await site.get('/login');
      const forged = cookie
        .replace(/(\.sig=)[^;]+/, '$1forged')
        .replace(/(sid=s%3A[^.]+\.)[^;]+/, '$1forged');
      expect(forged).not.toBe(cookie);
      await site.get('/logout', forged);
      return (await site.user(cookie)) !== 'alice';
    });
  });

  it('CVE-2024-31999 secure-session, CVE-2026-44511 koi: is not replayed from a cookie made before notBefore', async () => {
    let notBefore: number | undefined;
    const codec = sealed({ keys: KEY, notBefore: () => notBefore });
    await attack(
      KOA_SESSION_ONLY,
      async (site) => {
        const { cookie } = await site.get('/login');
        expect(await site.user(cookie)).toBe('alice');
        await site.get('/logout', cookie);
        notBefore = Date.now() + 1;
        return (await site.user(cookie)) === 'alice';
      },
      { own: { codec }, inCookie: true },
    );
  });

  it('CVE-2024-35220 @fastify/session: is over at its time, however often it was read', async () => {
    const app = application({ maxAge: 60_000 });
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setTimeout'] });
    const start = Date.now();
    const login = await app.request((session) => (session.user = 'alice'));
    for (let i = 1; i < 60; i++) {
      jest.setSystemTime(start + i * 1_000);
      expect(await app.dataOf(login)).toEqual({ user: 'alice' });
    }
    jest.setSystemTime(start + 60_001);
    expect(await app.dataOf(login)).toEqual({});
  });

  it('spring-session 93: leaves nothing in the list of its owner’s sessions', async () => {
    const store = new MemoryStore();
    const owners = new SessionOwners(store);
    const { request } = application({ owner: (session) => Object(session).user as string }, store);
    const login = await request((session) => (session.user = 'alice'));
    const renewed = await request((session) => session.regenerate(), login);
    expect(await owners.list('alice')).toHaveLength(1);
    await request((session) => (session.user = 'bob'), renewed);
    expect(await owners.list('alice')).toEqual([]);
    expect(await owners.list('bob')).toHaveLength(1);
    await owners.endAll('bob');
    // The two ids that were left lead a logout to the session for a minute.
    jest.useFakeTimers({ doNotFake: ['setImmediate'], now: Date.now() + 60_001 });
    await store.prune();
    expect(store.size).toBe(0);
  });
});

describe('the id', () => {
  it('CVE-2022-25896 passport, CVE-2023-29019: that was planted before a login is worth nothing after it', async () => {
    await attack(EVERYWHERE_ELSE, async (site) => {
      const { cookie: planted } = await site.get('/cart');
      await site.get('/login', planted);
      return (await site.user(planted)) === 'alice';
    });
  });

  it('GHSA-xg6x-h9c9-2m83 better-auth: of before the second factor does not have it', async () => {
    await attack(EVERYWHERE_ELSE, async (site) => {
      const { cookie } = await site.get('/login');
      await site.get('/second-factor', cookie);
      return (await site.get('/me', cookie)).text.includes('secondFactor');
    });
  });

  it('CVE-2024-38513 gofiber, CVE-2018-12071 CodeIgniter: that a client made up is never adopted', async () => {
    const made = 'AttackersOwnIdWithThirtyTwoBytesOfLength_123';
    await attack(
      NOWHERE,
      async (site) => {
        const login = await site.get('/login', `sid=${made}`);
        return login.cookie.includes(made) || (await site.user(`sid=${made}`)) === 'alice';
      },
      { own: { signed: false }, koa: { signed: false } },
    );
  });

  it('fastify/session 240: that regenerate() replaced is gone from the store', async () => {
    await attack(NOWHERE, async (site) => {
      const { cookie } = await site.get('/login');
      await site.get('/regenerate', cookie);
      return (await site.user(cookie)) === 'alice' || (await site.sessions()) > 1;
    });
  });

  it('fastify/session 348: that is new is not handed out when the old one could not be ended', async () => {
    await attack(EXPRESS_ONLY, async (site) => {
      const { cookie } = await site.get('/login');
      site.store.mode = 'fails to end';
      const answer = await site.get('/regenerate', cookie);
      site.store.mode = 'works';
      return answer.status < 500 || answer.setCookie.length > 0;
    });
  });

  it('tower-sessions 180 and 188: that is taken already is not taken over', async () => {
    const genid = (): string => 'TheSameIdOfThirtyTwoBytesForAllOfThem_12345';
    await attack(
      EVERYWHERE_ELSE,
      async (site) => {
        const { cookie } = await site.get('/login');
        await site.get('/login-bob');
        return (await site.user(cookie)) === 'bob';
      },
      { own: { genid }, koa: { genid }, express: { genid } },
    );
  });

  it('tower-sessions 188: that is taken already is not taken over by regenerate() either', async () => {
    const ids = ['a', 'b', 'a', 'a', 'a', 'a', 'a', 'a'].map((c) => c.repeat(40));
    const { request, dataOf } = application({ genid: () => ids.shift() ?? 'a'.repeat(40) });
    const alice = await request((session) => (session.user = 'alice'));
    const bob = await request((session) => (session.user = 'bob'));
    await expect(request((session) => session.regenerate(), bob)).rejects.toMatchObject({
      code: 'ERR_SESSION_CONFLICT',
    });
    expect(await dataOf(alice)).toEqual({ user: 'alice' });
  });

  it('CVE-2025-61686 React Router: that could be a path never reaches the store', async () => {
    await attack(
      KOA_SESSION_ONLY,
      async (site) => {
        await site.get('/me', 'sid=../../etc/passwd');
        return site.store.calls.length > 0;
      },
      { own: { signed: false }, koa: { signed: false } },
    );
  });
});

describe('a cookie', () => {
  it('CVE-2026-39324 rack-session: that is not sealed is refused when sealing is on', async () => {
    const forged = `sid=${encode({ user: 'alice', _expire: 9e15, _maxAge: 9e15 })}`;
    await attack(KOA_SESSION_ONLY, async (site) => (await site.user(forged)) === 'alice', {
      own: { codec: sealed({ keys: KEY }), signed: false },
      koa: { signed: false },
      inCookie: true,
    });
  });

  it('CVE-2026-39324 rack-session: that koa-session signed is refused too, unless acceptSigned says so', async () => {
    const value = encode({ user: 'alice', _expire: 9e15, _maxAge: 9e15 });
    const genuine = `sid=${value}; sid.sig=${new Keygrip(['a key for tests']).sign(`sid=${value}`)}`;
    const own = (acceptSigned?: number): SessionOptions => ({
      codec: sealed({ keys: KEY, ...(acceptSigned === undefined ? {} : { acceptSigned }) }),
    });
    const user = async (options: SessionOptions): Promise<string> =>
      (await serve('this package', { own: options, inCookie: true })).user(genuine);
    expect(await user(own())).toBe('nobody');
    expect(await user(own(Date.now() - 1))).toBe('nobody');
    expect(await user(own(Date.now() + 60_000))).toBe('alice');
  });

  it('@fastify/secure-session signed: with a bad signature is no cookie', async () => {
    const value = encode({ user: 'alice', _expire: 9e15, _maxAge: 9e15 });
    await attack(
      { 'this package': false, 'koa-session 7.0.2': false },
      async (site) => (await site.user(`sid=${value}; sid.sig=forged`)) === 'alice',
      { inCookie: true },
    );
  });

  it('CVE-2026-31865 Elysia, koa-session: that names a prototype changes none and fails no request', async () => {
    for (const key of ['__proto__', 'constructor', 'prototype', 'toJSON', 'hasOwnProperty']) {
      const json = `{"${key}":{"polluted":true},"user":"alice","_expire":9e15,"_maxAge":86400000}`;
      const value = Buffer.from(json).toString('base64');
      const cookie = `sid=${value}; sid.sig=${new Keygrip(['a key for tests']).sign(`sid=${value}`)}`;
      const fails = ['__proto__', 'toJSON'].includes(key);
      await attack(
        { 'this package': false, 'koa-session 7.0.2': fails },
        async (site) => {
          const { status } = await site.get('/me', cookie);
          return status !== 200 || 'polluted' in {};
        },
        { inCookie: true },
      );
    }
  });

  it('CVE-2024-47764 cookie, CVE-2026-47675 hono: gets no attribute injected by an option', () => {
    const accepted: Record<string, string[]> = { own: [], koa: [] };
    for (const option of ['key', 'path', 'domain', 'sameSite', 'priority']) {
      for (const text of ['a; Domain=evil.example', 'a\r\nSet-Cookie: b=c', 'a\0b']) {
        const options = { [option]: text };
        try {
          createSession(options, Object.assign(new Koa(), { keys: ['a key'] }));
          accepted.own?.push(`${option} ${text}`);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SESSION_OPTION' });
          expect((error as Error).message).not.toContain(text);
        }
        koaSession(options, Object.assign(new Koa(), { keys: ['a key'] }));
        accepted.koa?.push(`${option} ${text}`);
      }
    }
    expect(accepted.own).toEqual([]);
    expect(accepted.koa).toHaveLength(15);
  });

  it('CVE-2026-39410 hono, CVE-2021-41819 Ruby: is found under its exact name only, never a decoded one', async () => {
    await attack(NOWHERE, async (site) => {
      const { cookie } = await site.get('/login');
      const names = ['\u00a0sid', '%73id', 'SID', 'sid%20', 'sid\u00a0', '\u00a0%73id'];
      for (const name of names) {
        const planted = cookie.replaceAll(/(^|; )sid/g, `$1${name}`);
        expect(planted).not.toBe(cookie);
        if ((await site.user(planted)) === 'alice') return true;
      }
      return false;
    });
  });

  it('WS-2022-0330 csrf-csrf: has the prefix spelled as browsers know it', () => {
    expect(strict().key).toBe('__Host-sid');
  });

  it('CVE-2023-48309 next-auth: of one name is worth nothing under another', async () => {
    const second = { own: { key: 'other' }, koa: { key: 'other' }, express: { name: 'other' } };
    const seal = { codec: sealed({ keys: KEY }) };
    for (const [own, inCookie] of [
      [{}, false],
      [seal, true],
    ] as const) {
      for (const name of ['this package', 'koa-session 7.0.2'] as const) {
        const site = await serve(name, { own, inCookie });
        const { cookie } = await site.get('/login');
        const other = await serve(name, { ...second, own: { ...own, ...second.own }, inCookie });
        expect(await other.user(cookie.replaceAll('sid', 'other'))).toBe('nobody');
      }
    }
    // express-session signs the value alone: under another name it is as good.
    const site = await serve('express-session 1.19');
    const { cookie } = await site.get('/login');
    const before = site.store.calls.length;
    const other = await serve('express-session 1.19', second);
    await other.user(cookie.replace('sid', 'other'));
    expect(other.store.calls).toHaveLength(1);
    expect(site.store.calls).toHaveLength(before);
  });

  it('CVE-2024-28176 jose: is never compressed, so it cannot be a decompression bomb', async () => {
    const site = await serve('this package', {
      own: { codec: sealed({ keys: KEY }) },
      inCookie: true,
    });
    const codec = sealed({ keys: KEY });
    const seal = await codec.encode({ user: 'a'.repeat(2_000) }, { name: 'sid' });
    expect(seal.length).toBeGreaterThan(2_000);
    expect(await site.user(`sid=${seal}`)).toBe('a'.repeat(2_000));
  });

  it('koajs/cookies: that is re-signed after a change of keys keeps its attributes', async () => {
    const attributesOf = async (name: 'own' | 'koa'): Promise<string | undefined> => {
      const options = { key: 'sid', sameSite: 'lax', maxAge: 60_000 };
      const app = Object.assign(new Koa(), { keys: ['new', 'a key for tests'], silent: true });
      app.use(name === 'own' ? createSession(options, app) : koaSession(options, app));
      app.use((ctx) => {
        ctx.body = String((ctx.session as { user?: string }).user);
      });
      const server = app.listen(0);
      const { port } = server.address() as { port: number };
      const value = encode({ user: 'alice', _expire: Date.now() + 60_000, _maxAge: 60_000 });
      const signature = new Keygrip(['a key for tests']).sign(`sid=${value}`);
      const answer = await fetch(`http://127.0.0.1:${port}`, {
        headers: { cookie: `sid=${value}; sid.sig=${signature}` },
      });
      expect(await answer.text()).toBe('alice');
      server.closeAllConnections();
      server.close();
      return answer.headers.getSetCookie().find((line) => line.startsWith('sid.sig='));
    };
    expect(await attributesOf('own')).toMatch(/samesite=lax/i);
    expect(await attributesOf('koa')).not.toMatch(/samesite=lax/i);
  });

  it('CVE-2018-15133 Laravel, Plack: is sealed with a key worth the name, or the application does not start', () => {
    for (const keys of [undefined, [], '', 'secret', ['x'.repeat(31)]]) {
      expect(() => sealed({ keys: keys as string })).toThrow(/sealed\.keys/);
    }
    expect(() => koaSession({}, Object.assign(new Koa(), { keys: ['secret'] }))).not.toThrow();
  });
});

describe('a cache', () => {
  it('CVE-2023-30861 Flask, CVE-2025-48947 nextjs-auth0: never answers one user with another’s session', async () => {
    await attack(EVERYWHERE_ELSE, async (site) => {
      const kept = new Map<string, { text: string; cookie: string; vary: string | null }>();
      /** A shared cache as RFC 9111 describes it, which takes everything that is not forbidden. */
      const through = async (path: string, cookie: string): Promise<string> => {
        const hit = kept.get(path);
        if (hit !== undefined && (!hit.vary?.includes('Cookie') || hit.cookie === cookie)) {
          return hit.text;
        }
        const { text, headers } = await site.get(path, cookie);
        const mayKeep = !/no-store|private/.test(headers.get('cache-control') ?? '');
        if (mayKeep) kept.set(path, { text, cookie, vary: headers.get('vary') });
        return text;
      };
      const alice = (await site.get('/login')).cookie;
      const bob = (await site.get('/login-bob')).cookie;
      await through('/me', alice);
      return (await through('/me', bob)).includes('alice');
    });
  });

  it('CVE-2026-24472 hono: learns of every way to read a session, and of every cookie that is set', async () => {
    const app = new Koa();
    app.keys = ['a key for tests'];
    app.use(createSession({ store: new MemoryStore() }, app));
    const reads: Record<string, (session: object) => unknown> = {
      get: (session) => (session as { user?: string }).user,
      has: (session) => 'user' in session,
      keys: (session) => Object.keys(session),
      length: (session) => (session as { length?: number }).length,
      isNew: (session) => (session as { isNew?: boolean }).isNew,
      json: (session) => JSON.stringify(session),
      inspect: (session) => inspect(session),
    };
    app.use((ctx) => {
      ctx.body = 'read';
      reads[ctx.path.slice(1)]?.(ctx.session);
    });
    const server = app.listen(0);
    const { port } = server.address() as { port: number };
    for (const read of Object.keys(reads)) {
      const { headers } = await fetch(`http://127.0.0.1:${port}/${read}`);
      expect([read, headers.get('vary')]).toEqual([read, 'Cookie']);
    }
    server.closeAllConnections();
    server.close();
    const site = await serve('this package');
    const { headers } = await site.get('/login');
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await site.get('/public')).headers.get('vary')).toBeNull();
  });
});

describe('a store', () => {
  it('CVE-2015-5143, 5963 and 5964 Django: gets no record from visitors without a session', async () => {
    await attack(
      EXPRESS_ONLY,
      async (site) => {
        for (const path of ['/public', '/me', '/logout']) await site.get(path);
        return (await site.sessions()) > 0;
      },
      { express: { saveUninitialized: true } },
    );
  });

  it('alkem-io 6332: that is down is not asked for visitors without a session', async () => {
    await attack(
      EXPRESS_ONLY,
      async (site) => {
        site.store.mode = 'hangs';
        const { status } = await site.get('/me');
        return status !== 200 || site.store.calls.length > 0;
      },
      { express: { saveUninitialized: true } },
    );
  });

  it('sourcegraph 37016, connect-redis 88: that is down logs nobody out', async () => {
    await attack(NOWHERE, async (site) => {
      const { cookie } = await site.get('/login');
      site.store.mode = 'fails';
      const { status, setCookie } = await site.get('/me', cookie);
      site.store.mode = 'works';
      return status < 500 || setCookie.length > 0 || (await site.user(cookie)) !== 'alice';
    });
    const site = await serve('this package');
    const { cookie } = await site.get('/login');
    site.store.mode = 'fails';
    const { status, headers } = await site.get('/me', cookie);
    expect([status, headers.get('retry-after') !== null]).toEqual([503, true]);
  });

  it('connect-redis 373, sessionstore 49: that hangs keeps no request hanging', async () => {
    await attack(EVERYWHERE_ELSE, async (site) => {
      const { cookie } = await site.get('/login');
      site.store.mode = 'hangs';
      const { status } = await site.get('/me', cookie);
      site.store.mode = 'works';
      expect(await site.user(cookie)).toBe('alice');
      return status !== 503;
    });
  });

  it('spring-session 1111, 1399 and 2021: with a damaged record gives a new session, not an error for ever', async () => {
    for (const damaged of ['text', 5, true, [], [1], { _expire: 'soon' }, { _created: {} }]) {
      const records = new Map<string, unknown>();
      const store = {
        get: (key: string) => records.get(key) as never,
        set: (key: string, record: unknown) => void records.set(key, record),
        destroy: (key: string) => void records.delete(key),
      };
      const { request } = application({ ...strict(), secure: false, key: 'sid', store });
      const login = await request((session) => (session.user = 'alice'));
      for (const key of records.keys()) records.set(key, damaged);
      const again = await request((session) => (session.user = 'bob'), login);
      expect(again.status).toBe(200);
    }
  });
});

describe('a write', () => {
  it('passport 1004, expressjs/session 309: that save() acknowledged survives a failing handler', async () => {
    const site = await serve('this package');
    const failed = await site.get('/save-and-fail');
    expect(failed.status).toBe(500);
    expect(await site.sessions()).toBe(1);
  });

  it('expressjs/session 309: is done before the answer is sent', async () => {
    for (const path of ['/login', '/cart']) {
      const site = await serve('this package');
      const { cookie } = await site.get(path);
      expect(await site.sessions()).toBe(1);
      expect((await site.get('/me', cookie)).text).not.toBe('{}');
    }
  });

  it('expressjs/session 935: is not repeated at the end of a request that saved', async () => {
    const { request, store } = application();
    const first = await request((session) => (session.user = 'alice'));
    let writes = 0;
    const update = store.update.bind(store);
    store.update = (...args) => {
      writes++;
      return update(...args);
    };
    await request(async (session) => {
      session.user = 'bob';
      await session.save();
    }, first);
    await told();
    expect(writes).toBe(1);
  });

  it('CVE-2023-20862 Spring Security: happens when a user is unset, deleted or null', async () => {
    for (const path of ['/user-gone', '/user-deleted', '/user-null']) {
      await attack(NOWHERE, async (site) => {
        const { cookie } = await site.get('/login');
        const { cookie: renewed } = await site.get(path, cookie);
        const users = [await site.user(cookie), await site.user(renewed || cookie)];
        return users.includes('alice');
      });
    }
  });
});
