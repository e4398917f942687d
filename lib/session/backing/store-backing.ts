import { SessionCommitError } from '../../errors.js';
import { type Backing, type Loaded, WRITTEN, type WriteOutcome } from './backing.js';
import { after, asItIs, type Awaitable, isThenable, type Step } from '../awaitable.js';
import type { CarrierHost } from '../http/carrier.js';
import { IdCarrier } from '../http/carrier.js';
import { contend } from './contention.js';
import type { Draft } from './draft.js';
import { emitEvent } from '../events.js';
import type { ResolvedSessionOptions } from '../options.js';
import { type KeyedRecord, RecordStore } from './record-store.js';
import { makeId } from './session-id.js';
import { endSession } from './session-end.js';
import { type MovableSession, SessionMove } from './session-move.js';
import { isPlausibleId, storeKeyOf } from './store-key.js';
import type { SessionStore, VersionedRecord } from '../store.js';

/** How often a new id is tried when the one made is taken. */
const ID_ATTEMPTS = 4;

const ROTATE = { status: 'rotate' } satisfies WriteOutcome;
const NONE = { status: 'none' } satisfies Loaded;
const NOT_FOUND = { status: 'found', record: undefined } satisfies Loaded;

/**
 * Keeps a session in a store, under an id that the client carries.
 *
 * With a store that can create and compare-and-set, three rules make parallel requests safe
 * without locks: a new id is insert-only, an update needs the record to exist with the version that
 * was read, and a conflict is merged and tried again. So no acknowledged write is lost, and what
 * was destroyed stays destroyed. With any other store the calls are koa-session's.
 *
 * An id is what the client carries; a key is what the store knows. They are the same unless
 * `hashIds` is on.
 *
 * @internal
 */
export class StoreBacking implements Backing, MovableSession {
  readonly records: RecordStore;
  stored = false;
  version: string | number | undefined;
  readonly #host: CarrierHost;
  readonly #carrier: IdCarrier;
  /** The id in use; a promise while an asynchronous `genid` makes it. */
  #id: string | PromiseLike<string> | undefined;
  /** An id that the client was told, and that is the session's when it is written. */
  #announced: string | undefined;
  /** The id that the client sent. */
  #offered: string | undefined;
  /** Whether its session has left that id: what lies there is for logouts that have read it before. */
  #hasLeft = false;
  /** The key of what was loaded, where it is not simply the key of the id. */
  #foundKey: string | undefined;

  constructor(host: CarrierHost, store: SessionStore) {
    this.#host = host;
    this.records = new RecordStore(host, store);
    this.#carrier = new IdCarrier(host);
  }

  get store(): SessionStore {
    return this.records.store;
  }

  get options(): ResolvedSessionOptions {
    return this.#host.options;
  }

  get id(): string | undefined {
    this.#id ??= makeId(this.#host);
    return typeof this.#id === 'string' ? this.#id : undefined;
  }

  get offered(): string | undefined {
    return this.#offered;
  }

  get storeKey(): string | undefined {
    if (!this.stored || this.id === undefined) return undefined;
    return this.#foundKey ?? this.#keyOf(this.id);
  }

  get owesId(): boolean {
    return this.#announced !== undefined;
  }

  #keyOf(id: string): string {
    return storeKeyOf(id, this.#host.options);
  }

  /** Whether `key` is the id as it is, although ids are hashed. */
  #isPlain(key: string, id: string): boolean {
    return key === id && this.#host.options.hashIds !== undefined;
  }

  load<R>(use: Step<Loaded, R>, known?: string): R | Promise<R> {
    return after(known ?? this.#carrier.read(), (id) => this.#loadBy(id, use));
  }

  #loadBy<R>(id: string | null | undefined, use: Step<Loaded, R>): R | Promise<R> {
    if (!id) return use(NONE);
    const { ctx, options } = this.#host;
    if (!isPlausibleId(id, options)) {
      emitEvent(ctx.app, 'session:refused', { name: options.key, ctx, reason: 'malformed-id' });
      return use(NONE);
    }
    this.#offered = id;
    const key = this.#keyOf(id);
    return this.records.read(key, (read) => after(this.#follow(id, key, read), use));
  }

  #follow(id: string, key: string, read: KeyedRecord | undefined): Awaitable<Loaded> {
    if (read?.record) {
      return after(this.records.successor(read), (found) => {
        this.#hasLeft = found === undefined;
        return this.#found(key, found);
      });
    }
    const { hashIds } = this.#host.options;
    return hashIds?.acceptPlain === true ? this.#findPlain(id, key) : this.#found(key, read);
  }

  /** A session from before `hashIds`. */
  async #findPlain(id: string, key: string): Promise<Loaded> {
    const read = await this.records.read(id, asItIs);
    const found = read?.record ? await this.records.successor(read) : read;
    // What was sent is the hash of an id: its sender has read the store.
    return found?.record?.['_hashed'] === true ? NOT_FOUND : this.#found(key, found);
  }

  /** @param key where it would be if it had not moved. */
  #found(key: string, found: KeyedRecord | undefined): Loaded {
    if (found === undefined) return NOT_FOUND;
    this.#foundKey = found.key === key ? undefined : found.key;
    if (this.records.isVersioned) this.version = found.version;
    return { status: 'found', record: found.record };
  }

  /** The record that was found is good: it is this request's session. */
  adopt(): void {
    const { hashIds } = this.#host.options;
    // Without hashing, the key of a session that moved is the id it has now.
    this.#id = (hashIds === undefined ? this.#foundKey : undefined) ?? this.#offered;
    if (hashIds === undefined) this.#foundKey = undefined;
    if (this.#offered !== undefined) this.#carrier.adopt(this.#offered);
    this.stored = true;
  }

  /** The record that was found is no good: it goes. */
  async discard(): Promise<void> {
    if (this.#offered === undefined) return;
    await this.records.destroy(this.#foundKey ?? this.#keyOf(this.#offered));
  }

  reset(): Awaitable<unknown> {
    this.#renew();
    return isThenable(this.#id) ? this.#ready() : undefined;
  }

  /** Another id, under which nothing is stored. Where `genid` fails, all stays as it was. */
  #renew(): void {
    // koa-session asks `genid` at once, and applications see that; a UUID nobody asks for is waste.
    const { genid } = this.#host.options;
    this.#id = this.#announced ?? (genid === undefined ? undefined : makeId(this.#host));
    this.#announced = undefined;
    this.stored = false;
    this.version = undefined;
    this.#foundKey = undefined;
  }

  leave(): () => void {
    const { stored, version } = this;
    const id = this.#id;
    const foundKey = this.#foundKey;
    const announced = this.#announced;
    this.#renew();
    return () => {
      this.stored = stored;
      this.version = version;
      this.#id = id;
      this.#foundKey = foundKey;
      this.#announced = announced;
    };
  }

  /** The id as a string; a promise of it only while an asynchronous `genid` makes it. */
  #ready(): Awaitable<string> {
    this.#id ??= makeId(this.#host);
    return typeof this.#id === 'string' ? this.#id : this.#id.then((id) => (this.#id = id));
  }

  ownKey(): Awaitable<string> {
    return after(this.#ready(), (id) => this.#keyOf(id));
  }

  write<R>(draft: Draft, use: Step<WriteOutcome, R>): R | Promise<R> {
    return after(this.#ready(), (id) => this.#writeAs(id, draft, use));
  }

  #writeAs<R>(id: string, draft: Draft, use: Step<WriteOutcome, R>): R | Promise<R> {
    const key = this.#foundKey ?? this.#keyOf(id);
    if (draft.regenerate !== undefined) {
      return after(new SessionMove(this, draft).rotate(key), use);
    }
    if (this.stored && this.#isPlain(key, id)) {
      return after(new SessionMove(this, draft).hash(key), use);
    }
    const created = !this.stored;
    return this.put(draft, key, (outcome) => {
      if (outcome.status !== 'written') return use(outcome);
      this.stored = true;
      const { status, merges } = outcome;
      return after(this.send(draft), () => use({ status, created, merges }));
    });
  }

  /** Hands the client its id, unless a pointer led here: then it was told by another answer. */
  send(draft: Draft): Awaitable<unknown> {
    if (this.#foundKey !== undefined) return undefined;
    const replaces = draft.regenerate !== undefined;
    return after(this.#ready(), (id) => this.#carrier.write(id, draft.lifetime.cookie, replaces));
  }

  put<R>(draft: Draft, key: string, use: Step<WriteOutcome, R>): R | Promise<R> {
    if (!this.records.isVersioned) return this.records.set(key, draft, () => use(WRITTEN));
    if (!this.stored) return after(this.#create(draft), use);
    const prolongs = draft.reason === 'rolling' || draft.reason === 'renew';
    return after(prolongs ? this.#prolong(draft, key) : this.update(draft, key), use);
  }

  async #prolong(draft: Draft, key: string): Promise<WriteOutcome> {
    // Where there is none any more, the update tells whether the session has moved.
    return (await this.records.touch(key, draft)) ? WRITTEN : this.update(draft, key);
  }

  /** Insert-only: an id that is taken is another user's, and a new one is made. */
  async #create(draft: Draft): Promise<WriteOutcome> {
    for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++) {
      if (await this.records.create(this.#keyOf(await this.#ready()), draft)) return WRITTEN;
      this.#renew();
    }
    throw new SessionCommitError(
      'ERR_SESSION_CONFLICT',
      `every id that "genid" made was taken (${ID_ATTEMPTS} tries): make ids random`,
    );
  }

  /** Compare-and-set: most writes meet nobody. */
  update(draft: Draft, key: string): Awaitable<WriteOutcome> {
    const { version } = this;
    if (version === undefined) return this.#contend(draft, key, undefined);
    return after(this.records.update(key, version, draft), (result) => {
      if (result.status === 'conflict') return this.#contend(draft, key, result);
      return result.status === 'gone' ? result : this.#updated(key, result.version, 0);
    });
  }

  async #contend(
    draft: Draft,
    key: string,
    met: VersionedRecord | undefined,
  ): Promise<WriteOutcome> {
    const { maxMergeAttempts } = this.#host.options;
    const ended = await contend(this.records, draft, key, met, maxMergeAttempts);
    if (ended.status === 'gone') return ended;
    return ended.status === 'rotate'
      ? this.rotateFrom(ended.key, ended.version)
      : this.#updated(ended.key, ended.version, ended.merges);
  }

  #updated(key: string, version: string | number, merges: number): WriteOutcome {
    this.version = version;
    this.isUnder(key);
    return { status: 'written', created: false, merges };
  }

  rotateFrom(key: string, version: string | number): WriteOutcome {
    this.version = version;
    this.stored = true;
    this.isUnder(key);
    return ROTATE;
  }

  isUnder(key: string): void {
    const { id } = this;
    if (id !== undefined && this.#keyOf(id) === key) this.#foundKey = undefined;
    else if (this.#host.options.hashIds === undefined) this.#id = key;
    else this.#foundKey = key;
  }

  async remove(forGood: boolean): Promise<void> {
    const id = await this.#ready();
    // koa-session destroys whatever id the session has, whether or not it was ever saved.
    if (this.stored || !this.records.isVersioned) {
      const key = this.#foundKey ?? this.#keyOf(id);
      const hashedKey = this.#isPlain(key, id) ? this.#keyOf(id) : undefined;
      const { version } = this;
      await endSession(this.records, { key, version, hashedKey }, this.options.maxMergeAttempts);
    } else if (this.#offered !== undefined && !this.#hasLeft) {
      await this.records.destroy(this.#keyOf(this.#offered));
    }
    this.stored = false;
    if (forGood) {
      this.#id = undefined;
      this.version = undefined;
      this.#foundKey = undefined;
    }
    await this.#carrier.remove();
  }

  announce(draft: Draft | undefined, isUnread: boolean): void {
    const sent = draft === undefined ? this.#carrier.remove() : this.#tell(draft, isUnread);
    if (isThenable(sent)) void Promise.resolve(sent).catch(() => undefined);
  }

  /** Tells the client under which id `draft` is going to lie. */
  #tell(draft: Draft, isUnread: boolean): Awaitable<unknown> {
    // Whether a session is stored under the id that was sent is not known before it is read.
    const moves = draft.regenerate !== undefined || isUnread;
    if (moves) {
      const made = this.#announced ?? makeId(this.#host);
      this.#announced = typeof made === 'string' ? made : undefined;
    }
    const id = moves ? this.#announced : this.id;
    if (id === undefined) return undefined;
    return this.#carrier.write(id, draft.lifetime.cookie, draft.regenerate !== undefined);
  }
}
