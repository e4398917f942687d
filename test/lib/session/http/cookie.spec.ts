import { IncomingMessage, OutgoingMessage, ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import Keygrip from 'keygrip';
import Koa from 'koa';
import type { Context } from 'koa';
import {
  measureCookie,
  readCookie as readCookieWith,
  readCookieValues,
  writeCookie,
} from '../../../../lib/session/http/cookie.js';
import type { CookieAttributes, CookieRead } from '../../../../lib/session/http/cookie.js';

const Koa2 = createRequire(import.meta.url)('koa-2') as typeof Koa;
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 2_000);
const FROZEN = Date.UTC(2026, 10, 23, 9, 23, 59, 500);

interface Request {
  cookie?: string | undefined;
  keys?: unknown;
  sent?: string | string[] | undefined;
  https?: boolean;
}

/** A context over Node's own request and response, as Koa makes one for each request. */
function context(app: Koa, request: Request = {}): Context {
  const socket = new Socket();
  if (request.https) Object.assign(socket, { encrypted: true });
  const req = new IncomingMessage(socket);
  if (request.cookie !== undefined) req.headers.cookie = request.cookie;
  const res = new ServerResponse(req);
  if (request.sent !== undefined) res.setHeader('Set-Cookie', request.sent);
  if (request.keys !== undefined) app.keys = request.keys as string[];
  return app.createContext(req, res) as unknown as Context;
}

function readCookie(ctx: Context, name: string, attributes: CookieAttributes): CookieRead {
  return readCookieWith(ctx, name, attributes.signed, () => attributes);
}

const sentBy = (ctx: Context): unknown => ctx.res.getHeader('Set-Cookie');

type Effect = { result: unknown; sent: unknown } | { error: string; type: string };

/** What a call did: its result or its error's text, and the headers after it. */
function effect(ctx: Context, call: () => unknown): Effect {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    // `cookies` has half of a pair in the answer when it throws; an error empties it anyway.
    return { error: (error as Error).message, type: (error as Error).constructor.name };
  }
  return { result, sent: sentBy(ctx) };
}

const name = fc.oneof(
  fc.constantFrom('koa.sess', 'a', '__Host-sid', 'sid', 'koa.sess.sig', 'a.sig', '$&', '[a]*'),
  fc.string({ unit: fc.constantFrom(...'ab._-$*+?()[]{}|^'), minLength: 1, maxLength: 4 }),
);
const keys = fc.oneof(
  fc.array(fc.string({ maxLength: 80 }), { minLength: 1, maxLength: 4 }),
  fc.array(
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    {
      minLength: 1,
      maxLength: 2,
    },
  ),
  fc.constant(undefined),
  fc.constant([]),
  fc.constantFrom<unknown>(new Keygrip(['x'], 'sha256'), new Keygrip(['new', 'old'])),
);
const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 30,
});
const value = fc.oneof(
  fc.base64String({ maxLength: 100 }),
  fc.uuid(),
  latin1,
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.constantFrom('', null, '0', '"quoted"'),
);
/** Mostly what applications set; now and then what no header can carry. */
function mostly<T>(...usual: T[]): { or: (...odd: unknown[]) => fc.Arbitrary<T> } {
  return {
    or: (...odd) =>
      fc.oneof(
        { weight: 24, arbitrary: fc.constantFrom(...usual) },
        { weight: 1, arbitrary: fc.constantFrom(...(odd as T[])) },
      ),
  };
}
const attributes: fc.Arbitrary<CookieAttributes> = fc.record(
  {
    path: mostly('/', '/admin', '', undefined, 'x').or('/a;b', '/é'),
    domain: mostly(undefined, 'example.com', '.example.com').or('a b', '-x'),
    expires: fc.constantFrom(undefined, new Date(0), new Date(2_000_000_000_123), new Date(NaN)),
    maxAge: mostly<number | false | null | undefined>(
      undefined,
      null,
      false,
      0,
      1,
      -1,
      86_400_000,
      1e12,
      9e15,
    ).or(NaN, Infinity),
    httpOnly: fc.constantFrom(true, false, undefined),
    secure: fc.constantFrom(true, false, undefined),
    secureProxy: fc.constantFrom(true, false, undefined),
    sameSite: mostly<string | boolean | undefined>(true, false, undefined, 'Lax', 'NONE', '').or(
      'bogus',
    ),
    priority: mostly(undefined, 'High', 'low').or('urgent'),
    partitioned: fc.constantFrom(true, false, undefined),
    overwrite: fc.constantFrom(true, true, false, undefined),
    signed: fc.constantFrom(true, false, undefined),
  },
  { requiredKeys: [] },
);

beforeEach(() => {
  jest.useFakeTimers({ now: FROZEN });
  // `cookies` warns about secureProxy.
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe.each([
  ['Koa 3', Koa],
  ['Koa 2.16', Koa2],
])('a cookie, on %s', (_title, App) => {
  /** A fresh application for each side, so that neither sees what the other did. */
  // `cookies` adds to the very array it finds, so each has one of its own.
  const context2 = (request: Request): [Context, Context] => [
    context(new App(), { ...request, sent: structuredClone(request.sent) }),
    context(new App(), { ...request, sent: structuredClone(request.sent) }),
  ];

  it('is written with the bytes, the order, the replacing and the errors of ctx.cookies.set', () => {
    const request = fc
      .oneof(
        { weight: 9, arbitrary: name },
        fc.constantFrom('a;b', 'a=b', '', 'é', 'a b', 'ā', '\n'),
      )
      .chain((n) => {
        const sendable = /^[ -~]*$/.test(n) ? n : 'x';
        const earlier = fc.constantFrom(
          ...[`${sendable}=old`, `${sendable}.sig=old`, `${sendable}2=old`, 'other=1'],
        );
        return fc.record({
          name: fc.constant(n),
          sent: fc.oneof(fc.constant(undefined), earlier, fc.array(earlier, { maxLength: 4 })),
          keys,
          https: fc.boolean(),
        });
      });
    const seen = { written: 0, signed: 0, replaced: 0, errors: new Set<string>() };
    fc.assert(
      fc.property(request, value, attributes, (r, v, options) => {
        const [theirs, ours] = context2(r);
        const expected = effect(
          theirs,
          () => void theirs.cookies.set(r.name, v, options as object),
        );
        expect(effect(ours, () => writeCookie(ours, r.name, v, options))).toEqual(expected);
        if ('error' in expected) {
          seen.errors.add(expected.error);
          return;
        }
        const sent = expected.sent as string[];
        seen.written++;
        if (sent.at(-1)?.startsWith(`${r.name}.sig=`)) seen.signed++;
        if ([r.sent ?? []].flat().some((earlier) => !sent.includes(earlier))) seen.replaced++;
      }),
      // Shrinking would take longer than reading the counterexample.
      { numRuns: RUNS, endOnFailure: true },
    );
    if (RUNS < 1_000) return;
    expect(seen.errors.size).toBeGreaterThan(6);
    for (const count of [seen.written, seen.signed, seen.replaced]) {
      expect(count).toBeGreaterThan(RUNS / 100);
    }
  });

  it('is read as ctx.cookies.get reads it, from any header that has it once', () => {
    const pair = fc.oneof(
      latin1,
      fc
        .tuple(fc.constantFrom('', ' ', '  ', '\t', '\u00a0', '"'), name, latin1)
        .map(([space, n, v]) => `${space}${n}=${v}`),
    );
    const header = fc.array(pair, { maxLength: 6 }).map((pairs) => pairs.join(';'));
    fc.assert(
      fc.property(name, header, attributes, keys, fc.boolean(), (n, cookie, options, k, https) => {
        const [theirs, ours] = context2({ cookie, keys: k, https });
        fc.pre(readCookieValues(ours, n).length < 2);
        fc.pre(readCookieValues(ours, `${n}.sig`).length < 2);
        expect(effect(ours, () => readCookie(ours, n, options).value)).toEqual(
          effect(theirs, () => theirs.cookies.get(n, options as { signed: boolean })),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('is found as often as a header has it, wherever its name stands in others', () => {
    const piece = fc.constantFrom('sid', '.sig', '=', ';', '; ', ' ', '"', 'x', 'sid=');
    const names = fc.constantFrom('sid', 'sid.sig', 's', 'sids', 'sid x', '');
    fc.assert(
      fc.property(names, fc.array(piece, { maxLength: 14 }), (n, pieces) => {
        const cookie = pieces.join('');
        const values = cookie
          .split(';')
          .map((pair) => pair.replace(/^ +/, ''))
          .filter((pair) => pair.startsWith(`${n}=`))
          .map((pair) => pair.slice(n.length + 1))
          .map((text) => (text.startsWith('"') ? text.slice(1, -1) : text));
        expect(readCookieValues(context(new Koa(), { cookie }), n)).toEqual(values.slice(0, 4));
      }),
      { numRuns: RUNS },
    );
  });

  it('is taken, refused and re-signed as ctx.cookies.get does, for every kind of signature', () => {
    const texts = fc.array(fc.string({ maxLength: 70 }), { minLength: 1, maxLength: 3 });
    const text = fc.base64String({ maxLength: 60 });
    const kind = fc.constantFrom('none', 'empty', 'wrong', 'quoted', 0, 1, 2, 'foreign');
    fc.assert(
      fc.property(name, text, texts, kind, fc.boolean(), (n, v, k, signature, https) => {
        const data = `${n}=${v}`;
        const key = typeof signature === 'number' ? k[signature % k.length]! : 'another key';
        const sig = signature === 'wrong' ? 'x'.repeat(27) : new Keygrip([key]).sign(data);
        const cookie =
          signature === 'none'
            ? data
            : signature === 'empty'
              ? `${data}; ${n}.sig=`
              : signature === 'quoted'
                ? `${n}="${v}"; ${n}.sig="${new Keygrip(k).sign(data)}"`
                : `${n}.sig=${sig}; ${data}`;
        const [theirs, ours] = context2({ cookie, keys: k, https });
        // Without attributes of its own, a re-signed cookie is the same in both.
        expect(effect(ours, () => readCookie(ours, n, { signed: true }).value)).toEqual(
          effect(theirs, () => theirs.cookies.get(n, { signed: true })),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('that was read by koa can be written by us in the same request, and the other way round', () => {
    const cookie = `sid=1; sid.sig=${new Keygrip(['old']).sign('sid=1')}`;
    const [theirs, ours] = context2({ cookie, keys: ['new', 'old'] });
    for (const ctx of [theirs, ours]) ctx.cookies.set('other', 'x', { signed: false });
    theirs.cookies.get('sid', { signed: true });
    readCookie(ours, 'sid', { signed: true });
    theirs.cookies.set('sid', '2', { signed: true, overwrite: true });
    writeCookie(ours, 'sid', '2', { signed: true, overwrite: true });
    expect(sentBy(ours)).toEqual(sentBy(theirs));
    expect(sentBy(ours)).toHaveLength(3);
  });

  it('is read and written without the Cookies object that Koa would make', () => {
    const ctx = context(new App(), { keys: ['a'], cookie: 'sid=1' });
    readCookie(ctx, 'sid', {});
    writeCookie(ctx, 'sid', '1', {});
    expect(Object.getOwnPropertySymbols(ctx)).toEqual([]);
    expect(ctx.cookies.get('sid', { signed: false })).toBe('1');
    expect(Object.getOwnPropertySymbols(ctx)).toHaveLength(1);
  });

  it('follows a ctx.cookies whose secure flag or keys the application set', () => {
    const [theirs, ours] = context2({ keys: ['a'] });
    for (const ctx of [theirs, ours]) {
      ctx.cookies.secure = true;
      Object.assign(ctx.cookies, { keys: new Keygrip(['of this request']) });
    }
    theirs.cookies.set('sid', '1', { signed: true, secure: true });
    writeCookie(ours, 'sid', '1', { signed: true, secure: true });
    expect(sentBy(ours)).toEqual(sentBy(theirs));
  });

  it('goes through a ctx.cookies that the application replaced, wherever it did', () => {
    const calls: unknown[][] = [];
    const fake = {
      get: (...args: unknown[]) => (calls.push(['get', ...args]), 'theirs'),
      set: (...args: unknown[]) => calls.push(['set', ...args]),
    };
    // Koa's own accessor, with what it makes wrapped: by a tracer, say.
    const wrapAccessor = <T extends object>(target: T, app: Koa): T => {
      const koas = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(app.context), 'cookies')!;
      const wrap = (cookies: object): unknown =>
        new Proxy(cookies, {
          get: (made, key) => Reflect.get(key in fake ? fake : made, key) as unknown,
        });
      return Object.defineProperty(target, 'cookies', {
        get(this: Context) {
          return wrap(koas.get!.call(this) as object);
        },
        set: koas.set!,
      });
    };
    const ways: ((app: Koa) => Context)[] = [
      (app) => Object.assign(context(app), { cookies: fake }),
      (app) => Object.defineProperty(context(app), 'cookies', { value: fake }),
      (app) => (Object.defineProperty(app.context, 'cookies', { get: () => fake }), context(app)),
      (app) => (wrapAccessor(app.context, app), context(app)),
      (app) => {
        const between = Object.create(app.context, { cookies: { value: fake } }) as object;
        return Object.setPrototypeOf(context(app), between) as Context;
      },
      (app) => {
        // Below app.context, and not before a cookie was read.
        readCookie(context(app), 'sid', {});
        const below = Object.getPrototypeOf(app.context) as object;
        const between = Object.create(below, { cookies: { get: () => fake } }) as object;
        Object.setPrototypeOf(app.context, between);
        return context(app);
      },
      (app) => wrapAccessor(context(app), app),
      (app) => {
        const ctx = context(app);
        Object.assign(ctx.cookies, { get: fake.get, set: fake.set });
        return ctx;
      },
    ];
    for (const way of ways) {
      const app = new App();
      app.keys = ['a'];
      const ctx = way(app);
      calls.length = 0;
      const options = { path: '/x', name: 'hijack', value: 'hijack' } as CookieAttributes;
      expect(readCookie(ctx, 'sid', options)).toMatchObject({ outcome: 'value', value: 'theirs' });
      expect(readCookieValues(ctx, 'sid')).toEqual(['theirs']);
      writeCookie(ctx, 'sid', 'v', options);
      expect(calls).toEqual([
        ['get', 'sid', { path: '/x' }],
        ['get', 'sid', { signed: false }],
        ['set', 'sid', 'v', { path: '/x' }],
      ]);
    }
  });

  it('is signed by any object with the methods of a Keygrip', () => {
    const keygrip = {
      sign: (data: string) => `${data.length}`,
      index: () => 0,
      verify: () => true,
    };
    const ctx = context(new App(), { keys: keygrip, cookie: 'sid=1; sid.sig=anything' });
    writeCookie(ctx, 'sid', 'v', {});
    expect(sentBy(ctx)).toEqual(['sid=v; path=/; httponly', 'sid.sig=5; path=/; httponly']);
    expect(readCookie(ctx, 'sid', {})).toMatchObject({ outcome: 'value', value: '1' });
  });

  it('travels over a real connection', async () => {
    jest.useRealTimers();
    const app = new App();
    app.keys = ['a'];
    app.use((ctx) => {
      const read = readCookie(ctx as unknown as Context, 'sid', { signed: true });
      writeCookie(ctx as unknown as Context, 'sid', 'next', { signed: true });
      ctx.body = { read, koa: ctx.cookies.get('sid', { signed: true }) };
    });
    const server = createServer(app.callback()).listen(0);
    try {
      const url = `http://localhost:${(server.address() as AddressInfo).port}`;
      const first = await fetch(url);
      expect(await first.json()).toEqual({ read: { outcome: 'absent', duplicates: false } });
      const pairs = first.headers.getSetCookie().map((line) => line.split(';')[0]);
      const second = await fetch(url, { headers: { cookie: pairs.join('; ') } });
      expect(await second.json()).toEqual({
        // Nothing of the signature, should anybody print it.
        read: {
          outcome: 'value',
          value: 'next',
          duplicates: false,
          known: { reads: 0, isBack: true },
        },
        koa: 'next',
      });
    } finally {
      server.close();
    }
  });
});

describe('reading a cookie', () => {
  const keys = ['new', 'old'];
  const sign = (data: string, key = 'new'): string => new Keygrip([key]).sign(data);
  const app = (): Koa => new Koa();

  it('tells why there is no value', () => {
    const read = (cookie?: string): unknown => {
      const { outcome, value: v } = readCookie(context(app(), { keys, cookie }), 'sid', {});
      return [outcome, v];
    };
    expect(read()).toEqual(['absent', undefined]);
    expect(read('other=1; xsid=2; sid')).toEqual(['absent', undefined]);
    expect(read('sid=1')).toEqual(['unsigned', undefined]);
    expect(read('sid=1; sid.sig=forged')).toEqual(['bad-signature', undefined]);
    expect(read(`sid=1; sid.sig=${sign('sid=1')}`)).toEqual(['value', '1']);
  });

  it('finds the genuine cookie beside one that was planted before it, and reports the second', () => {
    const genuine = `sid=1; sid.sig=${sign('sid=1')}`;
    for (const cookie of [
      `sid=planted; sid.sig=planted; ${genuine}`,
      `sid=planted; ${genuine}`,
      `${genuine}; sid=planted`,
      `sid=; sid=x; sid=y; ${genuine}`,
    ]) {
      const ctx = context(app(), { keys, cookie });
      expect(readCookie(ctx, 'sid', {})).toMatchObject({
        outcome: 'value',
        value: '1',
        duplicates: true,
      });
      expect(sentBy(ctx)).toBeUndefined();
    }
  });

  it('looks at no more than four cookies of one name', () => {
    const cookie = `${'sid=planted; '.repeat(4)}sid=1; sid.sig=${sign('sid=1')}`;
    const ctx = context(app(), { keys, cookie });
    expect(readCookie(ctx, 'sid', {})).toMatchObject({ outcome: 'bad-signature' });
    expect(readCookieValues(ctx, 'sid')).toEqual(Array(4).fill('planted'));
  });

  it('renews a signature by an older key with the attributes of the session', () => {
    const cookie = `sid=1; sid.sig=${sign('sid=1', 'old')}`;
    const ctx = context(app(), { keys, cookie, https: true });
    const options: CookieAttributes = {
      domain: 'example.com',
      sameSite: 'strict',
      maxAge: 60_000,
      secure: true,
      overwrite: true,
      path: '/a',
    };
    expect(readCookie(ctx, 'sid', options)).toMatchObject({ value: '1' });
    expect(sentBy(ctx)).toEqual([
      `sid.sig=${sign('sid=1')}; path=/a; expires=Mon, 23 Nov 2026 09:24:59 GMT; ` +
        'domain=example.com; samesite=strict; secure; httponly',
    ]);
  });

  it('takes an older key over plain HTTP although the renewed signature cannot be sent', () => {
    const cookie = `sid=1; sid.sig=${sign('sid=1', 'old')}`;
    const ctx = context(app(), { keys, cookie });
    expect(readCookie(ctx, 'sid', { secure: true })).toMatchObject({ value: '1' });
    expect(sentBy(ctx)).toBeUndefined();
  });

  it('allows only spaces before a name, and never decodes one', () => {
    for (const planted of [
      '\u00a0__Host-sid=1',
      '\t__Host-sid=1',
      '%5f_Host-sid=1',
      '__host-sid=1',
    ]) {
      const ctx = context(app(), { cookie: `a=b;${planted}` });
      expect(readCookie(ctx, '__Host-sid', {}).outcome).toBe('absent');
    }
  });

  it('throws for nothing that a client can send, 100,000 headers long', () => {
    const koa = app();
    koa.keys = keys;
    const ctx = context(koa);
    const bit = fc.oneof(
      latin1,
      fc.constantFrom('sid', 'sid=', 'sid.sig=', ';', '; ', '=', '"', ' ', 'sid="', ';;', '\0'),
    );
    let found = 0;
    fc.assert(
      fc.property(fc.array(bit, { maxLength: 12 }), (bits) => {
        ctx.req.headers.cookie = bits.join('');
        ctx.res.removeHeader('Set-Cookie');
        const read = readCookie(ctx, 'sid', {});
        if (read.outcome !== 'absent') found++;
        return read.value === undefined;
      }),
      { numRuns: 100_000 },
    );
    // The headers were worth reading.
    expect(found).toBeGreaterThan(1_000);
  });

  it('takes time in proportion to the length of the header', () => {
    jest.useRealTimers();
    const hostile: ((length: number) => string)[] = [
      (length) => 'sid='.repeat(length / 4),
      (length) => ' '.repeat(length),
      (length) => ';'.repeat(length),
      (length) => '; sid'.repeat(length / 5),
      (length) => `${' '.repeat(length / 2)}sid`.padEnd(length),
      (length) => 'sid.sig='.repeat(length / 8),
      (length) => ' sid=;'.repeat(length / 6),
    ];
    const ctx = context(app(), { keys });
    const timeOf = (cookie: string): number => {
      ctx.req.headers.cookie = cookie;
      let best = Infinity;
      for (let i = 0; i < 5; i++) {
        const start = process.hrtime.bigint();
        readCookie(ctx, 'sid', {});
        best = Math.min(best, Number(process.hrtime.bigint() - start));
      }
      return best;
    };
    for (const make of hostile) {
      timeOf(make(1 << 16));
      const short = timeOf(make(1 << 16));
      const long = timeOf(make(1 << 22));
      // 64 times the length. Quadratic work would take 4,096 times as long.
      expect(long).toBeLessThan(Math.max(short, 10_000) * 64 * 16);
    }
  });
});

describe('writing a cookie', () => {
  it('gives each second an end of its own', () => {
    const ctx = context(new Koa());
    for (const maxAge of [499, 500, 60_000, 61_000, 60_000]) {
      writeCookie(ctx, 'sid', '1', { maxAge });
    }
    const ends = (sentBy(ctx) as string[]).map((cookie) => /:(\d\d:\d\d) GMT/.exec(cookie)?.[1]);
    expect(ends).toEqual(['23:59', '24:00', '24:59', '25:00', '24:59']);
  });

  it('lets no option rename the cookie or change its value', () => {
    const ctx = context(new Koa());
    const options = { name: 'hijack', value: 'hijack', key: 'x' } as CookieAttributes;
    writeCookie(ctx, 'sid', '1', options);
    expect(sentBy(ctx)).toEqual(['sid=1; path=/; httponly']);
  });

  it('shows both cookies to a setHeader that the application has wrapped', () => {
    const ctx = context(new Koa(), { keys: ['a'] });
    const { res } = ctx;
    const original = res.setHeader.bind(res);
    const seen: unknown[] = [];
    res.setHeader = (name, value) => {
      seen.push(value);
      return original(name, value);
    };
    writeCookie(ctx, 'sid', '1', { signed: true });
    expect(seen).toEqual([[expect.stringMatching(/^sid=/), expect.stringMatching(/^sid\.sig=/)]]);
    expect(sentBy(ctx)).toEqual(seen[0]);
  });

  it('shows both cookies to whoever has wrapped the method for all responses', () => {
    const { prototype } = OutgoingMessage;
    const original = prototype.setHeader;
    const seen: unknown[] = [];
    prototype.setHeader = function (this: OutgoingMessage, name, value) {
      seen.push(value);
      return original.call(this, name, value);
    } as typeof original;
    try {
      writeCookie(context(new Koa(), { keys: ['a'] }), 'sid', '1', { signed: true });
    } finally {
      prototype.setHeader = original;
    }
    expect(seen).toEqual([[expect.stringMatching(/^sid=/), expect.stringMatching(/^sid\.sig=/)]]);
  });

  it('leaves an array of headers that somebody else holds as it was', () => {
    const held = ['other=1', 'sid=0'];
    const ctx = context(new Koa(), { sent: held });
    writeCookie(ctx, 'sid', '1', { overwrite: true });
    expect(held).toEqual(['other=1', 'sid=0']);
    expect(sentBy(ctx)).toEqual(['other=1', 'sid=1; path=/; httponly']);
  });

  it('measures the bytes that browsers count: the name and the value', () => {
    expect(measureCookie('koa.sess', 'abc')).toBe(11);
    expect(measureCookie('koa.sess', 'é')).toBe(9);
  });
});
