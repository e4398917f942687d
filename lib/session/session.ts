import { inspect } from 'node:util';
import type { Marks } from './rules/marks.js';
import { isMaxAge } from './rules/max-age.js';
import type { SessionData } from './session-data.js';

/**
 * What a session shows of itself beside its data, and lets a handler set.
 *
 * @internal
 */
export interface SessionSettings {
  maxAge: number | 'session' | undefined;
  expire: number | undefined;
  requireSave: boolean;
  requireTouch: boolean;
  readonly externalKey: string | undefined;
  readonly marks: Marks;
  /** The key under which the store has the session's record, if it has one. */
  readonly storeKey: string | undefined;
  /** A random text that only this session has, made on the first ask if `make` says so. */
  csrfBinding(make: boolean): string | undefined;
  refuse(reason: 'reserved-key'): void;
}

/**
 * What a session needs of the request it belongs to.
 *
 * @internal
 */
export interface SessionHost {
  readonly state: SessionSettings;
  commit(options?: { save?: boolean; regenerate?: boolean }): Promise<void>;
  update(change: (draft: Record<string, unknown>) => unknown): Promise<void>;
  destroy(): Promise<void>;
  regenerate(calledBack: boolean): Promise<void>;
  reload(): Promise<void>;
  login(owner?: string): Promise<void>;
  logout(): Promise<void>;
}

/** The callback style of koa-session, express-session and Passport. @publicApi */
export type SessionCallback = (error?: Error) => void;

/** The request that a session belongs to, whatever its data hides. @internal */
export let hostOf: (session: Session) => SessionHost | undefined;

/**
 * Names that can never be data: koa-session's own members. `__proto__` is among them so that no
 * data can reach a prototype.
 *
 * @publicApi
 */
export const RESERVED_KEYS: ReadonlySet<string> = new Set([
  'isNew',
  'length',
  'populated',
  'externalKey',
  'maxAge',
  'toJSON',
  'save',
  'regenerate',
  'manuallyCommit',
  'commit',
  '__proto__',
]);

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- the data keys are own properties of the object, typed by the application
export interface Session extends Partial<SessionData> {}

/**
 * What a handler holds as `ctx.session`: the application's data as plain properties, and a few
 * members that act on the session itself.
 *
 * A key that begins with `_`, a function and an `undefined` value are never stored, as in
 * koa-session. The names of koa-session's own members ({@link RESERVED_KEYS}) cannot be data: they
 * are dropped with the event `session:refused`, so that no key a client chooses can reach the
 * engine. Every other name is plain data, also `constructor`, and also the names of the members
 * this package adds (`update`, `destroy`, `reload`, ...): there the data hides the method.
 *
 * @publicApi
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- see above
export class Session {
  readonly #context: SessionHost;
  readonly #isNew: boolean;

  /** @internal */
  constructor(context: SessionHost, isNew: boolean) {
    this.#context = context;
    this.#isNew = isNew;
  }

  /** Whether this session was not there before this request. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** How many data keys the session holds; keys whose value is `undefined` count. */
  get length(): number {
    return Object.keys(dataOf(this)).length;
  }

  /** Whether the session holds any data. */
  get populated(): boolean {
    return this.length > 0;
  }

  /**
   * How long the session lives from its next save on: milliseconds, `'session'`, or `undefined`
   * when it is new and the option `maxAge` is not set. Setting it saves the session; what is no
   * lifetime is dropped with the event `session:refused`, since a client may have chosen the name.
   */
  get maxAge(): number | 'session' | undefined {
    return this.#context.state.maxAge;
  }

  set maxAge(value: number | 'session' | undefined) {
    if (!isMaxAge(value)) {
      this.#context.state.refuse('reserved-key');
      return;
    }
    this.#context.state.maxAge = value;
    this.#context.state.requireSave = true;
  }

  /** The id under which the store keeps the session; `undefined` in cookie mode. */
  get externalKey(): string | undefined {
    return this.#context.state.externalKey;
  }

  /** When the record expires, epoch milliseconds, as it was loaded. */
  get _expire(): number | undefined {
    return this.#context.state.expire;
  }

  set _expire(value: number | undefined) {
    this.#context.state.expire = value;
  }

  /** Whether the session is written at the end of the request even if nothing changed. */
  get _requireSave(): boolean {
    return this.#context.state.requireSave;
  }

  set _requireSave(value: boolean) {
    this.#context.state.requireSave = value;
  }

  /** The data alone, as a plain object; nested values are shared with the session. */
  toJSON(): Partial<SessionData> {
    return dataOf(this) as Partial<SessionData>;
  }

  /** Makes `console.log(ctx.session)` show the data alone. */
  [inspect.custom](): Partial<SessionData> {
    return this.toJSON();
  }

  /**
   * Writes the session now, even if it is empty or unchanged.
   *
   * @throws StoreError when the store fails; SessionCommitError when the cookie grows too large.
   */
  save(): Promise<void>;
  save(callback: SessionCallback): void;
  save(callback?: SessionCallback): Promise<void> | void {
    return settle(this.#context.commit({ save: true }), callback);
  }

  /**
   * Gives the session a new id and writes it now; the data stays. In cookie mode there is no id,
   * and the cookie is written anew.
   *
   * The new record is written before the old one ends. With the option `regenerateGrace` the old
   * id leads to the new session for a while.
   *
   * Where the option `callbackStyle` is `'express-session'`, a call with a callback ends the session
   * instead, and `ctx.session` is an empty new one when the callback is called.
   */
  regenerate(): Promise<void>;
  regenerate(callback: SessionCallback): void;
  regenerate(callback?: SessionCallback): Promise<void> | void {
    return settle(this.#context.regenerate(callback !== undefined), callback);
  }

  /** Writes the session now if it changed: for `autoCommit: false`. */
  manuallyCommit(): Promise<void> {
    return this.#context.commit();
  }

  /** What `save`, `regenerate` and `manuallyCommit` call. */
  commit(options?: { save?: boolean; regenerate?: boolean }): Promise<void>;
  commit(callback: SessionCallback): void;
  commit(options: { save?: boolean; regenerate?: boolean } | undefined, cb: SessionCallback): void;
  commit(
    options?: { save?: boolean; regenerate?: boolean } | SessionCallback,
    callback?: SessionCallback,
  ): Promise<void> | void {
    if (typeof options === 'function') return settle(this.#context.commit(), options);
    return settle(this.#context.commit(options), callback);
  }

  /**
   * Changes the data by a function that runs again when a parallel request was faster: for
   * counters, lists and everything that depends on the value it replaces. Resolves when the store
   * has the result.
   *
   * With a store that can compare and set, no update is lost. With any other store, and in cookie
   * mode, `change` runs once.
   *
   * @param change edits the draft it is given, or returns new data in its place. It must not have
   * other effects, since it may run more than once, and must not await a save or another update of
   * this session: those wait for this one to end.
   * @example
   * ```ts
   * await ctx.session.update((draft) => {
   *   draft.views = (draft.views ?? 0) + 1;
   * });
   * ```
   * @throws SessionCommitError with ERR_SESSION_CONFLICT or ERR_SESSION_GONE; TypeError when
   * `change` both edits the draft and returns an object.
   */
  update(change: (draft: Partial<SessionData>) => Partial<SessionData> | void): Promise<void> {
    return this.#context.update(change as (draft: Record<string, unknown>) => unknown);
  }

  /** Ends the session, as `ctx.session = null` does, and writes that now. */
  destroy(): Promise<void>;
  destroy(callback: SessionCallback): void;
  destroy(callback?: SessionCallback): Promise<void> | void {
    return settle(this.#context.destroy(), callback);
  }

  /** Drops this request's changes and loads the session again. Then `ctx.session` is a new object. */
  reload(): Promise<void>;
  reload(callback: SessionCallback): void;
  reload(callback?: SessionCallback): Promise<void> | void {
    return settle(this.#context.reload(), callback);
  }

  /** Prolongs the session at the end of this request, whether or not its data changes. */
  touch(): void {
    this.#context.state.requireTouch = true;
  }

  /**
   * Says that the session's user was authenticated just now: the session gets a new id at once,
   * so that one planted before the login is worth nothing, and its absolute lifetime starts anew.
   * The data stays.
   *
   * @param owner whose session it is from now on, for lists, limits and ending by owner.
   * @throws SessionCommitError ERR_SESSION_LIMIT when the owner may have no further session.
   * @example
   * ```ts
   * ctx.session.userId = user.id;
   * await ctx.session.login(user.id);
   * ```
   */
  login(owner?: string): Promise<void> {
    return this.#context.login(owner);
  }

  /** Ends the session now, and tells the browser to clear its data where `clearSiteData` is set. */
  logout(): Promise<void> {
    return this.#context.logout();
  }

  // A data key may be chosen by a client (`session[field] = value`), so assigning to a reserved
  // name must neither throw nor hide the member. A function still may, for test doubles.
  static {
    hostOf = (session) => (#context in session ? session.#context : undefined);
    for (const name of RESERVED_KEYS) {
      const own = Object.getOwnPropertyDescriptor(Session.prototype, name);
      if (own?.set !== undefined) continue;
      const member: unknown = own?.value;
      Object.defineProperty(Session.prototype, name, {
        configurable: true,
        enumerable: false,
        get: name === '__proto__' ? () => Session.prototype : (own?.get ?? (() => member)),
        set(this: Session, value: unknown) {
          if (typeof value === 'function' && name !== '__proto__') {
            Object.defineProperty(this, name, { value, configurable: true, writable: true });
          } else if (#context in this) {
            this.#context.state.refuse('reserved-key');
          }
        },
      });
    }
  }
}

/**
 * The data of a session: own properties that are neither functions nor named with a leading `_`.
 *
 * @internal
 */
export function dataOf(session: object): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const key of Object.keys(session)) {
    if (key.charCodeAt(0) === UNDERSCORE) continue;
    const value = (session as Record<string, unknown>)[key];
    if (typeof value !== 'function') data[key] = value;
  }
  return data;
}

/** Code of `_`, which begins the names that are never data. @internal */
export const UNDERSCORE = 95;

function settle(work: Promise<void>, callback: SessionCallback | undefined): Promise<void> | void {
  if (callback === undefined) return work;
  work.then(() => {
    callback();
  }, callback);
}
