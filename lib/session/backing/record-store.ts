import { GONE } from './backing.js';
import type { CarrierHost } from '../http/carrier.js';
import type { Draft } from './draft.js';
import { recordTag } from '../crypto/record-tag.js';
import { emitFor } from '../events.js';
import { lifetimeOf, RECORD_GRACE } from '../rules/lifetime.js';
import { asItIs, type Awaitable, type Step } from '../awaitable.js';
import { movedNow, movedTo, pointerTo } from './pointer.js';
import { storeCall, type StoreOperation } from './store-call.js';
import { newWriteId } from './write-id.js';
import type {
  SessionRecord,
  SessionStore,
  StoreMaxAge,
  UpdateResult,
  VersionedRecord,
} from '../store.js';
import { isCreatingStore, isTouchingStore, isVersionedStore } from '../store.js';

/** A record, the version it was read at, and the key it lies under. @internal */
export interface KeyedRecord {
  readonly record: SessionRecord;
  readonly version: string | number;
  readonly expires: number | undefined;
  readonly key: string;
}

/** @internal */
export function underKey(key: string, { record, version, expires }: VersionedRecord): KeyedRecord {
  // Each of them by name: a spread of an object of the store's makes it a new shape every time.
  return { record, version, expires, key };
}

/** The field of a record that tells which key it belongs to. */
const TAG = '_key';

/**
 * How long after a read that renews no other request is expected to have ended the session, or given
 * it another id, milliseconds: the answer would hand out an id that is over.
 */
const RENEWAL_HOLDS = 100;

/** How many renewals of an id a request on its way is led through. */
const MAX_HOPS = 8;

/** Smaller differences between a store's clock and this one's mean nothing, milliseconds. */
const CLOCK_NOISE = 5_000;

/**
 * The application's store as one request uses it: every call under the deadline, and one set of
 * operations whatever the store can do. What a plain store cannot do is done as koa-session does.
 *
 * @internal
 */
export class RecordStore {
  readonly store: SessionStore;
  /** Whether two requests that write at once are told apart. */
  readonly isVersioned: boolean;
  readonly #host: CarrierHost;
  /** The lifetime that the last read gave the record; `undefined` when it gave it none. */
  #renewed: number | 'session' | undefined;
  /** When it did, epoch milliseconds. */
  #renewedAt = 0;

  constructor(host: CarrierHost, store: SessionStore) {
    this.#host = host;
    this.store = store;
    this.isVersioned = isVersionedStore(store);
  }

  /** Gives what `use` makes of the record, as soon as the store has answered. */
  read<R>(key: string, use: Step<KeyedRecord | undefined, R>): R | Promise<R> {
    // A `maxAge` set before the session was loaded counts, as in koa-session.
    const { ctx, maxAge, options } = this.#host;
    const { store } = this;
    const { rolling } = options;
    if (!isVersionedStore(store)) {
      return this.#call(
        'get',
        () => store.get(key, maxAge, { ctx, rolling }),
        (record) =>
          // What a store without versions answers goes through as it is: `valid` decides.
          use(
            this.#belongsTo(key, record)
              ? underKey(key, { record: record as SessionRecord, version: '' })
              : undefined,
          ),
      );
    }
    const touch = this.#renewal();
    const settings = touch === undefined ? { ctx, rolling } : { ctx, rolling, touch };
    return this.#call(
      'get',
      () => store.read(key, maxAge, settings),
      (read) => {
        this.#renewed = outlives(read, touch) ? undefined : touch;
        if (this.#renewed !== undefined) this.#renewedAt = Date.now();
        const isOurs = read !== undefined && this.#belongsTo(key, read.record);
        return use(isOurs ? underKey(key, read) : undefined);
      },
    );
  }

  /** Whether a record is the one of its key, as far as it tells. */
  #belongsTo(key: string, record: SessionRecord | null | undefined): boolean {
    const tag: unknown = this.#host.options.verifyRecords ? record?.[TAG] : undefined;
    if (tag === undefined || tag === recordTag(key)) return true;
    emitFor(this.#host, 'session:refused', { reason: 'wrong-record' });
    return false;
  }

  #tagged(key: string, record: SessionRecord): SessionRecord {
    return this.#host.options.verifyRecords ? { ...record, [TAG]: recordTag(key) } : record;
  }

  /**
   * The lifetime that a use of the session gives its record, as far as it is known before the
   * record is: a session's own `maxAge` or its nearing end may ask for another.
   */
  #renewal(): number | 'session' | undefined {
    const { options, maxAge } = this.#host;
    const { rolling, autoCommit, idleTimeout } = options;
    // Without autoCommit it is for the application to say which requests prolong the session.
    if (idleTimeout === undefined && !(rolling && autoCommit)) return undefined;
    if (!isTouchingStore(this.store)) return undefined;
    return lifetimeOf(options, maxAge, {}, Date.now()).store;
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
      found = moved === undefined ? undefined : await this.read(moved, asItIs);
    }
    return undefined;
  }

  /** koa-session's write. */
  set<R>(key: string, draft: Draft, use: Step<unknown, R>): R | Promise<R> {
    const { ctx, options } = this.#host;
    const record = this.#tagged(key, draft.record());
    return this.#call(
      'set',
      () =>
        this.store.set(key, record, draft.lifetime.store, {
          changed: draft.reason === 'changed' && draft.regenerate === undefined,
          ctx,
          rolling: options.rolling,
        }),
      use,
    );
  }

  /** @returns `false` when the key is taken. */
  async create(key: string, draft: Draft): Promise<boolean> {
    const { store } = this;
    if (!isCreatingStore(store)) {
      return this.set(key, draft, () => true);
    }
    const { ctx, options } = this.#host;
    const record = this.#tagged(key, draft.record());
    const settings = { ctx, rolling: options.rolling, changed: true, writeId: newWriteId() };
    return this.#call('create', () => store.create(key, record, draft.lifetime.store, settings));
  }

  update(key: string, version: string | number, draft: Draft): Awaitable<UpdateResult> {
    const changed = draft.reason === 'changed';
    return this.#update(key, version, draft.record(), draft.lifetime.store, changed);
  }

  /**
   * Leaves a pointer to `successor` in place of the record.
   * @param grace how long it leads readers there, in milliseconds. With 0 it is no session's.
   */
  point(
    key: string,
    version: string | number,
    successor: string,
    grace: number,
  ): Awaitable<UpdateResult> {
    const { record, maxAge } = pointerTo(successor, grace);
    return this.#update(key, version, record, maxAge, true);
  }

  #update(
    key: string,
    version: string | number,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    changed: boolean,
  ): Awaitable<UpdateResult> {
    const { ctx, options } = this.#host;
    const { store } = this;
    if (!isVersionedStore(store)) throw new TypeError('the store has no "update"');
    const settings = { ctx, rolling: options.rolling, changed, writeId: newWriteId() };
    const tagged = this.#tagged(key, record);
    return this.#call(
      'update',
      () => store.update(key, version, tagged, maxAge, settings),
      (result) =>
        result.status === 'conflict' && !this.#belongsTo(key, result.record) ? GONE : result,
    );
  }

  /**
   * Prolongs a record, unless the read has just done so.
   * @returns whether there was one; `undefined` when the store cannot tell.
   */
  async touch(key: string, draft: Draft): Promise<boolean | undefined> {
    const { ctx } = this.#host;
    const { store } = this;
    if (!isTouchingStore(store)) return undefined;
    const { store: lifetime } = draft.lifetime;
    const isRenewed = lifetime !== undefined && lifetime === this.#renewed;
    if (isRenewed && Date.now() - this.#renewedAt < RENEWAL_HOLDS) return true;
    return this.#call('touch', () => store.touch(key, lifetime, { ctx }));
  }

  async destroy(key: string): Promise<void> {
    const { ctx } = this.#host;
    await this.#call('destroy', () => this.store.destroy(key, { ctx }));
  }

  #call<T, R = T>(
    operation: StoreOperation,
    call: () => Awaitable<T>,
    use?: Step<T, R>,
  ): R | Promise<R> {
    return storeCall(operation, this.#host.options.storeTimeout, call, use);
  }
}

/** Whether a record lives longer than the renewal that came with its read would have it. */
function outlives(
  read: VersionedRecord | undefined,
  lifetime: number | 'session' | undefined,
): boolean {
  if (read?.expires === undefined || typeof lifetime !== 'number') return false;
  return read.expires > Date.now() + lifetime + CLOCK_NOISE;
}

/** A store that prolongs without rewriting knows better than the record when it ends. */
function withExpiry(found: KeyedRecord): KeyedRecord {
  const { record, expires } = found;
  if (expires === undefined || typeof record._expire !== 'number') return found;
  const expire = expires - RECORD_GRACE;
  return expire > record._expire ? { ...found, record: { ...record, _expire: expire } } : found;
}
