import type { Context } from 'koa';
import type { CookieAttributes, CookieRead, KnownGood } from './cookie.js';
import {
  MAX_COOKIE_BYTES,
  measureCookie,
  readCookie,
  readCookieValues,
  writeCookie,
} from './cookie.js';
import { SessionCommitError } from '../../errors.js';
import { emitFailure, emitFor } from '../events.js';
import type { Awaitable } from '../awaitable.js';
import type { ExternalKey, ResolvedSessionOptions } from '../options.js';

const EPOCH = new Date(0);

const CAME_IN_A_COOKIE: KnownGood = { content: undefined };

/**
 * The request as a carrier sees it: the context, the options that count for it, and its `maxAge`.
 *
 * @internal
 */
export interface CarrierHost {
  readonly ctx: Context;
  readonly options: ResolvedSessionOptions;
  readonly maxAge: number | 'session' | undefined;
}

/**
 * Reads what the session's cookie holds. A bad signature is the same as no cookie, and is told.
 *
 * @param signed whether a signature is required; `undefined` leaves it to the option `signed`.
 * @internal
 */
export function readSessionCookie(host: CarrierHost, signed?: boolean): CookieRead {
  const { ctx, options } = host;
  const read = readCookie(ctx, options.key, signed ?? options.signed, () => {
    // A signature that is renewed must not end before the cookie that it signs.
    const maxAge = typeof host.maxAge === 'number' ? host.maxAge : undefined;
    return cookieAttributes(host, signed, maxAge);
  });
  if (read.duplicates) {
    emitFor(host, 'session:refused', { reason: 'duplicate-cookie' });
  }
  if (read.outcome === 'bad-signature' || read.outcome === 'unsigned') {
    emitFor(host, 'session:refused', { reason: 'bad-signature' });
  }
  return read;
}

/**
 * Every cookie of the session's name that the client sent, unverified: for a codec that tells its
 * own from a planted one.
 *
 * @internal
 */
export function readSessionCookies(host: CarrierHost): readonly string[] {
  const { ctx, options } = host;
  const values = readCookieValues(ctx, options.key);
  if (values.length > 1) {
    emitFor(host, 'session:refused', { reason: 'duplicate-cookie' });
  }
  return values;
}

/**
 * Sends the session's cookie.
 *
 * @param maxAge how long the browser keeps it, milliseconds; `undefined`: until it is closed.
 * @param signed whether it is signed; `undefined` leaves it to the option `signed`.
 * @param known where the value is known to be good.
 * @throws SessionCommitError ERR_SESSION_COOKIE_TOO_LARGE when a browser would drop it.
 * @internal
 */
export function writeSessionCookie(
  host: CarrierHost,
  value: string,
  maxAge: number | undefined,
  signed?: boolean,
  known?: KnownGood,
): void {
  const { ctx, options } = host;
  if (measureCookie(options.key, value) > MAX_COOKIE_BYTES) {
    const error = new SessionCommitError(
      'ERR_SESSION_COOKIE_TOO_LARGE',
      `the session cookie is larger than the ${MAX_COOKIE_BYTES} bytes that browsers keep: hold less in the session, or set "store"`,
    );
    emitFailure(host, 'cookie-too-large', error);
    throw error;
  }
  const attributes = cookieAttributes(host, signed, maxAge);
  writeCookie(ctx, options.key, value, attributes, known);
}

/** Tells the browser to drop the session's cookie. @internal */
export function removeSessionCookie(host: CarrierHost, signed?: boolean): void {
  const { ctx, options } = host;
  writeCookie(ctx, options.key, '', {
    ...cookieAttributes(host, signed),
    expires: EPOCH,
    maxAge: false,
  });
}

/** Tells the browser to drop the signature of a cookie that no longer has one. @internal */
export function removeSignature(host: CarrierHost): void {
  const { ctx, options } = host;
  writeCookie(ctx, `${options.key}.sig`, '', cookieAttributes(host, false));
}

/**
 * Carries the id of a stored session: in the session's cookie, or by the application's own means.
 *
 * @internal
 */
export class IdCarrier {
  readonly #host: CarrierHost;
  /** The id that the client has; empty once it was told that its id is over. */
  #held: string | undefined;
  /** What the client's cookie holds: it can be sent in one as well. */
  #received: string | undefined;

  constructor(host: CarrierHost) {
    this.#host = host;
  }

  get #external(): ExternalKey | undefined {
    return this.#host.options.externalKey;
  }

  read(): Awaitable<string | null | undefined> {
    if (this.#external) return this.#external.get(this.#host.ctx);
    return (this.#received = readSessionCookie(this.#host).value);
  }

  /** The client's `id` is this request's: it need not be told again, unless it was told another. */
  adopt(id: string): void {
    this.#held ??= id;
  }

  /**
   * Hands `id` to the client, unless the headers have left: then only an event says so. Where it
   * takes the place of another and `overwrite` is off, the answer shows the old cookie's removal
   * first, as in koa-session.
   */
  write(id: string, maxAge: number | undefined, replaces = false): Awaitable<unknown> {
    const { ctx } = this.#host;
    if (ctx.res.headersSent) {
      if (this.#held !== id) this.#tooLate();
      return;
    }
    const known = this.#received === id ? CAME_IN_A_COOKIE : undefined;
    this.#held = id;
    if (this.#external) return this.#external.set(ctx, id);
    if (replaces && !this.#host.options.overwrite) removeSessionCookie(this.#host);
    writeSessionCookie(this.#host, id, maxAge, undefined, known);
  }

  /** Tells the client that its id is over. */
  remove(): Awaitable<unknown> {
    const { ctx } = this.#host;
    if (ctx.res.headersSent) {
      if (this.#held !== '') this.#tooLate();
      return;
    }
    this.#held = '';
    if (this.#external?.remove) return this.#external.remove(ctx);
    if (this.#external) return this.#external.set(ctx, '');
    removeSessionCookie(this.#host);
  }

  #tooLate(): void {
    emitFor(this.#host, 'session:failed', { reason: 'headers-sent' });
  }
}

function cookieAttributes(
  { options }: CarrierHost,
  signed: boolean | undefined,
  maxAge?: number,
): CookieAttributes {
  const attributes: CookieAttributes = {
    maxAge,
    signed: signed ?? options.signed,
    overwrite: options.overwrite,
    httpOnly: options.httpOnly,
  };
  if (options.path !== undefined) attributes.path = options.path;
  if (options.expires !== undefined) attributes.expires = options.expires;
  if (options.domain !== undefined) attributes.domain = options.domain;
  if (options.priority !== undefined) attributes.priority = options.priority;
  if (options.sameSite !== undefined) attributes.sameSite = options.sameSite;
  if (options.secure !== undefined) attributes.secure = options.secure;
  if (options.partitioned !== undefined) attributes.partitioned = options.partitioned;
  // An old option of `cookies` that koa-session hands on: what its users set must keep counting.
  if ('secureProxy' in options) attributes.secureProxy = Boolean(options.secureProxy);
  return attributes;
}
