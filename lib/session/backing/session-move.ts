import { asItIs, type Awaitable, type Step } from '../awaitable.js';
import { GONE, WRITTEN, type WriteOutcome } from './backing.js';
import { tooManyConflicts } from './contention.js';
import type { Draft } from './draft.js';
import { movedNow, movedTo } from './pointer.js';
import type { RecordStore } from './record-store.js';
import { NEVER } from './session-end.js';
import type { ResolvedSessionOptions } from '../options.js';

type Version = string | number;

/** A session in a store, as far as its move to another key has to do with it. @internal */
export interface MovableSession {
  readonly options: ResolvedSessionOptions;
  readonly records: RecordStore;
  /** Whether the store holds a record for the id. */
  stored: boolean;
  /** The version that the record was last known to have. */
  version: Version | undefined;
  /**
   * Takes another id, under which nothing is stored.
   * @returns what takes the one before back, for when nothing could be stored there either.
   */
  leave(): () => void;
  /** The key of the id in use, which is made if there is none. */
  ownKey(): Awaitable<string>;
  /** The session lies under `key`: of the id in use, or of the one that another request gave it. */
  isUnder(key: string): void;
  /** The session lies under `key`, and must not stay there. */
  rotateFrom(key: string, version: Version): WriteOutcome;
  /** Writes the record, new or not. */
  put<R>(draft: Draft, key: string, use: Step<WriteOutcome, R>): R | Promise<R>;
  /** Writes a record that is there. */
  update(draft: Draft, key: string): Awaitable<WriteOutcome>;
  /** Hands the client its id. */
  send(draft: Draft): Awaitable<unknown>;
}

/**
 * The way of a session to another key, when it is written there: to that of a new id, or from the
 * plain id to where `hashIds` wants it.
 *
 * The new record is made first: when the end of the old one fails, it is the old one that is left.
 *
 * @internal
 */
export class SessionMove {
  readonly #session: MovableSession;
  readonly #records: RecordStore;
  readonly #draft: Draft;

  constructor(session: MovableSession, draft: Draft) {
    this.#session = session;
    this.#records = session.records;
    this.#draft = draft;
  }

  /** To a new id. */
  async rotate(oldKey: string): Promise<WriteOutcome> {
    const { stored, version } = this.#session;
    const outcome = await this.#begin();
    if (outcome.status !== 'written') return outcome;
    this.#session.stored = true;
    const key = await this.#session.ownKey();
    if (stored || !this.#records.isVersioned) return this.#leave(oldKey, version, key);
    await this.#session.send(this.#draft);
    return outcome;
  }

  /** Makes the new record. While there is none, the session is where it was: a logout must find it. */
  async #begin(): Promise<WriteOutcome> {
    const takeBack = this.#session.leave();
    try {
      const key = await this.#session.ownKey();
      return await this.#session.put(this.#draft, key, asItIs);
    } catch (error) {
      takeBack();
      throw error;
    }
  }

  /** From the plain id to its hash. */
  async hash(plainKey: string): Promise<WriteOutcome> {
    const { version } = this.#session;
    const key = await this.#session.ownKey();
    this.#session.isUnder(key);
    this.#session.version = undefined;
    let isFirst = true;
    if (this.#records.isVersioned) isFirst = await this.#records.create(key, this.#draft);
    else await this.#records.set(key, this.#draft, () => undefined);
    if (isFirst) return this.#leave(plainKey, version, key);
    // A parallel request has moved it already.
    const outcome = await this.#session.update(this.#draft, key);
    if (outcome.status === 'written') await this.#session.send(this.#draft);
    return outcome;
  }

  /**
   * The old record ends, now that there is a new one. Where it was destroyed meanwhile, the new
   * record goes too; where another request was faster to renew the id, its id is the one to use.
   */
  async #leave(
    oldKey: string,
    oldVersion: Version | undefined,
    key: string,
  ): Promise<WriteOutcome> {
    if (!this.#records.isVersioned) {
      await this.#records.destroy(oldKey);
    } else {
      const place = await this.#retire(oldKey, oldVersion ?? NEVER, key);
      if (place?.key !== key) await this.#records.destroy(key);
      if (place === undefined) return GONE;
      if (place.version !== undefined) return this.#session.rotateFrom(place.key, place.version);
      if (place.key !== key) {
        this.#session.version = undefined;
        const joined = await this.#session.update(this.#draft, place.key);
        if (joined.status !== 'written') return joined;
      }
    }
    await this.#session.send(this.#draft);
    return WRITTEN;
  }

  /**
   * Turns the old record into a pointer to the new one, which without a grace time leads nobody but
   * a logout there. What others wrote to the old record until then is merged into the new one.
   *
   * @returns where the session is now, with its version if it is to leave from there once more;
   * `undefined` when it was destroyed meanwhile.
   */
  async #retire(
    oldKey: string,
    oldVersion: Version,
    newKey: string,
  ): Promise<{ key: string; version?: Version } | undefined> {
    const { maxMergeAttempts } = this.#session.options;
    const due = this.#draft.regenerate;
    let key = oldKey;
    let version = oldVersion;
    for (let merges = 0; merges <= maxMergeAttempts; merges++) {
      const result = await this.#records.point(key, version, newKey, this.#draft.grace);
      if (result.status === 'ok') {
        // The id is still in use: where it is hashed now, the store is not to have it any longer.
        if (due === undefined) await this.#records.destroy(key);
        return { key: newKey };
      }
      if (result.status === 'gone') return undefined;
      version = result.version;
      if (movedTo(result.record) !== undefined) {
        const moved = movedNow(result.record);
        if (moved === undefined) return undefined;
        if (this.#draft.grace > 0) return { key: moved };
        // Whoever renewed the id holds the new one, and may be whom the login is to shake off.
        key = moved;
        version = NEVER;
        continue;
      }
      await this.#draft.rebase(result.record);
      if (due === undefined && this.#draft.regenerate !== due) return { key, version };
      // Nobody else knows the new id yet: what is stored there is this request's own.
      this.#session.version ??= (await this.#records.read(newKey, asItIs))?.version;
      const updated = await this.#session.update(this.#draft, newKey);
      if (updated.status === 'gone') return undefined;
    }
    throw tooManyConflicts(maxMergeAttempts);
  }
}
