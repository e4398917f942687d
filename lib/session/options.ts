import type { Context } from 'koa';
import type { StoreError } from '../errors.js';
import type { Awaitable } from './awaitable.js';
import type { SessionCodec } from './codec.js';
import { decode, encode } from './codec.js';
import type { Session } from './session.js';
import type { SessionRecord, SessionStore } from './store.js';

/**
 * Carries the id between client and server instead of a cookie: a header, say.
 *
 * @publicApi
 */
export interface ExternalKey {
  /** The id that the client sent; a falsy value when there is none. */
  get(ctx: Context): Awaitable<string | null | undefined>;
  /** Hands the id to the client. */
  set(ctx: Context, key: string): Awaitable<unknown>;
  /** Tells the client that its id is over. Default: `set(ctx, '')`. */
  remove?(ctx: Context): Awaitable<unknown>;
}

/**
 * A class whose instances are stores, made anew for every request.
 *
 * @publicApi
 */
export type ContextStoreClass = new (ctx: Context) => SessionStore;

/**
 * How an application goes on when its store fails.
 *
 * - `'fail'`: reading the session (or, on commit, the answer) is a 503 with `Retry-After`.
 * - `'anonymous'`: on load, the request goes on with an empty session that is never written; on
 *   commit, the answer goes out although the session was not written.
 *
 * @publicApi
 */
export type StoreErrorPolicy = 'fail' | 'anonymous';

/**
 * The options of {@link createSession}. All of koa-session 7 are here with koa-session's defaults;
 * each further option is off until it is set. `null` and `undefined` mean "not set".
 *
 * Options are read live from the object that was passed: a later change counts from the next
 * request on. The object itself is never written to.
 *
 * @publicApi
 */
export interface SessionOptions {
  /** The cookie's name. Default: `'koa.sess'`. */
  key?: string | null | undefined;
  /**
   * How long a session lives, in milliseconds, or `'session'`: until the browser is closed, with
   * no limit on the server. A record that was saved with another `maxAge` keeps its own.
   * Default: not set; the record then lives one day and the cookie ends with the browser.
   */
  maxAge?: number | 'session' | null | undefined;
  /** koa-session's old name of {@link maxAge}. @deprecated Use `maxAge`. */
  maxage?: number | 'session' | null | undefined;
  /** Write the session at the end of each request. `false`: only on request. Default: `true`. */
  autoCommit?: boolean | null | undefined;
  /** Replace a cookie of the same name in the same response. Default: `true`. */
  overwrite?: boolean | null | undefined;
  /** Keep the cookie from scripts. Default: `true`. */
  httpOnly?: boolean | null | undefined;
  /** Sign the cookie with `app.keys`, in a second cookie `<key>.sig`. Default: `true`. */
  signed?: boolean | null | undefined;
  /** Prolong the session on every response. Default: `false`. */
  rolling?: boolean | null | undefined;
  /** Prolong the session when less than half of its life is left. Default: `false`. */
  renew?: boolean | null | undefined;
  /** Send the cookie over HTTPS only. Default: not set; then as the connection is. */
  secure?: boolean | null | undefined;
  /** The cookie's `SameSite`: `'strict'`, `'lax'` or `'none'`. Default: not set. */
  sameSite?: string | null | undefined;
  /** The cookie's `Domain`. Default: not set; then the host itself. */
  domain?: string | null | undefined;
  /** The cookie's `Path`. Default: `'/'`. */
  path?: string | null | undefined;
  /** A fixed end of the cookie; `maxAge` goes before it. Default: not set. */
  expires?: Date | null | undefined;
  /** The cookie's `Priority`: `'low'`, `'medium'` or `'high'`. Default: not set. */
  priority?: string | null | undefined;
  /** Partition the cookie by top-level site (CHIPS). Default: `false`. */
  partitioned?: boolean | null | undefined;

  /** Carries the id by other means than a cookie. Default: not set. */
  externalKey?: ExternalKey | null | undefined;
  /** Where records live. Default: not set; then the cookie holds the session itself. */
  store?: SessionStore | null | undefined;
  /** A store class made anew for each request; goes before {@link store}. Default: not set. */
  ContextStore?: ContextStoreClass | null | undefined;

  /** Turns a record into the cookie's value. Default: base64 of JSON. */
  encode?: ((record: Record<string, unknown>) => Awaitable<string>) | null | undefined;
  /**
   * Turns a cookie's value into a record. A `SyntaxError` means "no session". A promise needs
   * `load: 'eager'` or `load: 'lazy'`. Default: the reverse of `encode`.
   */
  decode?: ((text: string) => Awaitable<unknown>) | null | undefined;
  /** Goes before `encode` and `decode`; `sealed()` makes one that encrypts. Default: not set. */
  codec?: SessionCodec | null | undefined;
  /** Makes an id. Default: a random UUID (version 4). */
  genid?: ((ctx: Context) => Awaitable<string>) | null | undefined;
  /** Goes before each id of the default `genid`. Default: not set. */
  prefix?: string | null | undefined;
  /** Whether a loaded record may be used. Default: not set; then always. */
  valid?: ((ctx: Context, record: SessionRecord) => unknown) | null | undefined;
  /** Called before a session is written; what it changes is written too. Default: not set. */
  beforeSave?: ((ctx: Context, session: Session) => unknown) | null | undefined;

  /**
   * The keys that sign cookies, newest first, when the application has no `app.keys` of its own.
   * Default: not set.
   */
  keys?: readonly (string | Buffer)[] | null | undefined;
  /**
   * When the session is loaded.
   * - `'eager'`: before the next middleware runs. The default with a store, as in koa-session.
   * - `'lazy'`: when somebody awaits it: `const session = await ctx.session`. Reading it before
   *   throws ERR_SESSION_NOT_LOADED. A request that never asks costs the store nothing.
   *
   * Default: `'eager'` with a store or an `async` hook `valid` or `decode`; otherwise on first
   * access, which is synchronous.
   */
  load?: 'eager' | 'lazy' | null | undefined;
  /**
   * The longest a store call may take, in milliseconds; then it fails with ERR_STORE_TIMEOUT.
   * `0`: no limit. Default: 10,000.
   */
  storeTimeout?: number | null | undefined;
  /**
   * How the application goes on when its store fails: a policy, or a function that picks one for
   * each request. Default: `'fail'`.
   */
  onStoreError?:
    | StoreErrorPolicy
    | ((error: StoreError, ctx: Context, step: 'load' | 'commit') => StoreErrorPolicy)
    | null
    | undefined;
  /**
   * Tell caches what they must know: `Vary: Cookie` on an answer that read the session, and
   * `Cache-Control: no-store` on one that sets its cookie, unless the application has set its own
   * (RFC 9111). Default: `true`.
   */
  cacheHeaders?: boolean | null | undefined;
  /**
   * How often a write that met a parallel write is merged and tried again before it fails with
   * ERR_SESSION_CONFLICT. Default: 64.
   */
  maxMergeAttempts?: number | null | undefined;
  /**
   * How long, in milliseconds, an id stays usable after `regenerate()` gave the session a new one,
   * so that requests on their way are not logged out. Needs a store that can compare and set.
   * A login (`session.login()`, `rotateOn`) never leaves the old id usable. Default: 0, not at all.
   */
  regenerateGrace?: number | null | undefined;
  /**
   * Whose meaning `session.regenerate(callback)` has; without a callback the data always stays.
   * - `'koa-session'`: the session gets a new id, and its data stays.
   * - `'express-session'`: the session ends, and an empty one under a new id takes its place as
   *   `ctx.session`. On this Passport builds `logIn()` and `logOut()`: who logs in brings no data
   *   of before along, and who logs out leaves none, unless `keepSessionInfo` asks for it.
   *
   * Default: `'koa-session'`; in `SessionModule`, `'express-session'`.
   */
  callbackStyle?: 'koa-session' | 'express-session' | null | undefined;

  /**
   * End a session that was not used for this long, in milliseconds, whatever its cookie says. Kept
   * on the server's side (in the record), and prolonged by each request that uses the session once
   * a twentieth of it has passed. Default: not set; then `maxAge` alone ends a record.
   */
  idleTimeout?: number | null | undefined;
  /**
   * End a session this long after it began (or after its last login), in milliseconds. Nothing
   * prolongs it: not `rolling`, a new id, a merge or a touch. Default: not set.
   */
  absoluteMaxAge?: number | null | undefined;
  /**
   * Give a session a new id when the one it has is older than this, in milliseconds. The old id
   * stays usable for `regenerateGrace`, or for 30 seconds when that is 0. Needs a store that can
   * compare and set. Default: not set.
   */
  renewEvery?: number | null | undefined;
  /**
   * Data keys that decide what a user may do, for instance `['userId', 'roles']`. Whenever one of
   * them changes, the session gets a new id, so that an id planted before a login is worth nothing
   * after it (session fixation). Default: not set.
   */
  rotateOn?: readonly string[] | null | undefined;
  /**
   * Whose session it is, for lists, limits and ending by owner; a falsy value for nobody's. A new
   * owner gives the session a new id. Needs a store that finds sessions by owner. Default: not set.
   */
  owner?: ((session: Session) => string | null | undefined) | null | undefined;
  /** How many sessions an owner may have at once. Needs `owner` or `login()`. Default: not set. */
  maxSessionsPerOwner?: number | null | undefined;
  /**
   * What happens beyond `maxSessionsPerOwner`: `'end-oldest'` ends the oldest session,
   * `'refuse-new'` fails the login with ERR_SESSION_LIMIT. Default: `'end-oldest'`.
   */
  onSessionLimit?: 'end-oldest' | 'refuse-new' | null | undefined;
  /**
   * Remember the device with each session, for its owner to recognise it: `true` for the user agent
   * and the address, or a function that gives other JSON data. Default: not set.
   */
  device?: boolean | ((ctx: Context) => Record<string, unknown>) | null | undefined;
  /**
   * Bind a session to something of the request, say its user agent: a request for which the text
   * differs from the one the session began with does not get the session (event
   * `session:refused`). Only a salted hash is kept. Default: not set.
   */
  binding?: ((ctx: Context) => string) | null | undefined;
  /**
   * Keep only a keyed hash of each id in the store, so that who reads the store cannot take over
   * a session. `key` has at least 32 bytes; `acceptPlain: true` still finds records under their
   * plain ids, for the time of a migration, and moves them when they are written next.
   * Default: not set.
   */
  hashIds?: { key: string | Buffer; acceptPlain?: boolean } | null | undefined;
  /**
   * Write into each record which id it belongs to, and take none that belongs to another: a store
   * that mixes its answers up then gives nobody the session of somebody else (event
   * `session:refused`, reason `wrong-record`). Records that say nothing are taken, so it can be
   * switched on at any time. Default: `false`.
   */
  verifyRecords?: boolean | null | undefined;
  /** Make ids of this many random bytes instead of a UUID, at least 16. Default: not set. */
  idBytes?: number | null | undefined;
  /**
   * Send `Clear-Site-Data` when a session is removed: `true` for cache, cookies and storage, or a
   * list of directives. Default: `false`.
   */
  clearSiteData?: boolean | readonly string[] | null | undefined;
  /**
   * Say at start-up, as a process warning, what the configuration leaves open: with
   * `NODE_ENV=development` only. Default: `true`.
   */
  notice?: boolean | null | undefined;
}

/**
 * Every default, in one place. An option that is not listed is not set by default.
 *
 * @publicApi
 */
export const DEFAULTS = Object.freeze({
  key: 'koa.sess',
  autoCommit: true,
  overwrite: true,
  httpOnly: true,
  signed: true,
  rolling: false,
  renew: false,
  encode,
  decode,
  storeTimeout: 10_000,
  onStoreError: 'fail',
  cacheHeaders: true,
  maxMergeAttempts: 64,
  regenerateGrace: 0,
  callbackStyle: 'koa-session',
  onSessionLimit: 'end-oldest',
  notice: true,
} satisfies SessionOptions);

/** `_maxAge` of a record when the option `maxAge` is not set: one day, as in koa-session. @internal */
export const DEFAULT_RECORD_MAX_AGE = 24 * 60 * 60 * 1000;

type Defaulted = keyof typeof DEFAULTS;

/**
 * Options with the defaults filled in and everything unset left out.
 *
 * @publicApi
 */
export type ResolvedSessionOptions = {
  readonly [Name in Exclude<keyof SessionOptions, Defaulted>]?: NonNullable<SessionOptions[Name]>;
} & { readonly [Name in Defaulted]: NonNullable<SessionOptions[Name]> };

/**
 * Defaults first, then whatever the caller set.
 *
 * @internal
 */
export function resolveOptions(options: SessionOptions): ResolvedSessionOptions {
  const resolved: Record<string, unknown> = { ...DEFAULTS };
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && value !== null) resolved[name] = value;
  }
  resolved.maxAge ??= resolved.maxage;
  delete resolved.maxage;
  if (resolved.maxAge === undefined) delete resolved.maxAge;
  // An object that something was deleted from stays slow to read; every request reads this one.
  return { ...resolved } as unknown as ResolvedSessionOptions;
}
