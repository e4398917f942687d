import { SessionOptionsError, typeName } from '../errors.js';
import type {
  SessionRecord,
  SessionStore,
  StoreReadOptions,
  VersionedRecord,
} from '../session/store.js';
import { MemoryStore } from './memory.js';
import {
  checkStoreOptions,
  countOrInfinity,
  positiveMilliseconds,
} from './internal/option-checks.js';
import { isStoreObject, wrapStore } from './internal/store-methods.js';
import type { StoreMethod, Wrapped } from './internal/store-methods.js';

export type { Wrapped } from './internal/store-methods.js';

/** How stale a two-tier store may read, and how much it keeps. @publicApi */
export interface TwoTierOptions {
  /**
   * How old what a read answers may be, milliseconds. What another process changes or ends is
   * seen after that time at the latest. Default: 1,000.
   */
  maxStale?: number | undefined;
  /** The most records kept in the cache. Default: 10,000. */
  maxRecords?: number | undefined;
  /** The most memory kept in the cache, bytes, as {@link MemoryStore} counts. Default: 64 MiB. */
  maxBytes?: number | undefined;
}

const RULES = {
  maxStale: positiveMilliseconds,
  maxRecords: countOrInfinity,
  maxBytes: countOrInfinity,
};

/**
 * `store` with a cache in this process in front of it, and with the same powers.
 *
 * Reads are answered from the cache for `maxStale` milliseconds after the record was asked for.
 * Writes go to the store, and take the record out of the cache: what this process wrote or ended is
 * never read stale in this process. With a store that compares versions a stale read loses nothing:
 * the update that follows meets a conflict and is merged. With a plain store it may overwrite what
 * another process wrote a moment ago; but so may any read without a cache.
 *
 * The price: a logout on another machine takes up to `maxStale` to be seen here.
 *
 * @throws SessionOptionsError when `store` or an option is wrong.
 * @example
 * ```ts
 * const store = twoTier(new SqlStore({ client: pool }), { maxStale: 500 });
 * ```
 * @publicApi
 */
export function twoTier<Store extends SessionStore>(
  store: Store,
  options: TwoTierOptions = {},
): Wrapped<Store> {
  checkStoreOptions('twoTier', options, RULES);
  if (!isStoreObject(store)) {
    throw new SessionOptionsError(
      'store',
      `twoTier takes a store with get, set and destroy, got ${typeName(store)}`,
    );
  }
  const cache = new ReadCache(options);
  return wrapStore(store, (method, call) => cached(cache, method, call));
}

type Call = (...args: unknown[]) => unknown;

function cached(cache: ReadCache, method: StoreMethod, call: Call): (...args: never[]) => unknown {
  switch (method) {
    case 'get':
      return async (key: string, ...rest: unknown[]) => {
        const hit = cache.find(key, undefined);
        if (hit !== undefined) return hit.record;
        return cache.fill(key, undefined, async () => {
          const record = (await call(key, ...rest)) as SessionRecord | null | undefined;
          return { answer: record, found: record == null ? undefined : { record } };
        });
      };
    case 'read':
      return async (key: string, maxAge: unknown, readOptions?: StoreReadOptions) => {
        const touch = readOptions?.touch;
        const hit = cache.find(key, touch);
        if (hit?.version !== undefined) return hit;
        return cache.fill(key, touch, async () => {
          const found = (await call(key, maxAge, readOptions)) as VersionedRecord | undefined;
          return { answer: found, found };
        });
      };
    case 'set':
    case 'create':
    case 'update':
    case 'touch':
    case 'destroy':
      return (key: string, ...rest: unknown[]) =>
        cache.without(
          () => cache.forget(key),
          () => call(key, ...rest),
        );
    case 'destroyByOwner':
    case 'clear':
      // Which sessions end is only known afterwards, and rarely matters to those who stay.
      return (...args: unknown[]) =>
        cache.without(
          () => cache.forgetAll(),
          () => call(...args),
        );
    case 'close':
      return (...args: unknown[]) => {
        cache.forgetAll();
        return call(...args);
      };
    case 'listByOwner':
    case 'prune':
      return call;
  }
}

/** What a record was, and when: all that the store said about it. */
interface Found {
  record: SessionRecord;
  version?: string | number;
  expires?: number;
}

class ReadCache {
  readonly #kept: MemoryStore;
  readonly #maxStale: number;
  /** Reads under way, whose answers may be older than a write that has happened since. */
  readonly #fills = new Map<string, Set<{ stale: boolean }>>();

  constructor(options: TwoTierOptions) {
    this.#maxStale = options.maxStale ?? 1_000;
    this.#kept = new MemoryStore({
      maxRecords: options.maxRecords ?? 10_000,
      maxBytes: options.maxBytes ?? 64 * 1024 * 1024,
    });
  }

  /**
   * What the cache knows. A read that prolongs the record's life is answered only if one like it
   * went to the store.
   */
  find(key: string, touch: StoreReadOptions['touch']): (Found & VersionedRecord) | undefined {
    const entry = this.#kept.get(key) as
      { found: Found; touch?: StoreReadOptions['touch'] } | undefined;
    if (entry === undefined || (touch !== undefined && entry.touch !== touch)) return undefined;
    if (entry.found.expires !== undefined && entry.found.expires <= Date.now()) return undefined;
    return entry.found as Found & VersionedRecord;
  }

  /** Asks the store, and keeps the answer unless the record was written in the meantime. */
  async fill<T>(
    key: string,
    touch: StoreReadOptions['touch'],
    ask: () => Promise<{ answer: T; found: Found | undefined }>,
  ): Promise<T> {
    const fill = { stale: false };
    const asked = Date.now();
    const fills = this.#fills.get(key) ?? new Set();
    this.#fills.set(key, fills.add(fill));
    try {
      const { answer, found } = await ask();
      const fresh = asked + this.#maxStale - Date.now();
      if (found !== undefined && !fill.stale && fresh > 0) {
        const life = Math.min(fresh, endOf(found) - Date.now());
        if (life > 0) this.#keep(key, { found, ...(touch === undefined ? {} : { touch }) }, life);
      }
      return answer;
    } finally {
      fills.delete(fill);
      if (fills.size === 0 && this.#fills.get(key) === fills) this.#fills.delete(key);
    }
  }

  /** Runs a write with `forget` before it and after it, whatever comes of it. */
  async without<T>(forget: () => void, write: () => T | PromiseLike<T>): Promise<T> {
    forget();
    try {
      return await write();
    } finally {
      forget();
    }
  }

  forget(key: string): void {
    this.#kept.destroy(key);
    for (const fill of this.#fills.get(key) ?? []) fill.stale = true;
  }

  forgetAll(): void {
    void this.#kept.clear();
    for (const fills of this.#fills.values()) for (const fill of fills) fill.stale = true;
  }

  #keep(
    key: string,
    entry: { found: Found; touch?: StoreReadOptions['touch'] },
    life: number,
  ): void {
    try {
      this.#kept.set(key, { ...entry }, life);
    } catch {
      // Larger than the whole cache: the next read asks the store again.
      this.#kept.destroy(key);
    }
  }
}

/** When the record's own life is over; a plain store says it in `_expire` at best. */
function endOf({ record, expires }: Found): number {
  if (expires !== undefined) return expires;
  return typeof record['_expire'] === 'number' ? record['_expire'] : Infinity;
}
