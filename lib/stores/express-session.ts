import { SessionOptionsError, StoreError, typeName } from '../errors.js';
import type { SessionRecord, SessionStore, StoreMaxAge } from '../session/store.js';
import { checkStoreOptions, positiveMilliseconds } from './internal/option-checks.js';
import { lifetimeOf, ONE_DAY, recordFrom, recordText } from './internal/record-text.js';

/**
 * What the bridge needs of a store made for express-session.
 *
 * @publicApi
 */
export interface ExpressSessionStoreLike {
  get(id: string, callback: (error?: unknown, session?: unknown) => void): unknown;
  // Method syntax and `never`: stores declare the session as their own class.
  set(id: string, session: never, callback?: (error?: unknown) => void): unknown;
  destroy(id: string, callback?: (error?: unknown) => void): unknown;
}

/** Which store an {@link ExpressSessionStore} works through. @publicApi */
export interface ExpressSessionStoreOptions {
  /** The store: connect-redis, connect-pg-simple, connect-mongo or any other. */
  store: ExpressSessionStoreLike;
  /** How long a record of `maxAge: 'session'` is kept, milliseconds. Default: one day. */
  sessionMaxAge?: number | undefined;
}

const RULES = { store: () => undefined, sessionMaxAge: positiveMilliseconds };

/**
 * Sessions in any store made for express-session.
 *
 * A plain store: express-session's contract cannot write on a condition, so parallel requests of
 * one session may overwrite each other, and a slow request may bring back a session that was
 * destroyed meanwhile, as with express-session and koa-session. It knows no owners. Its `touch`
 * does not say whether there was a record, so it is not used.
 *
 * Each record lies beside the `cookie` object from which such stores take the lifetime, so the
 * records are no sessions of an Express application, and the other way round: give the store a
 * prefix or a table of its own.
 *
 * @example
 * ```ts
 * import connectMongo from 'connect-mongo';
 *
 * const store = new ExpressSessionStore({ store: connectMongo.create({ mongoUrl }) });
 * app.use(createSession({ store }, app));
 * ```
 * @publicApi
 */
export class ExpressSessionStore implements SessionStore {
  readonly #store: ExpressSessionStoreLike;
  readonly #sessionMaxAge: number;

  /** @throws SessionOptionsError when an option is wrong. */
  constructor(options: ExpressSessionStoreOptions) {
    checkStoreOptions('ExpressSessionStore', options, RULES);
    const given = (options.store ?? {}) as Partial<Record<keyof ExpressSessionStoreLike, unknown>>;
    if (![given.get, given.set, given.destroy].every((method) => typeof method === 'function')) {
      throw new SessionOptionsError(
        'store',
        `"store" option of ExpressSessionStore must be a store made for express-session, got ${typeName(options.store)}`,
      );
    }
    this.#store = options.store;
    this.#sessionMaxAge = options.sessionMaxAge ?? ONE_DAY;
  }

  async get(key: string): Promise<SessionRecord | undefined> {
    const session = await this.#call('get', (done) => this.#store.get(key, done));
    const text = (session as { record?: unknown } | null | undefined)?.record;
    return recordFrom(text);
  }

  async set(key: string, record: SessionRecord, maxAge?: StoreMaxAge): Promise<void> {
    const lifetime = lifetimeOf(maxAge, this.#sessionMaxAge);
    const session = { cookie: cookieOf(lifetime), record: recordText(record) };
    await this.#call('set', (done) => this.#store.set(key, session as never, done));
  }

  async destroy(key: string): Promise<void> {
    await this.#call('destroy', (done) => this.#store.destroy(key, done));
  }

  #call(operation: string, start: (done: (error?: unknown, value?: unknown) => void) => unknown) {
    return new Promise<unknown>((resolve, reject) => {
      const fail = (cause: unknown): void => {
        // How express-session itself has file stores say "missing".
        if ((cause as { code?: unknown }).code === 'ENOENT') return resolve(undefined);
        const outcome = operation === 'get' ? 'not-applied' : 'unknown';
        reject(new StoreError(operation, { kind: 'unavailable', outcome, cause }));
      };
      try {
        const started = start((error, value) => (error ? fail(error) : resolve(value)));
        // Some stores are asynchronous functions that reject before they call back.
        if (started instanceof Promise) started.catch(fail);
      } catch (error) {
        fail(error);
      }
    });
  }
}

/** The parts of express-session's cookie from which stores take the lifetime. */
function cookieOf(lifetime: number): Record<string, unknown> {
  return {
    originalMaxAge: lifetime,
    maxAge: lifetime,
    expires: new Date(Date.now() + lifetime),
    httpOnly: true,
    path: '/',
  };
}
