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
import { NO_ROW } from './internal/columns.js';
import { OwnedRows } from './internal/owned-rows.js';
import { RecordTable } from './internal/record-table.js';
import {
  isOver,
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
  maxRecords?: number | undefined;
  /**
   * The most memory kept, in bytes: the keys and the JSON of the records, plus
   * {@link MemoryStore.RECORD_OVERHEAD} for each. Beyond it the least recently used are dropped.
   * Default: 134,217,728 (128 MiB).
   */
  maxBytes?: number | undefined;
  /**
   * How long a record of `maxAge: 'session'` is kept, milliseconds. Default: one day.
   */
  sessionMaxAge?: number | undefined;
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

/** How many of the last writes are known by their names: no answer of this store is ever late. */
const KNOWN_WRITES = 256;

/** How many records `prune` looks at before it lets other work run. */
const PRUNE_SLICE = 1_000;

/**
 * Sessions in the memory of this process, for tests, development and single-process servers.
 *
 * Bounded: by count and by bytes, the least recently used record goes first, and an evicted
 * session reads as missing, like an expired one. There are no timers: an expired record is dropped
 * when it is met, and each write looks at two others, so garbage cannot pile up.
 *
 * Records are kept as JSON text, in a table that spares the garbage collector an object for each.
 * What goes in and what comes out is a copy, as with every store
 * that has a network in between: parallel requests never share an object, and what does not
 * survive JSON does not survive here either. A record is read and written at once: `get`, `set`,
 * `create`, `read`, `update`, `touch` and `destroy` answer without a promise, and throw.
 *
 * @example
 * ```ts
 * app.use(createSession({ store: new MemoryStore({ maxRecords: 10_000 }) }, app));
 * ```
 * @publicApi
 */
export class MemoryStore implements CapableStore {
  /** Bytes that `maxBytes` counts for each record besides its key and its JSON. */
  static readonly RECORD_OVERHEAD = 96;

  readonly #maxRecords: number;
  readonly #maxBytes: number;
  readonly #sessionMaxAge: number;
  #table: RecordTable;
  readonly #owners = new OwnedRows();
  readonly #writeIds = new Array<string | undefined>(KNOWN_WRITES);
  #bytes = 0;
  #lastVersion = 0;

  /** @throws SessionOptionsError when an option is wrong. */
  constructor(options: MemoryStoreOptions = {}) {
    checkStoreOptions('MemoryStore', options, RULES);
    this.#maxRecords = options.maxRecords ?? DEFAULTS.maxRecords;
    this.#maxBytes = options.maxBytes ?? DEFAULTS.maxBytes;
    this.#sessionMaxAge = options.sessionMaxAge ?? DEFAULTS.sessionMaxAge;
    this.#table = new RecordTable(this.#maxRecords);
  }

  /** How many records are kept, expired ones that nobody has met yet included. */
  get size(): number {
    return this.#table.size;
  }

  /** The memory kept, counted as `maxBytes` counts it. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): SessionRecord | undefined {
    const row = this.#live(key, Date.now());
    return row === NO_ROW ? undefined : this.#recordOf(row);
  }

  set(key: string, record: SessionRecord, maxAge?: StoreMaxAge): void {
    this.#write(this.#table.find(key), key, record, maxAge, Date.now());
  }

  destroy(key: string): void {
    const row = this.#table.find(key);
    if (row !== NO_ROW) this.#remove(row);
  }

  create(
    key: string,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    options?: StoreWriteOptions,
  ): Promise<boolean> | boolean {
    const now = Date.now();
    const row = this.#live(key, now);
    if (row !== NO_ROW) return this.#isRepeat(row, options);
    this.#write(NO_ROW, key, record, maxAge, now, options?.writeId);
    return true;
  }

  read(
    key: string,
    _maxAge?: StoreMaxAge,
    options?: StoreReadOptions,
  ): Promise<VersionedRecord | undefined> | VersionedRecord | undefined {
    const now = Date.now();
    const row = this.#live(key, now);
    if (row === NO_ROW) return undefined;
    const record = this.#recordOf(row);
    if (options?.touch !== undefined) this.#renew(row, record, now, options.touch);
    return this.#versioned(row, record);
  }

  update(
    key: string,
    version: string | number,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    options?: StoreWriteOptions,
  ): Promise<UpdateResult> | UpdateResult {
    const now = Date.now();
    const row = this.#live(key, now);
    if (row === NO_ROW) return { status: 'gone' };
    const current = this.#table.versions[row] as number;
    if (current !== version) {
      // A write that has been applied has changed the version: only then can it come again.
      if (this.#isRepeat(row, options)) return { status: 'ok', version: current };
      return { status: 'conflict', ...this.#versioned(row, this.#recordOf(row)) };
    }
    this.#write(row, key, record, maxAge, now, options?.writeId);
    return { status: 'ok', version: this.#lastVersion };
  }

  touch(key: string, maxAge: StoreMaxAge): Promise<boolean> | boolean {
    const now = Date.now();
    const row = this.#live(key, now);
    if (row === NO_ROW || isOver(this.#recordOf(row), now)) return false;
    this.#prolong(row, now + lifetimeOf(maxAge, this.#sessionMaxAge));
    return true;
  }

  async listByOwner(owner: string): Promise<OwnedRecord[]> {
    const now = Date.now();
    const owned: OwnedRecord[] = [];
    for (const row of this.#owners.rowsOf(owner)) {
      const expires = this.#table.expires[row] as number;
      if (expires <= now) this.#remove(row);
      else owned.push({ key: this.#table.keyOf(row), record: this.#recordOf(row), expires });
    }
    return owned;
  }

  async destroyByOwner(owner: string, options?: { except?: readonly string[] }): Promise<number> {
    const now = Date.now();
    const kept = new Set(options?.except);
    let ended = 0;
    for (const row of this.#owners.rowsOf(owner)) {
      if (kept.has(this.#table.keyOf(row))) continue;
      if ((this.#table.expires[row] as number) > now) ended++;
      this.#remove(row);
    }
    return ended;
  }

  async clear(): Promise<void> {
    this.#table = new RecordTable(this.#maxRecords);
    this.#owners.clear();
    this.#writeIds.fill(undefined);
    this.#bytes = 0;
  }

  async prune(): Promise<number> {
    let removed = 0;
    for (let left = this.#table.size; left > 0; left -= PRUNE_SLICE) {
      removed += this.#sweep(Math.min(left, PRUNE_SLICE), Date.now());
      await new Promise((resolve) => setImmediate(resolve));
    }
    return removed;
  }

  /** Drops every record: nothing of this store outlives it. */
  async close(): Promise<void> {
    await this.clear();
  }

  /** The row of `key` if its time is not over, now the most recently used. */
  #live(key: string, now: number): number {
    const row = this.#table.find(key);
    if (row === NO_ROW) return NO_ROW;
    if ((this.#table.expires[row] as number) <= now) {
      this.#remove(row);
      return NO_ROW;
    }
    this.#table.recency.moveToFront(row);
    return row;
  }

  #recordOf(row: number): SessionRecord {
    const record = recordFrom(this.#table.jsonOf(row)) as SessionRecord;
    moveExpire(record, this.#table.shifts[row] as number);
    return record;
  }

  #versioned(row: number, record: SessionRecord): VersionedRecord {
    const { versions, expires } = this.#table;
    return { record, version: versions[row] as number, expires: expires[row] as number };
  }

  /** Whether the record's last write was this one. */
  #isRepeat(row: number, options: StoreWriteOptions | undefined): boolean {
    const version = this.#table.versions[row] as number;
    if (options?.writeId === undefined || this.#lastVersion - version >= KNOWN_WRITES) return false;
    return this.#writeIds[version % KNOWN_WRITES] === options.writeId;
  }

  #prolong(row: number, expires: number): void {
    const table = this.#table;
    table.shifts[row] = (table.shifts[row] as number) + expires - (table.expires[row] as number);
    table.expires[row] = expires;
  }

  /** Sees to it that a record that was just read lives for `least`, unless it is over already. */
  #renew(row: number, record: SessionRecord, now: number, least: number | 'session'): void {
    const expires = now + lifetimeOf(least, this.#sessionMaxAge);
    const prolonged = expires - (this.#table.expires[row] as number);
    if (prolonged <= 0 || isOver(record, now)) return;
    this.#prolong(row, expires);
    moveExpire(record, prolonged);
  }

  #write(
    old: number,
    key: string,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    now: number,
    writeId?: string,
  ): void {
    const text = key + recordText(record);
    // Also has V8 join the two at once: in pieces they would take 32 bytes more for good.
    const bytes = Buffer.byteLength(text) + MemoryStore.RECORD_OVERHEAD;
    if (bytes > this.#maxBytes) throw tooLarge(bytes);
    const table = this.#table;
    const row = old === NO_ROW ? table.add(key, text) : old;
    if (old === NO_ROW) this.#bytes += bytes;
    else {
      this.#bytes += bytes - (table.bytes[row] as number);
      table.replace(row, text);
    }
    const version = ++this.#lastVersion;
    table.bytes[row] = bytes;
    table.expires[row] = now + lifetimeOf(maxAge, this.#sessionMaxAge);
    table.shifts[row] = 0;
    table.versions[row] = version;
    this.#writeIds[version % KNOWN_WRITES] = writeId;
    this.#owners.set(row, ownerOf(record));
    this.#sweep(SWEEP_STEP, now);
    this.#evict();
  }

  #evict(): void {
    while (this.#table.size > this.#maxRecords || this.#bytes > this.#maxBytes) {
      this.#remove(this.#table.recency.oldest);
    }
  }

  #sweep(steps: number, now: number): number {
    const { recency, expires } = this.#table;
    let removed = 0;
    for (let step = 0; step < steps; step++) {
      const row = recency.nextToVisit();
      if (row === NO_ROW) break;
      if ((expires[row] as number) <= now) {
        this.#remove(row);
        removed++;
      }
    }
    return removed;
  }

  #remove(row: number): void {
    this.#bytes -= this.#table.bytes[row] as number;
    this.#owners.set(row, undefined);
    this.#table.remove(row);
  }
}

function tooLarge(bytes: number): StoreError {
  return new StoreError('set', {
    kind: 'rejected',
    message: `the record takes ${bytes} bytes, more than the whole memory store may hold: raise "maxBytes", or keep less in the session`,
  });
}
