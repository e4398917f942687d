import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import Koa from 'koa';
import type { Context } from 'koa';
import { Cookie, CookieJar } from 'tough-cookie';
import { SessionOptionsError } from '../../../../lib/errors.js';
import { writeCookie } from '../../../../lib/session/http/cookie.js';
import type { CookieAttributes } from '../../../../lib/session/http/cookie.js';
import { checkCookiePolicy } from '../../../../lib/session/http/cookie-policy.js';
import type { CookiePolicy } from '../../../../lib/session/http/cookie-policy.js';

const NOW = Date.UTC(2026, 10, 23);
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 2_000);

type Policy = CookieAttributes & { key: string };

/** The header that a browser gets over HTTPS. */
function headerOf({ key, ...attributes }: Policy): string {
  const socket = Object.assign(new Socket(), { encrypted: true });
  const req = new IncomingMessage(socket);
  const ctx = new Koa().createContext(req, new ServerResponse(req)) as unknown as Context;
  writeCookie(ctx, key, 'value', { ...attributes, signed: false });
  return (ctx.res.getHeader('Set-Cookie') as string[])[0]!;
}

function refusal(policy: CookiePolicy): SessionOptionsError | undefined {
  try {
    checkCookiePolicy(policy);
    return undefined;
  } catch (error) {
    if (error instanceof SessionOptionsError) return error;
    throw error;
  }
}

/**
 * What a browser keeps of the header, or why it keeps nothing, by a parser and a jar that are not
 * ours. Where tough-cookie is behind the standard, the rule of RFC 6265bis is stated here.
 */
function whatABrowserKeeps(policy: Policy): Record<string, unknown> | string {
  let header: string;
  try {
    header = headerOf(policy);
  } catch (error) {
    return `500: ${(error as Error).message}`;
  }
  const cookie = Cookie.parse(header);
  if (!cookie) return 'unparseable';
  if (cookie.sameSite === 'none' && !cookie.secure) return 'SameSite=None without Secure';
  const isPartitioned = cookie.extensions?.includes('partitioned') ?? false;
  if (isPartitioned && !cookie.secure) return 'Partitioned without Secure';
  const lower = cookie.key.toLowerCase();
  const isHost = lower.startsWith('__host-');
  const isHttp = /^__(host-)?http-/.test(lower);
  if (/^__(secure|host|http)-/.test(lower) && !cookie.secure) return 'prefix without Secure';
  if (isHttp && !cookie.httpOnly) return 'prefix without HttpOnly';
  if (isHost && (cookie.path !== '/' || cookie.domain)) return 'prefix with a scope';
  const jar = new CookieJar(undefined, { prefixSecurity: 'strict' });
  try {
    if (!jar.setCookieSync(header, 'https://www.example.com/')) return 'not kept';
  } catch (error) {
    return (error as Error).message;
  }
  return {
    key: cookie.key,
    value: cookie.value,
    path: cookie.path,
    domain: cookie.domain,
    secure: cookie.secure,
    httpOnly: cookie.httpOnly,
    sameSite: cookie.sameSite,
    expires: cookie.expires instanceof Date ? cookie.expires.getTime() : cookie.expires,
    partitioned: isPartitioned,
    priority: cookie.extensions?.find((extension) => extension.startsWith('priority=')),
  };
}

/** What the options ask for, in the same terms. */
function whatWasAskedFor(policy: Policy): Record<string, unknown> {
  const { path = '/', domain, sameSite, maxAge, expires, priority } = policy;
  const end = maxAge ? NOW + maxAge : expires?.getTime();
  return {
    key: policy.key,
    value: 'value',
    path: path || null,
    domain: domain ? domain.replace(/^\./, '').toLowerCase() : null,
    secure: policy.secure ?? true,
    httpOnly: policy.httpOnly ?? true,
    sameSite: sameSite ? (sameSite === true ? 'strict' : sameSite.toLowerCase()) : undefined,
    expires: end === undefined ? 'Infinity' : Math.floor(end / 1000) * 1000,
    partitioned: policy.partitioned ?? false,
    priority: priority ? `priority=${priority.toLowerCase()}` : undefined,
  };
}

const cookieName = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '__Host-', '__host-', '__Secure-', '__HTTP-', '__Host-Http-', '__Hos'),
      fc.constantFrom('sid', 'koa.sess', 'a b', 'x;y', 'x=y', ' a', 'a ', 'a\t', '\u0001', ''),
    )
    .map(([prefix, rest]) => prefix + rest),
  fc.constantFrom('koa.sess', 'é', 'ā', '$a', '"a"'),
);

const attribute = {
  path: fc.constantFrom('/', '/', '/admin', '', 'x', '/a;b', '/é', '/a '),
  domain: fc.constantFrom('example.com', '.example.com', 'EXAMPLE.com', 'a b', '-x', '', 'x.'),
  expires: fc.constantFrom(new Date(NOW + 5_500), new Date(NaN), new Date(9e14), new Date(-1e15)),
  maxAge: fc.constantFrom(0, 60_000, 86_400_000, NaN, Infinity, 9e15, 1e15),
  httpOnly: fc.boolean(),
  secure: fc.boolean(),
  sameSite: fc.constantFrom('lax', 'Strict', 'NONE', 'none', 'bogus'),
  priority: fc.constantFrom('low', 'High', 'urgent'),
  partitioned: fc.boolean(),
};

/** Each has a few attributes; with all of them, nearly every policy would be refused for one. */
const policies: fc.Arbitrary<Policy> = fc
  .tuple(cookieName, fc.subarray(Object.entries(attribute), { maxLength: 4 }))
  .chain(([key, chosen]) =>
    fc.record({ ...Object.fromEntries(chosen), key: fc.constant(key) } as unknown as {
      key: fc.Arbitrary<string>;
    }),
  );

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a cookie policy', () => {
  it('that is accepted reaches the browser as it was asked for, and one that is refused would not', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(policies, (policy) => {
        const kept = whatABrowserKeeps(policy);
        const refused = refusal(policy);
        if (refused === undefined) {
          seen.accepted++;
          expect(kept).toEqual(whatWasAskedFor(policy));
        } else {
          seen.refused++;
          // `maxAge` hides it here, until a session is set to end with the browser.
          if (refused.option === 'expires' && policy.maxAge) return;
          expect(kept).not.toEqual(whatWasAskedFor(policy));
        }
      }),
      { numRuns: RUNS },
    );
    expect(seen.accepted).toBeGreaterThan(RUNS / 10);
    expect(seen.refused).toBeGreaterThan(RUNS / 10);
  });

  it('keeps to the rules of its name prefix, whatever its case: all combinations', () => {
    const bits = [0, 1, 2, 3].map((bit) => (n: number) => Boolean(n & (1 << bit)));
    for (const prefix of ['__Secure-', '__Host-', '__Http-', '__Host-Http-', '__hOST-', '']) {
      for (let n = 0; n < 16; n++) {
        const [secure, httpOnly, hasPath, hasDomain] = bits.map((bit) => bit(n));
        const policy = {
          key: `${prefix}sid`,
          secure: secure!,
          httpOnly: httpOnly!,
          path: hasPath ? '/admin' : '/',
          ...(hasDomain ? { domain: 'example.com' } : {}),
        };
        const isHost = /^__host-/i.test(prefix);
        const isHttp = /http-$/i.test(prefix);
        const isLawful =
          prefix === '' ||
          (secure && (!isHttp || httpOnly) && (!isHost || (!hasPath && !hasDomain)));
        expect([policy, refusal(policy) === undefined]).toEqual([policy, isLawful]);
      }
    }
  });

  it.each([
    ['koa-session with defaults', { key: 'koa.sess' }],
    ['a prefix with "secure" left to the request', { key: '__Host-sid', httpOnly: true }],
    ['sameSite none with "secure" left to the request', { key: 'a', sameSite: 'none' }],
    ['a proxy that ends TLS', { key: '__Host-sid', secureProxy: true, secure: false }],
    ['null for "not set"', { key: 'a', domain: null, path: null, secure: null, expires: null }],
    ['a maxAge of "session"', { key: 'a', maxAge: 'session' }],
    ['a maxAge in the past', { key: 'a', maxAge: -1 }],
    ['a name with a space inside', { key: 'my session' }],
    ['no path attribute', { key: 'a', path: '' }],
  ])('that works with koa-session today is accepted: %s', (_title, policy) => {
    expect(refusal(policy)).toBeUndefined();
  });

  it.each([
    ['key', { key: '' }, 'it cannot be the name of a cookie'],
    ['key', { key: 'a;b' }, 'it cannot be the name of a cookie'],
    ['key', { key: ' a' }, 'browsers take the space around it away'],
    ['key', { key: 'x'.repeat(4_050) }, '4,096 bytes'],
    ['path', { key: 'a', path: `/${'a'.repeat(1_024)}` }, '1,024 bytes'],
    ['path', { key: 'a', path: 'admin' }, 'begin it with "/"'],
    ['path', { key: 'a', path: 5 }, 'must be a string, received number'],
    ['domain', { key: 'a', domain: 'a;b' }, 'must be a host name'],
    ['domain', { key: 'a', domain: 'a.'.repeat(600) }, '1,024 bytes'],
    ['sameSite', { key: 'a', sameSite: 'bogus' }, 'must be "strict", "lax" or "none"'],
    ['sameSite', { key: 'a', sameSite: ['lax'] }, 'received an array'],
    ['sameSite', { key: 'a', sameSite: 'none', secure: false }, 'set "secure" to true'],
    ['partitioned', { key: 'a', partitioned: true, secure: false }, 'set "secure" to true'],
    ['partitioned', { key: 'a', partitioned: true, secureProxy: false }, 'set "secure" to true'],
    ['priority', { key: 'a', priority: 'urgent' }, 'must be "low", "medium" or "high"'],
    ['maxAge', { key: 'a', maxAge: Infinity }, 'Infinity is no time'],
    ['maxAge', { key: 'a', maxAge: NaN }, 'NaN is no time'],
    ['maxAge', { key: 'a', maxAge: 9e15 }, 'within 400 days'],
    ['expires', { key: 'a', expires: '2030-01-01' }, 'must be a valid Date, received string'],
    ['expires', { key: 'a', expires: new Date(NaN) }, 'must be a valid Date'],
    ['secure', { key: '__Host-a', secure: false }, 'that is not secure'],
    ['domain', { key: '__Host-a', domain: 'example.com' }, 'leave it out'],
    ['path', { key: '__Host-a', path: '/x' }, 'set it to "/"'],
    ['httpOnly', { key: '__Http-a', httpOnly: false }, 'that scripts can read'],
  ])('that cannot work is refused, naming the option and the fix: %s', (option, policy, text) => {
    const error = refusal(policy);
    expect(error).toMatchObject({ option, code: 'ERR_SESSION_OPTION' });
    expect(error?.message).toContain(text);
  });
});
