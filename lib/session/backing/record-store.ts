import { v4 as uuid } from 'uuid';
import type { CarrierHost } from '../http/carrier.js';
import type { Draft } from './draft.js';
import { recordTag } from '../crypto/record-tag.js';
import { emitEvent } from '../events.js';
import { RECORD_GRACE } from '../rules/lifetime.js';
import type { Awaitable } from '../options.js';
import { storeCall, type StoreOperation } from './store-call.js';
import type {
  SessionRecord,
  SessionStore,
  StoreMaxAge,
  UpdateResult,
  VersionedRecord,
} from '../store.js';
import { isCreatingStore, isTouchingStore, isVersionedStore } from '../store.js';

/** A record, the version it was read at, and the key it lies under. @internal */
export type KeyedRecord = VersionedRecord & { key: string };

/** The field of a record that only points to the key its session moved to. */
const MOVED = '_moved';

/** The field of a record that tells which key it belongs to. */
const TAG = '_key';

/** How many renewals of an id a request on its way is led through. */
const MAX_HOPS = 8;

/** How long a pointer without a grace time lives if its removal fails, in milliseconds. */
const POINTER_LIFE = 1000;

/**
 * The application's store as one request uses it: every call under the deadline, and one set of
 * operations whatever the store can do. What a plain store cannot do is done as koa-session does.
 *
 * @internal
 */
export class RecordStore {
  readonly store: SessionStore;
  readonly #host: CarrierHost;
  /** Whether a read prolonged the record's life already. */
  #touched = false;

  constructor(host: CarrierHost, store: SessionStore) {
    this.#host = host;
    this.store = store;
  }

  /** Whether two requests that write at once are told apart. */
  get isVersioned(): boolean {
    return isVersionedStore(this.store);
  }

  async read(key: string): Promise<KeyedRecord | undefined> {
    // A `maxAge` set before the session was loaded counts, as in koa-session.
    const { ctx, maxAge, options } = this.#host;
    const { store } = this;
    const { rolling } = options;
    if (!isVersionedStore(store)) {
      const record = await this.#call('get', () => store.get(key, maxAge, { ctx, rolling }));
      if (!this.#belongsTo(key, record)) return undefined;
      // What a store without versions answers goes through as it is: `valid` decides.
      return { record: record as SessionRecord, version: '', key };
    }
    const touch = this.#touchOnRead();
    const read = await this.#call('get', () =>
      store.read(key, maxAge, { ctx, rolling, ...(touch === undefined ? {} : { touch }) }),
    );
    this.#touched = touch !== undefined;
    if (read === undefined || !this.#belongsTo(key, read.record)) return undefined;
    return { ...read, key };
  }

  /** Whether a record is the one of its key, as far as it tells. */
  #belongsTo(key: string, record: SessionRecord | null | undefined): boolean {
    const { ctx, options } = this.#host;
    const tag: unknown = options.verifyRecords ? record?.[TAG] : undefined;
    if (tag === undefined || tag === recordTag(key)) return true;
    emitEvent(ctx.app, 'session:refused', { name: options.key, ctx, reason: 'wrong-record' });
    return false;
  }

  #tagged(key: string, record: SessionRecord): SessionRecord {
    return this.#host.options.verifyRecords ? { ...record, [TAG]: recordTag(key) } : record;
  }

  /** A use prolongs the record in the same trip as the read, when the lifetime is known by then. */
  #touchOnRead(): number | undefined {
    const { rolling, maxAge, idleTimeout } = this.#host.options;
    const alive = idleTimeout ?? (rolling ? maxAge : undefined);
    if (typeof alive !== 'number' || !isTouchingStore(this.store)) return undefined;
    return alive + RECORD_GRACE;
  }

  /** What was read; or, if that only points elsewhere, what lies there, while the grace lasts. */
  successor(read: KeyedRecord): Awaitable<KeyedRecord | undefined> {
    return movedTo(read.record) === undefined ? withExpiry(read) : this.#follow(read);
  }

  async #follow(read: KeyedRecord): Promise<KeyedRecord | undefined> {
    let found: KeyedRecord | undefined = read;
    for (let hops = 0; hops < MAX_HOPS && found !== undefined; hops++) {
      if (movedTo(found.record) === undefined) return withExpiry(found);
      const moved = movedNow(found.record);
      found = moved === undefined ? undefined : await this.read(moved);
    }
    return undefined;
  }

  /** koa-session's write. */
  async set(key: string, draft: Draft): Promise<void> {
    const { ctx, options } = this.#host;
    const record = this.#tagged(key, draft.record());
    await this.#call('set', () =>
      this.store.set(key, record, draft.lifetime.store, {
        changed: draft.reason === 'changed' && draft.regenerate === undefined,
        ctx,
        rolling: options.rolling,
      }),
    );
  }

  /** @returns `false` when the key is taken. */
  async create(key: string, draft: Draft): Promise<boolean> {
    const { store } = this;
    if (!isCreatingStore(store)) {
      await this.set(key, draft);
      return true;
    }
    const { ctx, options } = this.#host;
    const record = this.#tagged(key, draft.record());
    const settings = { ctx, rolling: options.rolling, changed: true, writeId: uuid() };
    return this.#call('create', () => store.create(key, record, draft.lifetime.store, settings));
  }

  update(key: string, version: string | number, draft: Draft): Promise<UpdateResult> {
    const changed = draft.reason === 'changed';
    return this.#update(key, version, draft.record(), draft.lifetime.store, changed);
  }

  /** Leaves a pointer to `successor` in place of the record. */
  point(
    key: string,
    version: string | number,
    successor: string,
    grace: number,
  ): Promise<UpdateResult> {
    const pointer = { [MOVED]: successor, _expire: Date.now() + grace };
    return this.#update(key, version, pointer, Math.max(grace, POINTER_LIFE), true);
  }

  async #update(
    key: string,
    version: string | number,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    changed: boolean,
  ): Promise<UpdateResult> {
    const { ctx, options } = this.#host;
    const { store } = this;
    if (!isVersionedStore(store)) throw new TypeError('the store has no "update"');
    const settings = { ctx, rolling: options.rolling, changed, writeId: uuid() };
    const tagged = this.#tagged(key, record);
    const result = await this.#call('update', () =>
      store.update(key, version, tagged, maxAge, settings),
    );
    const isOurs = result.status !== 'conflict' || this.#belongsTo(key, result.record);
    return isOurs ? result : { status: 'gone' };
  }

  /** @returns whether there was a record to prolong; `undefined` when the store cannot tell. */
  async touch(key: string, draft: Draft): Promise<boolean | undefined> {
    const { ctx } = this.#host;
    const { store } = this;
    if (!isTouchingStore(store)) return undefined;
    if (this.#touched) return true;
    return this.#call('touch', () => store.touch(key, draft.lifetime.store, { ctx }));
  }

  async destroy(key: string): Promise<void> {
    const { ctx } = this.#host;
    await this.#call('destroy', () => this.store.destroy(key, { ctx }));
  }

  #call<T>(operation: StoreOperation, call: () => T | PromiseLike<T>): Promise<T> {
    return storeCall(operation, this.#host.options.storeTimeout, call);
  }
}

/** Where a pointer leads; `undefined` for a record. @internal */
export function movedTo(record: SessionRecord | null | undefined): string | undefined {
  const moved: unknown = record?.[MOVED];
  return typeof moved === 'string' ? moved : undefined;
}

/** The same while the pointer's grace time lasts: one without a grace time leads nowhere. @internal */
export function movedNow(record: SessionRecord): string | undefined {
  const until = record._expire;
  return typeof until === 'number' && until > Date.now() ? movedTo(record) : undefined;
}

/** A store that prolongs without rewriting knows better than the record when it ends. */
function withExpiry(found: KeyedRecord): KeyedRecord {
  const { record, expires } = found;
  if (expires === undefined || typeof record._expire !== 'number') return found;
  const expire = expires - RECORD_GRACE;
  return expire > record._expire ? { ...found, record: { ...record, _expire: expire } } : found;
}
