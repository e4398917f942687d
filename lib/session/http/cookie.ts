import { OutgoingMessage } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { assertCookie, attributesText } from './cookie-attributes.js';
import type { CookieAttributes } from './cookie-attributes.js';
import { cookiesOf } from './koa-cookies.js';
import { sign, signerOf, verify } from '../crypto/signature.js';
import type { KnownText } from '../crypto/known-texts.js';
import type { CookieSigner } from '../crypto/signature.js';

export type { CookieAttributes } from './cookie-attributes.js';

/**
 * The most bytes of name and value that a browser keeps (RFC 6265bis section 5.6). A larger cookie
 * is dropped by it without a word.
 *
 * @publicApi
 */
export const MAX_COOKIE_BYTES = 4_096;

/**
 * How many cookies of one name are looked at. A browser sends several when a sibling domain or
 * another path set one too; more than a few is an attack.
 *
 * @internal
 */
export const MAX_SAME_NAME = 4;

/**
 * What reading a cookie gave.
 *
 * - `'value'`: the cookie is there (its value may be empty), and its signature is right if one was
 *   asked for;
 * - `'absent'`: the client sent no such cookie;
 * - `'unsigned'`: a signature was asked for and the client sent none;
 * - `'bad-signature'`: the signature is none of ours, and the client was told to drop it.
 *
 * `duplicates` tells whether the client sent several cookies of that name.
 *
 * @internal
 */
export type CookieRead =
  | {
      readonly outcome: 'value';
      readonly value: string;
      readonly duplicates: boolean;
      /** Where to note what came of the value; `undefined` where that is not remembered. */
      readonly known: KnownText | undefined;
    }
  | {
      readonly outcome: 'absent' | 'unsigned' | 'bad-signature';
      readonly value: undefined;
      readonly duplicates: boolean;
      readonly known: undefined;
    };

type NoValue = Exclude<CookieRead['outcome'], 'value'>;

function noValue(outcome: NoValue, duplicates: boolean): CookieRead {
  return Object.freeze({ outcome, value: undefined, duplicates, known: undefined });
}

// Most requests without a session end here; they share one answer.
const ABSENT = noValue('absent', false);

/** What a `Cookie` header has of one name, in the order sent, at most {@link MAX_SAME_NAME} each. */
interface Sent {
  /** `name=value`: what is signed. */
  pairs: readonly string[];
  /** The values of the cookies `name.sig`. */
  signatures: readonly string[];
}

const NONE: readonly string[] = [];
const SIGNATURE = '.sig';

function cookiesIn(header: string, name: string): Sent {
  const sent: Sent = { pairs: NONE, signatures: NONE };
  for (let end = 0; end < header.length; end++) {
    const at = header.indexOf(name, end);
    if (at === -1) break;
    end = at + name.length;
    if (!isStart(header, at)) continue;
    const isSignature = header.startsWith(SIGNATURE, end);
    const equals = end + (isSignature ? SIGNATURE.length : 0);
    if (header.charCodeAt(equals) !== 0x3d /* = */) continue;
    end = header.indexOf(';', equals);
    if (end === -1) end = header.length;
    if (isSignature) {
      sent.signatures = withOne(sent.signatures, valueIn(header, equals + 1, end));
    } else {
      sent.pairs = withOne(sent.pairs, pairIn(header, at, equals + 1, end));
    }
  }
  return sent;
}

/** Whether a cookie begins here. */
function isStart(header: string, at: number): boolean {
  let start = at;
  // Only spaces may stand before a name: a trimmed no-break space would make a planted
  // cookie look like one with a `__Host-` name (CVE-2026-39410).
  while (start > 0 && header.charCodeAt(start - 1) === 0x20 /* SP */) start--;
  return start === 0 || header[start - 1] === ';';
}

/** Most lists end with their first value: an array that grows takes room for 17. */
function withOne(list: readonly string[], value: string): readonly string[] {
  if (list.length === 0) return [value];
  return list.length < MAX_SAME_NAME ? [...list, value] : list;
}

function valueIn(header: string, start: number, end: number): string {
  const value = header.slice(start, end);
  return value.charCodeAt(0) === 0x22 /* " */ ? value.slice(1, -1) : value;
}

/** As the header has it, unless the value is in quotes: nothing is put together anew. */
function pairIn(header: string, at: number, start: number, end: number): string {
  return header.charCodeAt(start) === 0x22 /* " */
    ? header.slice(at, start) + valueIn(header, start, end)
    : header.slice(at, end);
}

function valueOf(pair: string, name: string): string {
  return pair.slice(name.length + 1);
}

/** What this request's cookies are signed with; `'ask-koa'` when only `ctx.cookies` can tell. */
function signerFor(
  ctx: Context,
  cookies: ReturnType<typeof cookiesOf>,
): CookieSigner | undefined | 'ask-koa' {
  if (cookies === 'replaced') return 'ask-koa';
  const keys: unknown =
    cookies === 'untouched' ? ctx.app.keys : (cookies as { keys?: unknown }).keys;
  const signer = signerOf(keys);
  return signer === 'unusual' ? 'ask-koa' : signer;
}

/** Whether the request came over HTTPS, in the application's eyes. */
function isRequestSecure(ctx: Context, cookies = cookiesOf(ctx)): boolean {
  return typeof cookies === 'object' ? cookies.secure : Boolean(ctx.request.secure);
}

// `cookies` copies every option onto the cookie, also `name` and `value`.
function withoutHijack(attributes: CookieAttributes): CookieAttributes {
  if (!('name' in attributes) && !('value' in attributes)) return attributes;
  const { name: _name, value: _value, ...rest } = attributes as Record<string, unknown>;
  return rest;
}

function readThroughKoa(ctx: Context, name: string, attributes: CookieAttributes): CookieRead {
  const value = ctx.cookies.get(name, withoutHijack(attributes) as { signed: boolean });
  return value === undefined || value === null
    ? ABSENT
    : { outcome: 'value', value, duplicates: false, known: undefined };
}

function missingKeys(): Error {
  return new Error('.keys required for signed cookies');
}

/**
 * Reads a cookie as `ctx.cookies.get(name, attributes)` does, without making a `Cookies` object.
 *
 * What differs from `cookies` 0.9, on purpose:
 * - when the client sent several cookies of that name, each (at most four) is tried with each
 *   signature, so that a cookie planted by a sibling domain locks nobody out;
 * - a signature renewed because an older key made it keeps the attributes of the session's cookie,
 *   where `cookies` sends it without.
 *
 * An application that replaced `ctx.cookies` is asked through its own.
 *
 * @param signed whether a signature is asked for; `undefined`: where the application has keys.
 * @param attributes those that a renewed signature gets; made only when somebody needs them.
 * @throws Error `.keys required for signed cookies`, as `cookies` does.
 * @internal
 */
export function readCookie(
  ctx: Context,
  name: string,
  signed: boolean | undefined,
  attributes: () => CookieAttributes,
): CookieRead {
  const signer = signerFor(ctx, cookiesOf(ctx));
  if (signer === 'ask-koa') return readThroughKoa(ctx, name, attributes());
  const header = ctx.req.headers.cookie;
  if (!header) return ABSENT;
  const sent = cookiesIn(header, name);
  const pair = sent.pairs[0];
  if (pair === undefined) return ABSENT;
  if (signed ?? signer !== undefined) return readSigned(ctx, name, signer, sent, attributes);
  const duplicates = sent.pairs.length > 1;
  return { outcome: 'value', value: valueOf(pair, name), duplicates, known: undefined };
}

function readSigned(
  ctx: Context,
  name: string,
  signer: CookieSigner | undefined,
  { pairs, signatures }: Sent,
  attributes: () => CookieAttributes,
): CookieRead {
  const duplicates = pairs.length > 1;
  const signatureName = `${name}${SIGNATURE}`;
  if (!signatures[0]) return noValue('unsigned', duplicates);
  if (signer === undefined) throw missingKeys();
  for (const pair of pairs) {
    for (const signature of signatures) {
      const verified = verify(signer, pair, signature);
      if (verified === undefined) continue;
      if (verified.index > 0) {
        renewSignature(ctx, signatureName, signer.sign(pair), attributes());
      }
      return { outcome: 'value', value: valueOf(pair, name), duplicates, known: verified.known };
    }
  }
  append(ctx.res, [`${signatureName}=${attributesText({}, true, isRequestSecure(ctx))}`], false);
  return noValue('bad-signature', duplicates);
}

function renewSignature(
  ctx: Context,
  name: string,
  signature: string,
  attributes: CookieAttributes,
): void {
  const overHttps = isRequestSecure(ctx);
  // A browser takes no Secure cookie over plain HTTP, and reading must not fail for it.
  if (attributes.secure && !overHttps) return;
  assertCookie(name, signature, attributes);
  const tail = attributesText(attributes, false, isSecure(attributes, overHttps));
  append(ctx.res, [`${name}=${signature}${tail}`], attributes.overwrite);
}

/**
 * The values of all cookies `name` that the client sent, at most four, in the order sent: for a
 * codec that authenticates values by itself, and so can tell its own from a planted one.
 *
 * @internal
 */
export function readCookieValues(ctx: Context, name: string): readonly string[] {
  const header = ctx.req.headers.cookie;
  if (cookiesOf(ctx) === 'replaced') {
    const value = ctx.cookies.get(name, { signed: false });
    return value ? [value] : [];
  }
  return header ? cookiesIn(header, name).pairs.map((pair) => valueOf(pair, name)) : [];
}

/**
 * What is known of a value that need not be looked through: it is base64 that was made here, or has
 * been in a cookie before.
 *
 * @internal
 */
export interface KnownGood {
  /** What is to be noted beside the text, for whoever reads it ({@link CookieRead}). */
  readonly content: unknown;
}

/**
 * Sends a cookie, and its `.sig` cookie when signed, as `ctx.cookies.set(name, value, attributes)`
 * does: the same bytes, the same replacing of cookies of that name in the same answer, the same
 * errors. No value (`null`, `''`) removes the cookie.
 *
 * Only the attributes of {@link CookieAttributes} count; `cookies` would let an option called
 * `name` or `value` rewrite the cookie.
 *
 * @param known where the value is known to be good.
 * @throws TypeError `argument value is invalid`, `option maxAge is invalid` and so on.
 * @throws Error `Cannot send secure cookie over unencrypted connection`, `.keys required for
 * signed cookies`.
 * @internal
 */
export function writeCookie(
  ctx: Context,
  name: string,
  value: string | null,
  attributes: CookieAttributes,
  known?: KnownGood,
): void {
  const cookies = cookiesOf(ctx);
  const signer = signerFor(ctx, cookies);
  if (signer === 'ask-koa') {
    ctx.cookies.set(name, value, withoutHijack(attributes) as object);
    return;
  }
  const text = value || '';
  assertCookie(name, text, attributes, known !== undefined);
  const overHttps = isRequestSecure(ctx, cookies);
  if (!overHttps && attributes.secure) {
    throw new Error('Cannot send secure cookie over unencrypted connection');
  }
  const data = `${name}=${text}`;
  const tail = attributesText(attributes, text === '', isSecure(attributes, overHttps));
  const cookie = data + tail;
  const signed = attributes.signed === undefined ? signer !== undefined : attributes.signed;
  if (!signed) {
    append(ctx.res, [cookie], attributes.overwrite);
    return;
  }
  if (signer === undefined) throw missingKeys();
  append(
    ctx.res,
    [cookie, `${name}.sig=${sign(signer, data, known?.content)}${tail}`],
    attributes.overwrite,
  );
}

function isSecure(attributes: CookieAttributes, overHttps: boolean): boolean {
  if ('secureProxy' in attributes) return Boolean(attributes.secureProxy);
  return attributes.secure === undefined ? overHttps : Boolean(attributes.secure);
}

const NODES_SET_HEADER = OutgoingMessage.prototype.setHeader;

/** Adds cookies to the answer; with `overwrite`, after those of the same names are taken out. */
function append(res: ServerResponse, cookies: string[], overwrite: boolean | undefined): void {
  const sent = res.getHeader('set-cookie') as string | string[] | undefined;
  const second = cookies[1];
  if (!sent && second !== undefined && res.setHeader === NODES_SET_HEADER) {
    // Node joins an array to look through it, which costs more than the second call; but whoever
    // has wrapped the method is to see both.
    res.setHeader('Set-Cookie', cookies[0] as string);
    res.appendHeader('Set-Cookie', second);
    return;
  }
  let all = cookies;
  if (sent) {
    const earlier = typeof sent === 'string' ? [sent] : sent;
    const kept = overwrite ? withoutNamesOf(cookies, earlier) : earlier;
    all = [...kept, ...cookies];
  }
  // As in `cookies`: a response with `set` is Express's, whose `setHeader` may be wrapped.
  if ('set' in res && res.set) OutgoingMessage.prototype.setHeader.call(res, 'Set-Cookie', all);
  else res.setHeader('Set-Cookie', all);
}

function withoutNamesOf(cookies: string[], earlier: string[]): string[] {
  const starts = cookies.map((cookie) => cookie.slice(0, cookie.indexOf('=') + 1));
  return earlier.filter((cookie) => !starts.some((start) => cookie.startsWith(start)));
}

/**
 * How many bytes of a cookie count towards {@link MAX_COOKIE_BYTES}: those of its name and its
 * value. Header fields are sent as Latin-1, one byte a character.
 *
 * @internal
 */
export function measureCookie(name: string, value: string): number {
  return name.length + value.length;
}
