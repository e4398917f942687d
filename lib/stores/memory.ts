import { StoreError } from '../errors.js';
import type {
  CapableStore,
  OwnedRecord,
  SessionRecord,
  StoreMaxAge,
  StoreReadOptions,
  StoreWriteOptions,
  UpdateResult,
  VersionedRecord,
} from '../session/store.js';
import {
  checkStoreOptions,
  countOrInfinity,
  positiveMilliseconds,
} from './internal/option-checks.js';
import { RecencyList } from './internal/recency-list.js';
import type { RecencyNode } from './internal/recency-list.js';
import {
  lifetimeOf,
  moveExpire,
  ONE_DAY,
  ownerOf,
  recordFrom,
  recordText,
} from './internal/record-text.js';

/**
 * How much a {@link MemoryStore} keeps.
 *
 * @publicApi
 */
export interface MemoryStoreOptions {
  /**
   * The most records kept. One more drops the least recently used. Default: 100,000.
   */
  maxRecords?: number;
  /**
   * The most memory kept, in bytes: the keys and the JSON of the records, plus
   * {@link MemoryStore.RECORD_OVERHEAD} for each. Beyond it the least recently used are dropped.
   * Default: 134,217,728 (128 MiB).
   */
  maxBytes?: number;
  /**
   * How long a record of `maxAge: 'session'` is kept, milliseconds. Default: one day.
   */
  sessionMaxAge?: number;
}

const RULES = {
  maxRecords: countOrInfinity,
  maxBytes: countOrInfinity,
  sessionMaxAge: positiveMilliseconds,
};

const DEFAULTS = {
  maxRecords: 100_000,
  maxBytes: 128 * 1024 * 1024,
  sessionMaxAge: ONE_DAY,
} satisfies Required<MemoryStoreOptions>;

/** How many records each write looks at in search of expired ones. */
const SWEEP_STEP = 2;

/** How many records `prune` looks at before it lets other work run. */
const PRUNE_SLICE = 1_000;

/**
 * Sessions in the memory of this process, for tests, development and single-process servers.
 *
 * Bounded: by count and by bytes, the least recently used record goes first, and an evicted
 * session reads as missing, like an expired one. There are no timers: an expired record is dropped
 * when it is met, and each write looks at two others, so garbage cannot pile up.
 *
 * Records are kept as JSON text. What goes in and what comes out is a copy, as with every store
 * that has a network in between: parallel requests never share an object, and what does not
 * survive JSON does not survive here either.
 *
 * @example
 * ```ts
 * app.use(createSession({ store: new MemoryStore({ maxRecords: 10_000 }) }, app));
 * ```
 * @publicApi
 */
export class MemoryStore implements CapableStore {
  /** Bytes that `maxBytes` counts for each record besides its key and its JSON. */
  static readonly RECORD_OVERHEAD = 256;

  readonly #maxRecords: number;
  readonly #maxBytes: number;
  readonly #sessionMaxAge: number;
  readonly #entries = new Map<string, Entry>();
  readonly #recency = new RecencyList<Entry>();
  readonly #owners = new Map<string, Set<Entry>>();
  #bytes = 0;
  #lastVersion = 0;

  /** @throws SessionOptionsError when an option is wrong. */
  constructor(options: MemoryStoreOptions = {}) {
    checkStoreOptions('MemoryStore', options, RULES);
    this.#maxRecords = options.maxRecords ?? DEFAULTS.maxRecords;
    this.#maxBytes = options.maxBytes ?? DEFAULTS.maxBytes;
    this.#sessionMaxAge = options.sessionMaxAge ?? DEFAULTS.sessionMaxAge;
  }

  /** How many records are kept, expired ones that nobody has met yet included. */
  get size(): number {
    return this.#entries.size;
  }

  /** The memory kept, counted as `maxBytes` counts it. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): SessionRecord | undefined {
    const entry = this.#live(key, Date.now());
    return entry && recordOf(entry);
  }

  set(key: string, record: SessionRecord, maxAge?: StoreMaxAge): void {
    this.#write(this.#entries.get(key), key, record, maxAge, undefined);
  }

  destroy(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(entry);
  }

  async create(
    key: string,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    options?: StoreWriteOptions,
  ): Promise<boolean> {
    const entry = this.#live(key, Date.now());
    if (entry !== undefined) return isRepeat(entry, options);
    this.#write(undefined, key, record, maxAge, options?.writeId);
    return true;
  }

  async read(
    key: string,
    _maxAge?: StoreMaxAge,
    options?: StoreReadOptions,
  ): Promise<VersionedRecord | undefined> {
    const now = Date.now();
    const entry = this.#live(key, now);
    if (entry === undefined) return undefined;
    const found = snapshot(entry);
    return options?.touch === undefined ? found : this.#renew(entry, found, now, options.touch);
  }

  async update(
    key: string,
    version: string | number,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    options?: StoreWriteOptions,
  ): Promise<UpdateResult> {
    const entry = this.#live(key, Date.now());
    if (entry === undefined) return { status: 'gone' };
    if (isRepeat(entry, options)) return { status: 'ok', version: entry.version };
    if (entry.version !== version) return { status: 'conflict', ...snapshot(entry) };
    return {
      status: 'ok',
      version: this.#write(entry, key, record, maxAge, options?.writeId).version,
    };
  }

  async touch(key: string, maxAge: StoreMaxAge): Promise<boolean> {
    const now = Date.now();
    const entry = this.#live(key, now);
    if (entry === undefined) return false;
    this.#prolong(entry, now, maxAge);
    return true;
  }

  async listByOwner(owner: string): Promise<OwnedRecord[]> {
    const now = Date.now();
    const owned: OwnedRecord[] = [];
    for (const entry of this.#owners.get(owner) ?? []) {
      if (entry.expires <= now) this.#remove(entry);
      else owned.push({ key: entry.key, record: recordOf(entry), expires: entry.expires });
    }
    return owned;
  }

  async destroyByOwner(owner: string, options?: { except?: readonly string[] }): Promise<number> {
    const now = Date.now();
    const kept = new Set(options?.except);
    let ended = 0;
    for (const entry of this.#owners.get(owner) ?? []) {
      if (kept.has(entry.key)) continue;
      if (entry.expires > now) ended++;
      this.#remove(entry);
    }
    return ended;
  }

  async clear(): Promise<void> {
    this.#entries.clear();
    this.#owners.clear();
    this.#recency.clear();
    this.#bytes = 0;
  }

  async prune(): Promise<number> {
    let removed = 0;
    for (let left = this.#entries.size; left > 0; left -= PRUNE_SLICE) {
      removed += this.#sweep(Math.min(left, PRUNE_SLICE), Date.now());
      await new Promise((resolve) => setImmediate(resolve));
    }
    return removed;
  }

  /** Drops every record: nothing of this store outlives it. */
  async close(): Promise<void> {
    await this.clear();
  }

  /** The entry under `key` if its time is not over, now the most recently used. */
  #live(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expires <= now) {
      this.#remove(entry);
      return undefined;
    }
    this.#recency.moveToFront(entry);
    return entry;
  }

  #prolong(entry: Entry, now: number, maxAge: StoreMaxAge): void {
    const expires = now + lifetimeOf(maxAge, this.#sessionMaxAge);
    entry.shift += expires - entry.expires;
    entry.expires = expires;
  }

  /** Sees to it that a record that was just read lives for `least`, unless it is over already. */
  #renew(
    entry: Entry,
    found: VersionedRecord,
    now: number,
    least: number | 'session',
  ): VersionedRecord {
    const expire = found.record['_expire'];
    const prolonged = now + lifetimeOf(least, this.#sessionMaxAge) - entry.expires;
    if (prolonged <= 0 || (typeof expire === 'number' && expire <= now)) return found;
    this.#prolong(entry, now, least);
    moveExpire(found.record, prolonged);
    return { ...found, expires: entry.expires };
  }

  #write(
    old: Entry | undefined,
    key: string,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    writeId: string | undefined,
  ): Entry {
    const json = recordText(record);
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(json) + MemoryStore.RECORD_OVERHEAD;
    if (bytes > this.#maxBytes) {
      throw new StoreError('set', {
        kind: 'rejected',
        message: `the record takes ${bytes} bytes, more than the whole memory store may hold: raise "maxBytes", or keep less in the session`,
      });
    }
    const now = Date.now();
    const entry = old ?? new Entry(key);
    if (old === undefined) {
      this.#entries.set(key, entry);
      this.#recency.addToFront(entry);
    } else {
      this.#recency.moveToFront(entry);
    }
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    entry.json = json;
    entry.expires = now + lifetimeOf(maxAge, this.#sessionMaxAge);
    entry.shift = 0;
    entry.version = writeId ?? ++this.#lastVersion;
    this.#setOwner(entry, ownerOf(record));
    this.#sweep(SWEEP_STEP, now);
    this.#evict();
    return entry;
  }

  #evict(): void {
    while (this.#entries.size > this.#maxRecords || this.#bytes > this.#maxBytes) {
      const oldest = this.#recency.oldest;
      if (oldest === undefined) return;
      this.#remove(oldest);
    }
  }

  #sweep(steps: number, now: number): number {
    let removed = 0;
    for (let step = 0; step < steps; step++) {
      const entry = this.#recency.nextToVisit();
      if (entry === undefined) break;
      if (entry.expires <= now) {
        this.#remove(entry);
        removed++;
      }
    }
    return removed;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#recency.remove(entry);
    this.#bytes -= entry.bytes;
    this.#setOwner(entry, undefined);
  }

  #setOwner(entry: Entry, owner: string | undefined): void {
    if (entry.owner === owner) return;
    if (entry.owner !== undefined) {
      const owned = this.#owners.get(entry.owner);
      owned?.delete(entry);
      if (owned?.size === 0) this.#owners.delete(entry.owner);
    }
    entry.owner = owner;
    if (owner === undefined) return;
    const owned = this.#owners.get(owner);
    if (owned === undefined) this.#owners.set(owner, new Set([entry]));
    else owned.add(entry);
  }
}

class Entry implements RecencyNode<Entry> {
  newer: Entry | undefined = undefined;
  older: Entry | undefined = undefined;
  json = '';
  bytes = 0;
  expires = 0;
  /** How far the record's `_expire` has moved since it was written. */
  shift = 0;
  /** A write's name is unique, so it serves as the version; a write without one gets a number. */
  version: string | number = 0;
  owner: string | undefined = undefined;

  constructor(readonly key: string) {}
}

function isRepeat(entry: Entry, options: StoreWriteOptions | undefined): boolean {
  return options?.writeId !== undefined && options.writeId === entry.version;
}

function recordOf(entry: Entry): SessionRecord {
  const record = recordFrom(entry.json) as SessionRecord;
  moveExpire(record, entry.shift);
  return record;
}

function snapshot(entry: Entry): VersionedRecord {
  return { record: recordOf(entry), version: entry.version, expires: entry.expires };
}
