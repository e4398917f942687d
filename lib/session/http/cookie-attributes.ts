/**
 * A cookie's attributes, by the names that `ctx.cookies.set` gives them.
 *
 * @publicApi
 */
export interface CookieAttributes {
  /** Default: `'/'`. */
  path?: string | undefined;
  /** Default: the host that set the cookie, and none below it. */
  domain?: string | undefined;
  /** When the cookie ends. `maxAge` is stronger. Default: with the browser's session. */
  expires?: Date | undefined;
  /** In how many milliseconds the cookie ends; sent as `expires`. Default: see `expires`. */
  maxAge?: number | false | null | undefined;
  /** Whether scripts in the page are kept from the cookie. Default: `true`. */
  httpOnly?: boolean | undefined;
  /** Whether the cookie travels over HTTPS only. Default: whether the request came over HTTPS. */
  secure?: boolean | undefined;
  /** As `secure`, without a look at the request. `cookies` deprecates it and so does this. */
  secureProxy?: boolean | undefined;
  /** Default: `false`, no attribute is sent. `true` means `'strict'`. */
  sameSite?: boolean | string | undefined;
  /** Which cookies a full browser drops last: `'low'`, `'medium'` or `'high'`. Default: none. */
  priority?: string | undefined;
  /** Whether the cookie is kept apart for each top-level site (CHIPS). Default: `false`. */
  partitioned?: boolean | undefined;
  /** Whether this cookie replaces one of its name in the same answer. Default: `false`. */
  overwrite?: boolean | undefined;
  /** Whether a `.sig` cookie goes with it. Default: whether the application has keys. */
  signed?: boolean | undefined;
}

// What a header field may hold (RFC 9110 section 5.5), with ";" and "=" taken out where they
// would end a name or a value. `cookies` checks the same in two steps.
const isName = tester(/^[\t\x20-\x3a\x3c\x3e-\x7e\x80-\xff]+$/);
const VALUE = /^[\t\x20-\x3a\x3c-\x7e\x80-\xff]+$/;
const isPath = tester(/^[ -:=-~]*$/);
const DOMAIN =
  /^(?:\.?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const PRIORITY = /^(?:low|medium|high)$/i;
const SAME_SITE = /^(?:lax|none|strict)$/i;

/** For texts that hardly ever change: the last one that was right is not looked through again. */
function tester(pattern: RegExp): (text: string) => boolean {
  let last: string | undefined;
  return (text) => {
    if (text === last) return true;
    if (!pattern.test(text)) return false;
    last = text;
    return true;
  };
}

/**
 * Throws what `cookies` 0.9 throws for a cookie that no header can carry, in its words and order.
 *
 * @param isGood whether that is known of the value: then it need not be looked through.
 * @throws TypeError `argument name is invalid`, `option path is invalid` and so on.
 * @internal
 */
export function assertCookie(
  name: string,
  value: string,
  attributes: CookieAttributes,
  isGood = false,
): void {
  const { path, domain, maxAge, priority, sameSite } = attributes;
  if (!isName(name)) throw new TypeError('argument name is invalid');
  if (value && !isGood && !VALUE.test(value)) throw new TypeError('argument value is invalid');
  if (path && !isPath(path)) throw new TypeError('option path is invalid');
  if (domain && !DOMAIN.test(domain)) throw new TypeError('option domain is invalid');
  // A cookie without a value is a removal, which has an end of its own.
  if (value && (typeof maxAge === 'number' ? !Number.isFinite(maxAge) : maxAge)) {
    throw new TypeError('option maxAge is invalid');
  }
  if (priority && !PRIORITY.test(priority)) throw new TypeError('option priority is invalid');
  if (sameSite && sameSite !== true && !SAME_SITE.test(sameSite)) {
    throw new TypeError('option sameSite is invalid');
  }
}

const EPOCH = 'Thu, 01 Jan 1970 00:00:00 GMT';
let lastSecond = NaN;
let lastDate = '';

/** A date as cookies write it. Most sessions of one second end in one second. */
function dateText(time: number): string {
  const second = Math.floor(time / 1000);
  if (second !== lastSecond) {
    lastDate = new Date(time).toUTCString();
    lastSecond = second;
  }
  return lastDate;
}

/**
 * The part of a `Set-Cookie` header behind the value, as `cookies` 0.9 writes it: path, expires,
 * domain, priority, samesite, secure, httponly, partitioned.
 *
 * @internal
 */
export function attributesText(
  attributes: CookieAttributes,
  isRemoval: boolean,
  isSecure: boolean,
): string {
  const { domain, priority, sameSite, partitioned } = attributes;
  const path = 'path' in attributes ? attributes.path : '/';
  let text = path ? `; path=${path}` : '';
  if (isRemoval) text += `; expires=${EPOCH}`;
  else if (attributes.maxAge) text += `; expires=${dateText(Date.now() + attributes.maxAge)}`;
  else if (attributes.expires) text += `; expires=${attributes.expires.toUTCString()}`;
  if (domain) text += `; domain=${domain}`;
  if (priority) text += `; priority=${priority.toLowerCase()}`;
  if (sameSite) text += `; samesite=${sameSite === true ? 'strict' : sameSite.toLowerCase()}`;
  if (isSecure) text += '; secure';
  if (!('httpOnly' in attributes) || attributes.httpOnly) text += '; httponly';
  if (partitioned) text += '; partitioned';
  return text;
}
