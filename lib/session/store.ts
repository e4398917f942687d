/**
 * What a session store must do, and what it may do beyond that.
 *
 * {@link SessionStore} is koa-session's contract: any store written for koa-session fits. Each
 * further power is an interface of its own with a type guard, so that the engine asks what a store
 * can do, and the published contract suite tests just that.
 *
 * Four words mean the same in every method:
 * - *missing*: there is no record under the key. Not an error: `undefined`, `false` or `'gone'`.
 * - *expired*: the record's time is over. The same as missing, whether or not it still takes space.
 * - *corrupt*: what is stored cannot be read as a record. The same as missing.
 * - *failed*: the backend could not do the work. The promise rejects; nothing else rejects.
 */
import type { Context } from 'koa';

/**
 * What a store keeps for one session: plain JSON data. The engine's own fields begin with `_`:
 * `_expire` (epoch milliseconds), `_maxAge` (milliseconds), `_session` (true when the cookie ends
 * with the browser), and others when the options that need them are on. A store stores all of
 * them and reads none, except `_owner` when it keeps an index of owners.
 *
 * @publicApi
 */
export type SessionRecord = Record<string, unknown>;

/**
 * A session's lifetime as koa-session hands it to stores: milliseconds, or `'session'` for a
 * session that ends with the browser (a store picks a limit of its own, say a day), or `undefined`
 * on `get` when the option `maxAge` is not set.
 *
 * @publicApi
 */
export type StoreMaxAge = number | 'session' | undefined;

/**
 * Passed with every store call.
 *
 * @publicApi
 */
export interface StoreCallOptions {
  /**
   * The Koa context of the request. Absent when no request is behind the call: a maintenance task,
   * or a service that acts on the sessions of another user.
   */
  ctx?: Context;
}

/** Passed with `get`. @publicApi */
export interface StoreGetOptions extends StoreCallOptions {
  /** The option `rolling`: every request prolongs the session. */
  rolling?: boolean;
}

/** Passed with `set`. @publicApi */
export interface StoreSetOptions extends StoreCallOptions {
  /** The option `rolling`. */
  rolling?: boolean;
  /** Whether the data changed since it was loaded. `false`: only the lifetime is new. */
  changed?: boolean;
}

/**
 * The contract of koa-session 7: every store must have these three methods.
 *
 * @example
 * ```ts
 * const records = new Map<string, string>();
 * const store: SessionStore = {
 *   async get(key) {
 *     const json = records.get(key);
 *     return json === undefined ? undefined : JSON.parse(json);
 *   },
 *   async set(key, record) {
 *     records.set(key, JSON.stringify(record));
 *   },
 *   async destroy(key) {
 *     records.delete(key);
 *   },
 * };
 * ```
 * @publicApi
 */
export interface SessionStore {
  /**
   * The record under `key`; `undefined` (or `null`) when it is missing, expired or corrupt.
   * The engine may change what it gets: a store hands out a copy.
   */
  get(
    key: string,
    maxAge: StoreMaxAge,
    options: StoreGetOptions,
  ): Promise<SessionRecord | null | undefined> | SessionRecord | null | undefined;

  /**
   * Keeps `record` under `key` for `maxAge`, whether or not the key exists. The store must not
   * keep a reference to `record`.
   */
  set(
    key: string,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    options: StoreSetOptions,
  ): Promise<unknown> | unknown;

  /** Removes the record. Removing what is missing is no error. */
  destroy(key: string, options: StoreCallOptions): Promise<unknown> | unknown;
}

/** Passed with `create` and `update`. @publicApi */
export interface StoreWriteOptions extends StoreSetOptions {
  /**
   * A name that only this one write has. A store keeps it beside the record, and answers a repeated
   * call that carries the name of the record's last write as it answered the first: a reply that
   * was lost and re-sent is then neither a conflict nor a repeated id.
   */
  writeId?: string;
}

/**
 * A store that can create without overwriting. The engine then never takes over a record when an
 * id repeats.
 *
 * @publicApi
 */
export interface CreatingStore {
  /**
   * Keeps `record` under `key` only if no live record is there.
   * @returns `true` when it was created, `false` when the key is taken.
   */
  create(
    key: string,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    options: StoreWriteOptions,
  ): Promise<boolean> | boolean;
}

/**
 * A record with the version that {@link VersionedStore.update} compares. Versions are opaque: the
 * engine only hands them back.
 *
 * @publicApi
 */
export interface VersionedRecord {
  record: SessionRecord;
  version: string | number;
  /**
   * When the store will drop the record, epoch milliseconds, if the store knows it better than
   * the record's own `_expire` (because {@link TouchingStore.touch} does not rewrite the record).
   */
  expires?: number;
}

/** Passed with `read`. @publicApi */
export interface StoreReadOptions extends StoreGetOptions {
  /**
   * Renew the record in the same round trip as the read: from now on it lives for at least this
   * long (milliseconds, or `'session'` as in `touch`). A record that lives longer stays as it is,
   * since what its session asked for is only known once it is read. `expires` and `_expire` are
   * those after the renewal; but a record whose `_expire` is over is handed out with that, so that
   * no session comes back in the time between its `_expire` and the end of its record.
   *
   * Only sent to a store that is also a {@link TouchingStore}.
   */
  touch?: number | 'session';
}

/**
 * The answer to {@link VersionedStore.update}: written, no longer there, or changed by somebody
 * else in the meantime (with what is there now).
 *
 * @publicApi
 */
export type UpdateResult =
  | { status: 'ok'; version: string | number }
  | { status: 'gone' }
  | ({ status: 'conflict' } & VersionedRecord);

/**
 * A store that reads with a version and updates by compare-and-set. With it, parallel requests
 * lose no write, and a late write cannot bring a destroyed session back.
 *
 * `set` of such a store changes the version too.
 *
 * @publicApi
 */
export interface VersionedStore {
  /** Like `get`, with the version. Renews the record's life when `options.touch` is given. */
  read(
    key: string,
    maxAge: StoreMaxAge,
    options: StoreReadOptions,
  ): Promise<VersionedRecord | undefined> | VersionedRecord | undefined;

  /**
   * Replaces the record if it exists and its version is still `version`. Never creates one.
   */
  update(
    key: string,
    version: string | number,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    options: StoreWriteOptions,
  ): Promise<UpdateResult> | UpdateResult;
}

/**
 * A store that prolongs a record's life without rewriting it (and without a new version).
 *
 * The record's `_expire`, if it is a number, is handed out moved by as much as the end of the
 * record's life was moved (to within the store's clock), so that whoever goes by `_expire`, as
 * koa-session does, sees the session prolonged. Whatever time lay between the two when the record
 * was written stays between them: pass `touch` a lifetime of the same kind as `set`.
 *
 * @publicApi
 */
export interface TouchingStore {
  /**
   * Sets the record's remaining life to `maxAge`. A record whose `_expire` is over stays as it is.
   * @returns whether there was a live record whose `_expire` was not over.
   */
  touch(key: string, maxAge: StoreMaxAge, options: StoreCallOptions): Promise<boolean> | boolean;
}

/**
 * One session in a list by owner.
 *
 * @publicApi
 */
export interface OwnedRecord {
  key: string;
  record: SessionRecord;
  expires?: number;
}

/**
 * A store that finds sessions by their owner: the string in the record's field `_owner`, which
 * `create`, `update` and `set` keep indexed. An index entry whose record is gone is never reported,
 * and is dropped in time.
 *
 * @publicApi
 */
export interface OwnedStore {
  /** The owner's live sessions, in no particular order. */
  listByOwner(owner: string): Promise<OwnedRecord[]>;
  /**
   * Ends the owner's sessions, except those whose keys are listed. One that is given another key
   * while this runs (the new record made first, then the old one replaced) ends as well.
   * @returns how many were ended.
   */
  destroyByOwner(owner: string, options?: { except?: readonly string[] }): Promise<number>;
}

/**
 * A store that can end every session of the application in one step.
 *
 * @publicApi
 */
export interface ClearableStore {
  /** Ends every session that this store holds under its prefix or in its table. */
  clear(): Promise<void>;
}

/**
 * A store whose expired records take space until they are removed.
 *
 * @publicApi
 */
export interface PrunableStore {
  /**
   * Removes expired records, in batches that block nobody for long.
   * @returns how many were removed.
   */
  prune(): Promise<number>;
}

/**
 * A store with something to release: timers, connections it opened itself.
 *
 * @publicApi
 */
export interface ClosableStore {
  /** Stops timers and closes what the store itself opened. A second call does nothing. */
  close(): Promise<void>;
}

/**
 * A store with every power, as the package's own stores are.
 *
 * @publicApi
 */
export type CapableStore = SessionStore &
  CreatingStore &
  VersionedStore &
  TouchingStore &
  OwnedStore &
  ClearableStore &
  PrunableStore &
  ClosableStore;

function hasMethods<Power>(store: unknown, ...names: (keyof Power & string)[]): store is Power {
  if (typeof store !== 'object' || store === null) return false;
  return names.every((name) => typeof (store as Record<string, unknown>)[name] === 'function');
}

/** Whether `store` has koa-session's three methods. @publicApi */
export function isSessionStore(store: unknown): store is SessionStore {
  return hasMethods<SessionStore>(store, 'get', 'set', 'destroy');
}

/** Whether `store` can create without overwriting. @publicApi */
export function isCreatingStore<S>(store: S): store is S & CreatingStore {
  return hasMethods<CreatingStore>(store, 'create');
}

/** Whether `store` can compare and set. @publicApi */
export function isVersionedStore<S>(store: S): store is S & VersionedStore {
  return hasMethods<VersionedStore>(store, 'read', 'update');
}

/** Whether `store` can prolong a record without rewriting it. @publicApi */
export function isTouchingStore<S>(store: S): store is S & TouchingStore {
  return hasMethods<TouchingStore>(store, 'touch');
}

/** Whether `store` finds sessions by owner. @publicApi */
export function isOwnedStore<S>(store: S): store is S & OwnedStore {
  return hasMethods<OwnedStore>(store, 'listByOwner', 'destroyByOwner');
}

/** Whether `store` can end all sessions in one step. @publicApi */
export function isClearableStore<S>(store: S): store is S & ClearableStore {
  return hasMethods<ClearableStore>(store, 'clear');
}

/** Whether `store` removes expired records on request. @publicApi */
export function isPrunableStore<S>(store: S): store is S & PrunableStore {
  return hasMethods<PrunableStore>(store, 'prune');
}

/** Whether `store` has something to release. @publicApi */
export function isClosableStore<S>(store: S): store is S & ClosableStore {
  return hasMethods<ClosableStore>(store, 'close');
}
