import { SessionOptionsError, typeName } from '../../errors.js';
import { assertCookie } from './cookie-attributes.js';
import { MAX_COOKIE_BYTES } from './cookie.js';

/** The session options that a browser sees. `undefined` and `null` mean 'not set'. */
export interface CookiePolicy {
  /** The cookie's name. */
  key: string;
  maxAge?: unknown;
  expires?: unknown;
  path?: unknown;
  domain?: unknown;
  secure?: unknown;
  secureProxy?: unknown;
  httpOnly?: unknown;
  sameSite?: unknown;
  priority?: unknown;
  partitioned?: unknown;
}

/** Browsers ignore a longer attribute (RFC 6265bis section 5.6). */
const MAX_ATTRIBUTE_BYTES = 1_024;
/** Room for an id or a small session beside the name, and for the name's `.sig`. */
const MIN_VALUE_BYTES = 64;
/** The years that a date in a cookie can have (RFC 6265bis section 5.1.1). */
const MIN_TIME = Date.UTC(1601, 0, 1);
const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * Refuses, when the application starts, a cookie that no header can carry (each request would end
 * in a 500) or that browsers drop or change without a word. What only some requests meet, such as
 * `secure` unset and a request over plain HTTP, passes, as in koa-session.
 *
 * @throws SessionOptionsError ERR_SESSION_OPTION naming the option and the rule it breaks.
 * @see RFC 6265bis sections 4.1.3, 5.6 and 5.7
 * @internal
 */
export function checkCookiePolicy(policy: CookiePolicy): void {
  const { key } = policy;
  checkName(key);
  checkText('path', policy.path);
  checkText('domain', policy.domain);
  checkPath(policy.path);
  checkHeader('domain', policy.domain, 'a host name such as "example.com"');
  checkHeader('priority', policy.priority, '"low", "medium" or "high"');
  checkHeader('sameSite', policy.sameSite, '"strict", "lax" or "none"');
  checkTimes(policy);
  checkPrefix(key, policy);
  if (isNotSecure(policy)) {
    if (typeof policy.sameSite === 'string' && policy.sameSite.toLowerCase() === 'none') {
      throw refused(
        'sameSite',
        'browsers drop a cookie with "sameSite" none that is not secure',
        SECURE,
      );
    }
    if (policy.partitioned) {
      throw refused('partitioned', 'browsers drop a partitioned cookie that is not secure', SECURE);
    }
  }
}

const SECURE = 'set "secure" to true';

function checkName(key: string): void {
  try {
    assertCookie(key, '', {});
  } catch {
    throw refused(
      'key',
      'it cannot be the name of a cookie',
      'take letters, digits, "-", "_" and "."',
    );
  }
  // A browser trims the name, and sends the cookie back under another one.
  if (/^[\t ]|[\t ]$/.test(key)) {
    throw refused('key', 'browsers take the space around it away', 'leave the space out');
  }
  if (key.length + MIN_VALUE_BYTES > MAX_COOKIE_BYTES) {
    throw refused('key', 'browsers keep 4,096 bytes of name and value', 'take a short name');
  }
}

/** What `cookies` would throw a `TypeError` for at each request. */
function checkHeader(
  option: 'path' | 'domain' | 'priority' | 'sameSite',
  value: unknown,
  expected: string,
): void {
  if (value === undefined || value === null) return;
  try {
    assertCookie('a', '', { [option]: value });
    // An object would pass by its text, and then fail where its text is wanted in lower case.
    if (typeof value === 'string' || typeof value === 'boolean') return;
  } catch {
    // Refused below, in our words.
  }
  throw new SessionOptionsError(
    option,
    `"${option}" must be ${expected}, received ${typeName(value)} that is none`,
  );
}

function checkText(option: 'path' | 'domain', value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value !== 'string') {
    throw new SessionOptionsError(
      option,
      `"${option}" must be a string, received ${typeName(value)}; leave it out for the default`,
    );
  }
  if (value.length > MAX_ATTRIBUTE_BYTES) {
    throw refused(option, 'browsers ignore an attribute of more than 1,024 bytes', 'shorten it');
  }
}

function checkPath(path: unknown): void {
  checkHeader('path', path, 'a path such as "/", in ASCII and without ";"');
  // The empty path sends no attribute; the browser then takes the folder of the request.
  if (typeof path !== 'string' || path === '') return;
  if (!path.startsWith('/') || path.endsWith(' ')) {
    throw refused(
      'path',
      'browsers ignore or change it',
      'begin it with "/" and end it without a space',
    );
  }
}

function checkTimes({ maxAge, expires }: CookiePolicy): void {
  if (typeof maxAge === 'number') {
    if (!Number.isFinite(maxAge)) {
      throw refused('maxAge', `${maxAge} is no time`, 'set milliseconds, or "session"');
    }
    checkTime('maxAge', Date.now() + maxAge);
  }
  if (expires === undefined || expires === null) return;
  if (!(expires instanceof Date) || Number.isNaN(expires.getTime())) {
    throw new SessionOptionsError(
      'expires',
      `"expires" must be a valid Date, received ${typeName(expires)}`,
    );
  }
  checkTime('expires', expires.getTime());
}

function checkTime(option: string, time: number): void {
  if (time >= MIN_TIME && time <= MAX_TIME) return;
  throw refused(
    option,
    'a date in a cookie has a year from 1601 to 9999, and browsers ignore any other',
    'set a time within 400 days, the longest that browsers keep a cookie',
  );
}

/** Browsers compare the prefixes without regard to case. */
function checkPrefix(key: string, policy: CookiePolicy): void {
  const [prefix] = /^__(?:secure-|host-http-|host-|http-)/i.exec(key) ?? [];
  if (prefix === undefined) return;
  const kind = prefix.toLowerCase();
  const rule = `browsers drop a cookie named "${prefix}..."`;
  if (isNotSecure(policy)) throw refused('secure', `${rule} that is not secure`, SECURE);
  if (kind.includes('http-') && isSet(policy.httpOnly) && !policy.httpOnly) {
    throw refused('httpOnly', `${rule} that scripts can read`, 'set "httpOnly" to true');
  }
  if (!kind.startsWith('__host-')) return;
  if (isSet(policy.path) && policy.path !== '/') {
    throw refused('path', `${rule} with a path of its own`, 'leave it out, or set it to "/"');
  }
  if (policy.domain) throw refused('domain', `${rule} with a domain`, 'leave it out');
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Unset means secure over HTTPS, which is where such a cookie works. */
function isNotSecure({ secure, secureProxy }: CookiePolicy): boolean {
  const stated = isSet(secureProxy) ? secureProxy : secure;
  return isSet(stated) && !stated;
}

function refused(option: string, reason: string, fix: string): SessionOptionsError {
  return new SessionOptionsError(option, `"${option}" cannot be used: ${reason}; ${fix}`);
}
