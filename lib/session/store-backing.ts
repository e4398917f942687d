import { setTimeout as delay } from 'node:timers/promises';
import { v4 as uuid } from 'uuid';
import { SessionCommitError } from '../errors.js';
import type { Backing, Loaded, WriteOutcome } from './backing.js';
import type { CarrierHost } from './carrier.js';
import { IdCarrier } from './carrier.js';
import type { Draft } from './draft.js';
import type { Awaitable } from './options.js';
import { RECORD_GRACE } from './lifetime.js';
import { isThenable, storeCall, type StoreOperation } from './store-call.js';
import type { SessionRecord, SessionStore, VersionedRecord } from './store.js';
import { isCreatingStore, isTouchingStore, isVersionedStore } from './store.js';

/** How often a new id is tried when the one made is taken. */
const ID_ATTEMPTS = 4;

/** How long a pointer without a grace time lives if its removal fails, in milliseconds. */
const POINTER_LIFE = 1000;

/** A version that no record has: an update with it tells what is stored. */
const NEVER = '';

/** The field of a record that only points to the id its session moved to. */
const MOVED = '_moved';

/** How many renewals of an id a request on its way is led through. */
const MAX_HOPS = 8;

type KeyedRecord = VersionedRecord & { key: string };

/**
 * Keeps a session in a store, under an id that the client carries.
 *
 * With a store that can create and compare-and-set, three rules make parallel requests safe
 * without locks: a new id is insert-only, an update needs the record to exist with the version that
 * was read, and a conflict is merged and tried again. So no acknowledged write is lost, and what
 * was destroyed stays destroyed. With any other store the calls are koa-session's.
 *
 * @internal
 */
export class StoreBacking implements Backing {
  readonly #host: CarrierHost;
  readonly store: SessionStore;
  readonly #carrier: IdCarrier;
  /** The id in use; a promise while an asynchronous `genid` makes it. */
  #id: string | PromiseLike<string> | undefined;
  /** The id that the client sent, until the record under it is accepted. */
  #offered: string | undefined;
  #version: string | number | undefined;
  /** Whether the store holds a record under the id. */
  #stored = false;
  /** Whether the load already prolonged the record's life. */
  #touched = false;

  constructor(host: CarrierHost, store: SessionStore) {
    this.#host = host;
    this.store = store;
    this.#carrier = new IdCarrier(host);
  }

  get id(): string | undefined {
    this.#id ??= this.#newId();
    return typeof this.#id === 'string' ? this.#id : undefined;
  }

  get offered(): string | undefined {
    return this.#offered;
  }

  get storeKey(): string | undefined {
    return this.#stored ? this.id : undefined;
  }

  /** Whether two requests that write at once are told apart. */
  get #capable(): boolean {
    return isVersionedStore(this.store);
  }

  async load(): Promise<Loaded> {
    const key = await this.#carrier.read();
    if (!key) return { status: 'none' };
    this.#offered = key;
    const read = await this.#read(key);
    if (read === undefined) return { status: 'found', record: undefined };
    const record = await this.#follow(read);
    return { status: 'found', record };
  }

  async #read(key: string): Promise<KeyedRecord | undefined> {
    const { ctx, options } = this.#host;
    const store = this.store;
    if (!isVersionedStore(store)) {
      const record = await this.#call('get', () =>
        store.get(key, options.maxAge, { ctx, rolling: options.rolling }),
      );
      // What a store without versions answers goes through as it is: `valid` decides.
      return { record: record as SessionRecord, version: '', key };
    }
    const touch = this.#touchOnLoad();
    const read = await this.#call('get', () =>
      store.read(key, options.maxAge, {
        ctx,
        rolling: options.rolling,
        ...(touch === undefined ? {} : { touch }),
      }),
    );
    this.#touched = touch !== undefined;
    return read === undefined ? undefined : { ...read, key };
  }

  /** Rolling prolongs on every request: with the read, when the lifetime is known by then. */
  #touchOnLoad(): number | undefined {
    const { rolling, maxAge, idleTimeout } = this.#host.options;
    const alive = idleTimeout ?? (rolling ? maxAge : undefined);
    if (typeof alive !== 'number' || !isTouchingStore(this.store)) return undefined;
    return alive + RECORD_GRACE;
  }

  /** A record that says where its session moved leads there, while its grace lasts. */
  async #follow(read: KeyedRecord): Promise<SessionRecord | undefined> {
    const found = await this.#successor(read);
    if (found === undefined) return undefined;
    this.#offered = found.key;
    if (this.#capable) this.#version = found.version;
    return withExpiry(found);
  }

  async #successor(read: KeyedRecord): Promise<KeyedRecord | undefined> {
    let found: KeyedRecord | undefined = read;
    for (let hops = 0; hops < MAX_HOPS && found !== undefined; hops++) {
      const moved = movedTo(found.record);
      if (moved === undefined) return found;
      const until = found.record._expire;
      if (typeof until !== 'number' || until <= Date.now()) return undefined;
      found = await this.#read(moved);
    }
    return undefined;
  }

  /** The record under the offered id is good: it is this request's session. */
  adopt(): void {
    this.#id = this.#offered;
    this.#stored = true;
  }

  /** The record under the offered id is no good: it goes. */
  async discard(): Promise<void> {
    if (this.#offered !== undefined) await this.#destroy(this.#offered);
  }

  reset(): Awaitable<unknown> {
    this.#stored = false;
    this.#version = undefined;
    // koa-session asks `genid` at once, and applications see that; a UUID nobody asks for is waste.
    this.#id = this.#host.options.genid === undefined ? undefined : this.#newId();
    return this.#id;
  }

  #newId(): Awaitable<string> {
    const { genid, prefix = '' } = this.#host.options;
    return genid === undefined ? `${prefix}${uuid()}` : genid(this.#host.ctx);
  }

  /** The id as a string, once an asynchronous `genid` is done. */
  async #ready(): Promise<string> {
    this.#id ??= this.#newId();
    if (isThenable(this.#id)) this.#id = await this.#id;
    return this.#id as string;
  }

  async write(draft: Draft): Promise<WriteOutcome> {
    const id = await this.#ready();
    if (draft.regenerate !== undefined) return this.#rotate(draft, id);
    const created = !this.#stored;
    const outcome = await this.#put(draft, id);
    if (outcome.status === 'gone') return outcome;
    this.#stored = true;
    await this.#carrier.write(this.id as string, draft.lifetime.cookie);
    return { ...outcome, created };
  }

  #put(draft: Draft, id: string): Promise<WriteOutcome> {
    if (!this.#capable) return this.#set(draft, id);
    if (!this.#stored) return this.#create(draft, id);
    if (draft.reason === 'rolling' || draft.reason === 'renew') return this.#touch(draft, id);
    return this.#update(draft, id);
  }

  /** koa-session's write. */
  async #set(draft: Draft, id: string): Promise<WriteOutcome> {
    const { ctx, options } = this.#host;
    const record = draft.record();
    await this.#call('set', () =>
      this.store.set(id, record, draft.lifetime.store, {
        changed: draft.reason === 'changed' && draft.regenerate === undefined,
        ctx,
        rolling: options.rolling,
      }),
    );
    return { status: 'written', created: false, merges: 0 };
  }

  /** Insert-only: an id that is taken is another user's, and a new one is made. */
  async #create(draft: Draft, id: string): Promise<WriteOutcome> {
    const { ctx, options } = this.#host;
    const store = this.store;
    if (!isCreatingStore(store)) return this.#set(draft, id);
    const record = draft.record();
    const settings = { ctx, rolling: options.rolling, changed: true, writeId: uuid() };
    for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++) {
      const key = await this.#ready();
      if (
        await this.#call('create', () => store.create(key, record, draft.lifetime.store, settings))
      ) {
        return { status: 'written', created: true, merges: 0 };
      }
      this.reset();
    }
    throw new SessionCommitError(
      'ERR_SESSION_CONFLICT',
      `every id that "genid" made was taken (${ID_ATTEMPTS} tries): make ids random`,
    );
  }

  async #touch(draft: Draft, id: string): Promise<WriteOutcome> {
    const { ctx } = this.#host;
    const store = this.store;
    if (!isTouchingStore(store)) return this.#update(draft, id);
    const written: WriteOutcome = { status: 'written', created: false, merges: 0 };
    if (this.#touched) return written;
    const there = await this.#call('touch', () => store.touch(id, draft.lifetime.store, { ctx }));
    return there ? written : { status: 'gone' };
  }

  /** Compare-and-set; a conflict is merged with what is stored and tried again. */
  async #update(draft: Draft, key: string): Promise<WriteOutcome> {
    const { ctx, options } = this.#host;
    const store = this.store;
    if (!isVersionedStore(store)) return this.#set(draft, key);
    let id = key;
    let version = this.#version;
    if (version === undefined) {
      // `create` told no version, and others may have written since.
      const read = await this.#read(id);
      const latest = read && (await this.#successor(read));
      if (latest === undefined) return { status: 'gone' };
      id = latest.key;
      version = latest.version;
      await draft.rebase(latest.record);
    }
    for (let merges = 0; merges <= options.maxMergeAttempts; merges++) {
      const record = draft.record();
      const expected = version;
      const result = await this.#call('update', () =>
        store.update(id, expected, record, draft.lifetime.store, {
          ctx,
          rolling: options.rolling,
          changed: draft.reason === 'changed',
          writeId: uuid(),
        }),
      );
      if (result.status === 'ok') {
        this.#version = result.version;
        this.#id = id;
        return { status: 'written', created: false, merges };
      }
      if (result.status === 'gone') return result;
      const theirs = await this.#successor({ ...result, key: id });
      if (theirs === undefined) return { status: 'gone' };
      id = theirs.key;
      version = theirs.version;
      await draft.rebase(theirs.record);
      if (merges > 1) await delay(Math.random() * Math.min(merges, 25) * 2);
    }
    throw tooManyConflicts(options.maxMergeAttempts);
  }

  /**
   * The new record first, then the end of the old one: when either fails, a session is left.
   * Where the old session was destroyed meanwhile, the new record goes too; where another request
   * was faster to renew the id, its id is the one to use.
   */
  async #rotate(draft: Draft, oldId: string): Promise<WriteOutcome> {
    const stored = this.#stored;
    const oldVersion = this.#version;
    this.reset();
    const outcome = await this.#put(draft, await this.#ready());
    if (outcome.status === 'gone') return outcome;
    this.#stored = true;
    if (!this.#capable) {
      await this.#destroy(oldId);
    } else if (stored) {
      const successor = await this.#retire(draft, oldId, oldVersion ?? NEVER);
      if (successor !== this.#id) {
        await this.#destroy(await this.#ready());
        if (successor === undefined) return { status: 'gone' };
        this.#version = undefined;
        const joined = await this.#update(draft, successor);
        if (joined.status === 'gone') return joined;
      }
    }
    await this.#carrier.write(await this.#ready(), draft.lifetime.cookie);
    return { ...outcome, created: false };
  }

  /**
   * Turns the old record into a pointer to the new id, and ends it at once without a grace time.
   * What others wrote to the old record until then is merged into the new one.
   *
   * @returns the id that the session has now; `undefined` when it was destroyed meanwhile.
   */
  async #retire(
    draft: Draft,
    oldId: string,
    oldVersion: string | number,
  ): Promise<string | undefined> {
    const { ctx, options } = this.#host;
    const store = this.store;
    const newKey = await this.#ready();
    if (!isVersionedStore(store)) return newKey;
    const { grace } = draft;
    const pointer = { [MOVED]: newKey, _expire: Date.now() + grace };
    let version = oldVersion;
    for (let merges = 0; merges <= options.maxMergeAttempts; merges++) {
      const expected = version;
      const result = await this.#call('update', () =>
        store.update(oldId, expected, pointer, Math.max(grace, POINTER_LIFE), {
          ctx,
          writeId: uuid(),
        }),
      );
      if (result.status === 'ok') {
        if (grace === 0) await this.#destroy(oldId);
        return newKey;
      }
      if (result.status === 'gone') return undefined;
      const moved = movedTo(result.record);
      if (moved !== undefined) return moved;
      version = result.version;
      await draft.rebase(result.record);
      // Nobody else knows the new id yet: what is stored there is this request's own.
      this.#version ??= (await this.#read(newKey))?.version;
      const merged = await this.#update(draft, newKey);
      if (merged.status === 'gone') return undefined;
    }
    throw tooManyConflicts(options.maxMergeAttempts);
  }

  async #destroy(id: string): Promise<void> {
    const { ctx } = this.#host;
    await this.#call('destroy', () => this.store.destroy(id, { ctx }));
  }

  async remove(): Promise<void> {
    const id = this.#capable && !this.#stored ? this.#offered : await this.#ready();
    if (id !== undefined) {
      await this.#destroy(id);
      this.#stored = false;
    }
    await this.#carrier.remove();
  }

  announce(draft: Draft | undefined): void {
    const id = this.id;
    const sent =
      draft === undefined
        ? this.#carrier.remove()
        : id && this.#carrier.write(id, draft.lifetime.cookie);
    if (isThenable(sent)) void Promise.resolve(sent).catch(() => undefined);
  }

  #call<T>(operation: StoreOperation, call: () => T | PromiseLike<T>): Promise<T> {
    return storeCall(operation, this.#host.options.storeTimeout, call);
  }
}

function tooManyConflicts(attempts: number): SessionCommitError {
  return new SessionCommitError(
    'ERR_SESSION_CONFLICT',
    `parallel requests changed the session more than ${attempts} times while it was written: write less often, or raise "maxMergeAttempts"`,
  );
}

function movedTo(record: SessionRecord | null | undefined): string | undefined {
  const moved: unknown = record?.[MOVED];
  if (typeof moved !== 'string') return undefined;
  return moved;
}

/** A store that prolongs without rewriting knows better than the record when it ends. */
function withExpiry({ record, expires }: VersionedRecord): SessionRecord {
  if (expires === undefined || typeof record._expire !== 'number') return record;
  const expire = expires - RECORD_GRACE;
  return expire > record._expire ? { ...record, _expire: expire } : record;
}
