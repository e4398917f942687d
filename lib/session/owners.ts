import { SessionStateError } from '../errors.js';
import { type Marks, marksOf } from './rules/marks.js';
import { handleOf, sessionInfo } from './session-info.js';
import type { Session } from './session.js';
import { DEFAULTS } from './options.js';
import { endSession, recordsToEnd } from './backing/session-end.js';
import { storeCall } from './backing/store-call.js';
import {
  type ClearableStore,
  isClearableStore,
  isOwnedStore,
  type OwnedRecord,
  type OwnedStore,
  type SessionStore,
} from './store.js';

/**
 * One of an owner's sessions, for the owner to see. It holds neither the id nor the data.
 *
 * @publicApi
 */
export interface OwnedSession {
  /** Names the session in {@link SessionOwners.end}; of no use as a cookie. */
  handle: string;
  /** Epoch milliseconds. */
  createdAt: number | undefined;
  /** Epoch milliseconds. */
  authenticatedAt: number | undefined;
  /** Epoch milliseconds. */
  expiresAt: number | undefined;
  /** What the option `device` remembered. */
  device: Record<string, unknown> | undefined;
}

/**
 * An owner's sessions: to list them, to end one or all, or to end every session there is. For
 * account pages, password changes and administrators (OWASP ASVS 5.0, 7.4.2 to 7.5.2).
 *
 * @example
 * ```ts
 * const owners = new SessionOwners(store);
 * await owners.endOthers(user.id, ctx.session); // after a password change
 * ```
 * @publicApi
 */
export class SessionOwners {
  readonly #store: SessionStore & OwnedStore;
  readonly #timeout: number;

  /**
   * @param store a store that finds sessions by owner.
   * @param storeTimeout milliseconds for each call; 0 for no limit.
   * @throws SessionStateError ERR_SESSION_UNSUPPORTED when the store cannot.
   */
  constructor(store: SessionStore, storeTimeout = 10_000) {
    if (!isOwnedStore(store)) throw unsupported('find sessions by owner');
    this.#store = store;
    this.#timeout = storeTimeout;
  }

  /** The owner's live sessions, newest first. */
  async list(owner: string): Promise<OwnedSession[]> {
    const sessions = (await this.#records(owner)).map(asOwnedSession);
    return sessions.toSorted((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
  }

  /**
   * Ends one of the owner's sessions.
   * @returns whether there was one of that handle.
   */
  async end(owner: string, handle: string): Promise<boolean> {
    const found = (await this.#records(owner)).find(({ key }) => handleOf(key) === handle);
    if (found === undefined) return false;
    const records = recordsToEnd(this.#store, this.#timeout);
    await endSession(records, { key: found.key }, DEFAULTS.maxMergeAttempts);
    return true;
  }

  /**
   * Ends the owner's sessions except `session`.
   * @returns how many were ended.
   */
  async endOthers(owner: string, session: Session): Promise<number> {
    const { handle } = sessionInfo(session);
    const keys = (await this.#records(owner)).map(({ key }) => key);
    const except = keys.filter((key) => handleOf(key) === handle);
    return storeCall('destroy', this.#timeout, () => this.#store.destroyByOwner(owner, { except }));
  }

  /**
   * Ends all of the owner's sessions.
   * @returns how many were ended.
   */
  async endAll(owner: string): Promise<number> {
    return storeCall('destroy', this.#timeout, () => this.#store.destroyByOwner(owner));
  }

  /**
   * Ends every session of the application.
   * @throws SessionStateError ERR_SESSION_UNSUPPORTED when the store cannot do that.
   */
  async endEverything(): Promise<void> {
    const store: SessionStore & Partial<ClearableStore> = this.#store;
    if (!isClearableStore(store)) throw unsupported('end all sessions at once');
    await storeCall('destroy', this.#timeout, () => store.clear());
  }

  async #records(owner: string): Promise<OwnedRecord[]> {
    return storeCall('list', this.#timeout, () => this.#store.listByOwner(owner));
  }
}

function asOwnedSession({ key, record, expires }: OwnedRecord): OwnedSession {
  const marks: Marks = marksOf(record);
  return {
    handle: handleOf(key),
    createdAt: marks._created,
    authenticatedAt: marks._auth,
    expiresAt: typeof record._expire === 'number' ? record._expire : expires,
    device: marks._device,
  };
}

function unsupported(power: string): SessionStateError {
  return new SessionStateError(
    'ERR_SESSION_UNSUPPORTED',
    `the session store cannot ${power}: use one that can, such as MemoryStore, RedisStore or SqlStore`,
  );
}
