import { SessionOptionsError, StoreError, typeName } from '../errors.js';
import type { ClearableStore, SessionRecord, SessionStore, StoreMaxAge } from '../session/store.js';
import { checkStoreOptions, positiveMilliseconds } from './internal/option-checks.js';
import { lifetimeOf, ONE_DAY, recordFrom, recordText } from './internal/record-text.js';

/**
 * What the bridge needs of a Keyv instance, version 5 or 6.
 *
 * @publicApi
 */
export interface KeyvLike {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, ttl?: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
  clear(): Promise<unknown>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
}

/** Which Keyv a {@link KeyvStore} keeps its records in. @publicApi */
export interface KeyvStoreOptions {
  /**
   * The Keyv instance, with a namespace of its own. It must throw on errors
   * (`new Keyv({ store, throwOnErrors: true })`): by default Keyv answers "missing" when its
   * backend is down, and an outage would log everybody out.
   */
  keyv: KeyvLike;
  /** How long a record of `maxAge: 'session'` is kept, milliseconds. Default: one day. */
  sessionMaxAge?: number | undefined;
}

const RULES = { keyv: () => undefined, sessionMaxAge: positiveMilliseconds };

/**
 * Sessions in anything that Keyv has an adapter for: MongoDB, Memcached, etcd, DynamoDB and others.
 *
 * A plain store: Keyv cannot write on a condition, so parallel requests of one session may
 * overwrite each other, and a slow request may bring back a session that was destroyed meanwhile,
 * as with koa-session. It knows no owners, and cannot prolong a record without rewriting it.
 *
 * Some adapters swallow errors by themselves and only emit them. A read during which the instance
 * emitted an error, and which found nothing, fails rather than say "missing".
 *
 * @example
 * ```ts
 * const keyv = new Keyv({ store: new KeyvMongo(url), namespace: 'session', throwOnErrors: true });
 * app.use(createSession({ store: new KeyvStore({ keyv }) }, app));
 * ```
 * @publicApi
 */
export class KeyvStore implements SessionStore, ClearableStore {
  readonly #keyv: KeyvLike;
  readonly #sessionMaxAge: number;
  #errors = 0;
  #lastError: unknown;

  /** @throws SessionOptionsError when an option is wrong. */
  constructor(options: KeyvStoreOptions) {
    checkStoreOptions('KeyvStore', options, RULES);
    this.#keyv = checkKeyv(options.keyv);
    this.#sessionMaxAge = options.sessionMaxAge ?? ONE_DAY;
    this.#keyv.on('error', (error) => {
      this.#errors++;
      this.#lastError = error;
    });
  }

  async get(key: string): Promise<SessionRecord | undefined> {
    const value = await this.#attempt('get', async (failed) => {
      const found = await this.#keyv.get(key);
      if (found == null && failed()) throw this.#lastError;
      return found;
    });
    // Others may have written the record as an object; a copy, since an adapter may share it.
    return recordFrom(typeof value === 'object' ? JSON.stringify(value) : value);
  }

  async set(key: string, record: SessionRecord, maxAge?: StoreMaxAge): Promise<void> {
    const lifetime = lifetimeOf(maxAge, this.#sessionMaxAge);
    await this.#attempt('set', async () => {
      const kept = await this.#keyv.set(key, recordText(record), lifetime);
      if (kept === false) throw this.#lastError ?? new Error('the Keyv adapter answered false');
    });
  }

  async destroy(key: string): Promise<void> {
    await this.#attempt('destroy', async (failed) => {
      const deleted = await this.#keyv.delete(key);
      if (deleted === false && failed()) throw this.#lastError;
    });
  }

  /** Ends every session in the Keyv instance's namespace. */
  async clear(): Promise<void> {
    await this.#attempt('clear', () => this.#keyv.clear());
  }

  async #attempt<T>(operation: string, work: (failed: () => boolean) => Promise<T>): Promise<T> {
    const before = this.#errors;
    try {
      return await work(() => this.#errors > before);
    } catch (cause) {
      const outcome = operation === 'get' ? 'not-applied' : 'unknown';
      throw new StoreError(operation, { kind: 'unavailable', outcome, cause });
    }
  }
}

function checkKeyv(keyv: unknown): KeyvLike {
  const given = (keyv ?? {}) as Partial<Record<string, unknown>>;
  const methods = ['get', 'set', 'delete', 'clear', 'on'];
  if (!methods.every((name) => typeof given[name] === 'function')) {
    throw new SessionOptionsError(
      'keyv',
      `"keyv" option of KeyvStore must be a Keyv instance, got ${typeName(keyv)}`,
    );
  }
  if (given['throwOnErrors'] === false) {
    throw new SessionOptionsError(
      'keyv',
      '"keyv" option of KeyvStore hides errors, so that an outage would log everybody out: make it with `new Keyv({ throwOnErrors: true })`',
    );
  }
  return keyv as KeyvLike;
}
