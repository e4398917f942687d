import { setTimeout as delay } from 'node:timers/promises';
import { SessionCommitError, SessionOptionsError, StoreError, typeName } from '../../errors.js';
import { type Backing, GONE, type Loaded, WRITTEN, type WriteOutcome } from './backing.js';
import { after, type Awaitable, isThenable } from '../awaitable.js';
import type { CarrierHost } from '../http/carrier.js';
import { IdCarrier } from '../http/carrier.js';
import type { Draft } from './draft.js';
import { emitEvent } from '../events.js';
import { newId } from '../crypto/id.js';
import { type KeyedRecord, movedNow, movedTo, RecordStore, underKey } from './record-store.js';
import { isPlausibleId, storeKeyOf } from './store-key.js';
import type { SessionStore, UpdateResult, VersionedRecord } from '../store.js';
import { takeTurn } from './turns.js';

/** How often a new id is tried when the one made is taken. */
const ID_ATTEMPTS = 4;

/** A version that no record has: an update with it tells what is stored. */
const NEVER = '';

/** Where the pointer leads that a session leaves which is ended: no key is empty. */
const NOWHERE = '';

/** The longest a write waits, in milliseconds, before it tries again after a conflict. */
const MAX_BACKOFF = 50;

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
export class StoreBacking implements Backing {
  readonly #host: CarrierHost;
  readonly #records: RecordStore;
  readonly #carrier: IdCarrier;
  /** The id in use; a promise while an asynchronous `genid` makes it. */
  #id: string | PromiseLike<string> | undefined;
  /** The id that the client sent. */
  #offered: string | undefined;
  /** The key of what was loaded, where it is not simply the key of the id. */
  #foundKey: string | undefined;
  #version: string | number | undefined;
  /** Whether the store holds a record for the id. */
  #stored = false;

  constructor(host: CarrierHost, store: SessionStore) {
    this.#host = host;
    this.#records = new RecordStore(host, store);
    this.#carrier = new IdCarrier(host);
  }

  get store(): SessionStore {
    return this.#records.store;
  }

  get id(): string | undefined {
    this.#id ??= this.#newId();
    return typeof this.#id === 'string' ? this.#id : undefined;
  }

  get offered(): string | undefined {
    return this.#offered;
  }

  get storeKey(): string | undefined {
    if (!this.#stored || this.id === undefined) return undefined;
    return this.#foundKey ?? this.#keyOf(this.id);
  }

  #keyOf(id: string): string {
    return storeKeyOf(id, this.#host.options);
  }

  load(known?: string): Awaitable<Loaded> {
    return after(known ?? this.#carrier.read(), (id) => this.#loadBy(id));
  }

  #loadBy(id: string | null | undefined): Awaitable<Loaded> {
    if (!id) return NONE;
    const { ctx, options } = this.#host;
    if (!isPlausibleId(id, options)) {
      emitEvent(ctx.app, 'session:refused', { name: options.key, ctx, reason: 'malformed-id' });
      return NONE;
    }
    this.#offered = id;
    return this.#find(id);
  }

  #find(id: string): Awaitable<Loaded> {
    const key = this.#keyOf(id);
    return after(this.#records.read(key), (read) => {
      if (read?.record) {
        return after(this.#records.successor(read), (found) => this.#found(key, found));
      }
      const { hashIds } = this.#host.options;
      return hashIds?.acceptPlain === true ? this.#findPlain(id, key) : this.#found(key, read);
    });
  }

  /** A session from before `hashIds`. */
  async #findPlain(id: string, key: string): Promise<Loaded> {
    const read = await this.#records.read(id);
    const found = read?.record ? await this.#records.successor(read) : read;
    // What was sent is the hash of an id: its sender has read the store.
    return found?.record?.['_hashed'] === true ? NOT_FOUND : this.#found(key, found);
  }

  /** @param key where it would be if it had not moved. */
  #found(key: string, found: KeyedRecord | undefined): Loaded {
    if (found === undefined) return NOT_FOUND;
    this.#foundKey = found.key === key ? undefined : found.key;
    if (this.#records.isVersioned) this.#version = found.version;
    return { status: 'found', record: found.record };
  }

  /** The record that was found is good: it is this request's session. */
  adopt(): void {
    const { hashIds } = this.#host.options;
    // Without hashing, the key of a session that moved is the id it has now.
    this.#id = (hashIds === undefined ? this.#foundKey : undefined) ?? this.#offered;
    if (hashIds === undefined) this.#foundKey = undefined;
    if (this.#offered !== undefined) this.#carrier.adopt(this.#offered);
    this.#stored = true;
  }

  /** The record that was found is no good: it goes. */
  async discard(): Promise<void> {
    if (this.#offered === undefined) return;
    await this.#records.destroy(this.#foundKey ?? this.#keyOf(this.#offered));
  }

  reset(): Awaitable<unknown> {
    this.#stored = false;
    this.#version = undefined;
    this.#foundKey = undefined;
    // koa-session asks `genid` at once, and applications see that; a UUID nobody asks for is waste.
    if (this.#host.options.genid === undefined) this.#id = undefined;
    else this.#id = this.#newId();
    return isThenable(this.#id) ? this.#ready() : undefined;
  }

  #newId(): Awaitable<string> {
    const { genid } = this.#host.options;
    if (genid === undefined) return newId(this.#host.options);
    return after<unknown, string>(genid(this.#host.ctx), checkedId);
  }

  /** The id as a string; a promise of it only while an asynchronous `genid` makes it. */
  #ready(): Awaitable<string> {
    this.#id ??= this.#newId();
    return typeof this.#id === 'string' ? this.#id : this.#id.then((id) => (this.#id = id));
  }

  write(draft: Draft): Awaitable<WriteOutcome> {
    return after(this.#ready(), (id) => this.#writeAs(id, draft));
  }

  #writeAs(id: string, draft: Draft): Awaitable<WriteOutcome> {
    const key = this.#foundKey ?? this.#keyOf(id);
    if (draft.regenerate !== undefined) return this.#rotate(draft, key);
    const isPlain = key === id && this.#host.options.hashIds !== undefined;
    if (isPlain && this.#stored) return this.#move(draft, key);
    const created = !this.#stored;
    return after(this.#put(draft, key), (outcome) => {
      if (outcome.status !== 'written') return outcome;
      this.#stored = true;
      const { status, merges } = outcome;
      return after(this.#send(draft), () => ({ status, created, merges }));
    });
  }

  /** Hands the client its id, unless a pointer led here: then it was told by another answer. */
  #send(draft: Draft): Awaitable<unknown> {
    if (this.#foundKey !== undefined) return undefined;
    const replaces = draft.regenerate !== undefined;
    return after(this.#ready(), (id) => this.#carrier.write(id, draft.lifetime.cookie, replaces));
  }

  #put(draft: Draft, key: string): Awaitable<WriteOutcome> {
    if (!this.#records.isVersioned) return this.#records.set(key, draft);
    if (!this.#stored) return this.#create(draft);
    const prolongs = draft.reason === 'rolling' || draft.reason === 'renew';
    return prolongs ? this.#prolong(draft, key) : this.#update(draft, key);
  }

  async #prolong(draft: Draft, key: string): Promise<WriteOutcome> {
    const there = await this.#records.touch(key, draft);
    if (there === undefined) return this.#update(draft, key);
    return there ? WRITTEN : GONE;
  }

  /** Insert-only: an id that is taken is another user's, and a new one is made. */
  async #create(draft: Draft): Promise<WriteOutcome> {
    for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++) {
      if (await this.#records.create(this.#keyOf(await this.#ready()), draft)) return WRITTEN;
      this.reset();
    }
    throw new SessionCommitError(
      'ERR_SESSION_CONFLICT',
      `every id that "genid" made was taken (${ID_ATTEMPTS} tries): make ids random`,
    );
  }

  /** Compare-and-set: most writes meet nobody. */
  #update(draft: Draft, key: string): Awaitable<WriteOutcome> {
    const version = this.#version;
    if (version === undefined) return this.#contend(draft, key, undefined);
    return after(this.#records.update(key, version, draft), (result) =>
      result.status === 'conflict'
        ? this.#contend(draft, key, result)
        : this.#updated(key, result, 0),
    );
  }

  #updated(
    key: string,
    result: Exclude<UpdateResult, { status: 'conflict' }>,
    merges: number,
  ): WriteOutcome {
    if (result.status === 'gone') return result;
    this.#version = result.version;
    this.#isUnder(key);
    return { status: 'written', created: false, merges };
  }

  /**
   * The way of a write that met another: what is stored is merged with, and it is tried again.
   * @param met what the first try met; `undefined` before any, where no version is known.
   */
  async #contend(
    draft: Draft,
    firstKey: string,
    met: VersionedRecord | undefined,
  ): Promise<WriteOutcome> {
    const due = draft.regenerate;
    const { maxMergeAttempts } = this.#host.options;
    let endTurn: (() => void) | undefined;
    try {
      let conflict = met;
      let target = met === undefined ? await this.#latest(draft, firstKey) : undefined;
      let key = firstKey;
      for (let merges = met === undefined ? 0 : 1; merges <= maxMergeAttempts; merges++) {
        if (conflict !== undefined) {
          endTurn ??= await takeTurn(this.store, key);
          target = await this.#records.successor(underKey(key, conflict));
          if (target !== undefined) await draft.rebase(target.record);
          // With the turn, only other processes are left to meet.
          if (merges > 2) await delay(Math.random() * Math.min(merges - 1, MAX_BACKOFF));
        }
        if (target === undefined) return GONE;
        key = target.key;
        if (draft.regenerate !== due) return this.#rotateFrom(key, target.version);
        const result = await this.#records.update(key, target.version, draft);
        if (result.status !== 'conflict') return this.#updated(key, result, merges);
        conflict = result;
      }
      throw tooManyConflicts(maxMergeAttempts);
    } finally {
      endTurn?.();
    }
  }

  /** What was merged makes a new id due: the session lies under `key`, and must not stay there. */
  #rotateFrom(key: string, version: string | number): WriteOutcome {
    this.#version = version;
    this.#stored = true;
    this.#isUnder(key);
    return ROTATE;
  }

  /** What is stored now, for a write after `create`: that told no version, and others may have written. */
  async #latest(draft: Draft, key: string): Promise<KeyedRecord | undefined> {
    const read = await this.#records.read(key);
    const latest = read && (await this.#records.successor(read));
    if (latest !== undefined) await draft.rebase(latest.record);
    return latest;
  }

  /** The session turned out to lie under `key`, since another request renewed its id. */
  #isUnder(key: string): void {
    const { id } = this;
    if (id !== undefined && this.#keyOf(id) === key) this.#foundKey = undefined;
    else if (this.#host.options.hashIds === undefined) this.#id = key;
    else this.#foundKey = key;
  }

  /** A session found under its plain id goes to where `hashIds` wants it. */
  async #move(draft: Draft, plainKey: string): Promise<WriteOutcome> {
    const version = this.#version;
    const key = this.#keyOf(await this.#ready());
    this.#foundKey = undefined;
    this.#version = undefined;
    let isFirst = true;
    if (this.#records.isVersioned) isFirst = await this.#records.create(key, draft);
    else await this.#records.set(key, draft);
    if (isFirst) return this.#leave(draft, plainKey, version, key);
    // A parallel request has moved it already.
    const outcome = await this.#update(draft, key);
    if (outcome.status === 'written') await this.#send(draft);
    return outcome;
  }

  /** A new id for the session. The new record first: when the end of the old one fails, it is left. */
  async #rotate(draft: Draft, oldKey: string): Promise<WriteOutcome> {
    const stored = this.#stored;
    const version = this.#version;
    this.reset();
    const outcome = await this.#put(draft, this.#keyOf(await this.#ready()));
    if (outcome.status !== 'written') return outcome;
    this.#stored = true;
    const key = this.#keyOf(await this.#ready());
    if (stored || !this.#records.isVersioned) return this.#leave(draft, oldKey, version, key);
    await this.#send(draft);
    return outcome;
  }

  /**
   * The old record ends, now that there is a new one. Where it was destroyed meanwhile, the new
   * record goes too; where another request was faster to renew the id, its id is the one to use.
   */
  async #leave(
    draft: Draft,
    oldKey: string,
    oldVersion: string | number | undefined,
    key: string,
  ): Promise<WriteOutcome> {
    if (!this.#records.isVersioned) {
      await this.#records.destroy(oldKey);
    } else {
      const place = await this.#retire(draft, oldKey, oldVersion ?? NEVER, key);
      if (place?.key !== key) await this.#records.destroy(key);
      if (place === undefined) return GONE;
      if (place.version !== undefined) return this.#rotateFrom(place.key, place.version);
      if (place.key !== key) {
        this.#version = undefined;
        const joined = await this.#update(draft, place.key);
        if (joined.status !== 'written') return joined;
      }
    }
    await this.#send(draft);
    return WRITTEN;
  }

  /**
   * Turns the old record into a pointer to the new one, and ends it at once without a grace time.
   * What others wrote to the old record until then is merged into the new one.
   *
   * @returns where the session is now, with its version if it is to leave from there once more;
   * `undefined` when it was destroyed meanwhile.
   */
  async #retire(
    draft: Draft,
    oldKey: string,
    oldVersion: string | number,
    newKey: string,
  ): Promise<{ key: string; version?: string | number } | undefined> {
    const { maxMergeAttempts } = this.#host.options;
    const due = draft.regenerate;
    let key = oldKey;
    let version = oldVersion;
    for (let merges = 0; merges <= maxMergeAttempts; merges++) {
      const result = await this.#records.point(key, version, newKey, draft.grace);
      if (result.status === 'ok') {
        if (draft.grace === 0) await this.#records.destroy(key);
        return { key: newKey };
      }
      if (result.status === 'gone') return undefined;
      version = result.version;
      if (movedTo(result.record) !== undefined) {
        const moved = movedNow(result.record);
        if (moved === undefined) return undefined;
        if (draft.grace > 0) return { key: moved };
        // Whoever renewed the id holds the new one, and may be whom the login is to shake off.
        key = moved;
        version = NEVER;
        continue;
      }
      await draft.rebase(result.record);
      if (due === undefined && draft.regenerate !== due) return { key, version };
      // Nobody else knows the new id yet: what is stored there is this request's own.
      this.#version ??= (await this.#records.read(newKey))?.version;
      if ((await this.#update(draft, newKey)).status === 'gone') return undefined;
    }
    throw tooManyConflicts(maxMergeAttempts);
  }

  async remove(forGood: boolean): Promise<void> {
    const id = await this.#ready();
    // koa-session destroys whatever id the session has, whether or not it was ever saved.
    if (this.#stored || !this.#records.isVersioned) {
      await this.#end(this.#foundKey ?? this.#keyOf(id));
    } else if (this.#offered !== undefined) {
      await this.#records.destroy(this.#keyOf(this.#offered));
    }
    this.#stored = false;
    if (forGood) {
      this.#id = undefined;
      this.#version = undefined;
      this.#foundKey = undefined;
    }
    await this.#carrier.remove();
  }

  /**
   * Removes the session's record. Where ids are renewed with a grace time, a parallel request may
   * be about to move the session, or have moved it: it must not live on under its new id. So the
   * record is first made to lead nowhere; a store that takes no write removes it all the same.
   */
  async #end(firstKey: string): Promise<void> {
    const { renewEvery, regenerateGrace, maxMergeAttempts } = this.#host.options;
    let key = firstKey;
    if (this.#records.isVersioned && (renewEvery !== undefined || regenerateGrace > 0)) {
      let version = this.#version ?? NEVER;
      try {
        for (let tries = 0; tries <= maxMergeAttempts; tries++) {
          const result = await this.#records.point(key, version, NOWHERE, 0);
          if (result.status !== 'conflict') break;
          const moved = movedTo(result.record);
          if (moved === NOWHERE) break;
          version = moved === undefined ? result.version : NEVER;
          key = moved ?? key;
        }
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
    await this.#records.destroy(key);
  }

  announce(draft: Draft | undefined): void {
    const { id } = this;
    const sent =
      draft === undefined
        ? this.#carrier.remove()
        : id && this.#carrier.write(id, draft.lifetime.cookie);
    if (isThenable(sent)) void Promise.resolve(sent).catch(() => undefined);
  }
}

/** An id that is none would keep every user's session in one record, or where nobody finds it. */
function checkedId(id: unknown): string {
  if (typeof id === 'number') return String(id);
  if (typeof id === 'string' && id !== '') return id;
  throw new SessionOptionsError(
    'genid',
    `"genid" must return a non-empty string, received ${id === '' ? 'an empty one' : typeName(id)}`,
  );
}

function tooManyConflicts(attempts: number): SessionCommitError {
  return new SessionCommitError(
    'ERR_SESSION_CONFLICT',
    `parallel requests changed the session more than ${attempts} times while it was written: write less often, or raise "maxMergeAttempts"`,
  );
}
