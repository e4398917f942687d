import type Koa from 'koa';
import type { Context } from 'koa';
import {
  contextSession,
  loadSession,
  Session,
  type SessionData,
  SessionOwners,
  SessionStateError,
} from '../lib/session/index.js';
import type { ConfiguredSession } from './configured-session.js';
import { detachedContext } from './handshake.context.js';
import { isExcluded } from './session-exclusion.js';

/** Edits a draft of a session's data, or returns new data in its place. @publicApi */
export type SessionChange = (draft: Partial<SessionData>) => Partial<SessionData> | void;

/** What the service needs of the application that it acts in. @internal */
export interface SessionApplication {
  /** `undefined` in a Nest application without HTTP. */
  readonly koa: Koa | undefined;
  /** The context of the request that is being served, where that is tracked. */
  readonly currentContext: Context | undefined;
}

/**
 * Acts on the current request's session from any provider, and on other sessions by their id.
 *
 * The current request is found through AsyncLocalStorage, which is on when some provider injects
 * this service, or with the option `requestContext: true`. In gateways there is no current request:
 * take `@Session()` there.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class CartService {
 *   constructor(private readonly sessions: SessionService) {}
 *
 *   add(item: Item) {
 *     return this.sessions.update((draft) => {
 *       (draft.cart ??= []).push(item);
 *     });
 *   }
 * }
 * ```
 * @publicApi
 */
export class SessionService {
  readonly #application: SessionApplication;
  readonly #configured: ConfiguredSession;

  /** @internal */
  constructor(application: SessionApplication, configured: ConfiguredSession) {
    this.#application = application;
    this.#configured = configured;
  }

  /**
   * The current request's session, loaded; `null` once it was removed in this request.
   *
   * @throws SessionStateError ERR_SESSION_NOT_LOADED outside of a request, and where `forRoutes` or
   * `exclude` keep the session from it.
   */
  async current(): Promise<Session | null> {
    const ctx = this.#application.currentContext;
    if (ctx === undefined) {
      throw new SessionStateError(
        'ERR_SESSION_NOT_LOADED',
        'SessionService knows no current request here: call it while one is handled, and set requestContext: true in SessionModule.forRoot() if no provider injects the service',
      );
    }
    if (isExcluded(ctx, this.#configured.name)) {
      throw new SessionStateError(
        'ERR_SESSION_NOT_LOADED',
        'the current request has no session: "forRoutes" or "exclude" keep it from this route',
      );
    }
    return loadSession(ctx, this.#configured.key);
  }

  /**
   * The data of another session, as it is stored; it is neither prolonged nor changed.
   *
   * @param externalKey the session's id.
   * @returns `undefined` when there is no such session.
   * @throws SessionStateError ERR_SESSION_UNSUPPORTED in cookie mode, where only clients have
   * sessions; StoreError.
   */
  async get(externalKey: string): Promise<Partial<SessionData> | undefined> {
    const session = await this.#open(externalKey);
    return session && (JSON.parse(JSON.stringify(session)) as Partial<SessionData>);
  }

  /** Writes the current session now, even if it is empty or unchanged. @throws StoreError */
  async save(): Promise<void> {
    await perform('save', await this.#require());
  }

  /** Gives the current session a new id; the data stays. @throws StoreError */
  async regenerate(): Promise<void> {
    await perform('regenerate', await this.#require());
  }

  /**
   * Ends the current session, or another one, now. One that does not exist is no error.
   *
   * @param externalKey another session's id. Default: the current session.
   * @throws StoreError
   */
  async destroy(externalKey?: string): Promise<void> {
    const session =
      externalKey === undefined ? await this.current() : await this.#open(externalKey);
    if (session) await perform('destroy', session);
  }

  /**
   * Prolongs the current session at the end of the request, or another one now.
   *
   * @param externalKey another session's id. Default: the current session.
   * @returns whether there was such a session.
   * @throws StoreError
   */
  async touch(externalKey?: string): Promise<boolean> {
    const session =
      externalKey === undefined ? await this.current() : await this.#open(externalKey);
    if (!session) return false;
    Session.prototype.touch.call(session);
    if (externalKey !== undefined) await session.manuallyCommit();
    return true;
  }

  /** Sets how long the current session lives, in milliseconds, and saves it with the answer. */
  async setMaxAge(maxAge: number | 'session'): Promise<void> {
    const session = await this.#require();
    session.maxAge = maxAge;
  }

  /**
   * Changes a session's data by a function that runs again when a parallel request was faster, and
   * writes it now; see {@link Session.update}.
   *
   * @throws SessionCommitError ERR_SESSION_GONE when there is no such session; StoreError.
   */
  async update(change: SessionChange): Promise<void>;
  async update(externalKey: string, change: SessionChange): Promise<void>;
  async update(first: string | SessionChange, second?: SessionChange): Promise<void> {
    if (typeof first !== 'string') {
      await Session.prototype.update.call(await this.#require(), first);
      return;
    }
    const session = await this.#open(first);
    if (!session) throw new SessionStateError('ERR_SESSION_GONE', 'there is no session of this id');
    await Session.prototype.update.call(session, second as SessionChange);
  }

  /**
   * The sessions of users: to list and to end them.
   *
   * @throws SessionStateError ERR_SESSION_UNSUPPORTED when the store cannot find sessions by owner.
   */
  get owners(): SessionOwners {
    const { store, options } = this.#configured;
    if (store === undefined) throw inCookies();
    return new SessionOwners(store, options.storeTimeout ?? undefined);
  }

  async #require(): Promise<Session> {
    const session = await this.current();
    if (session !== null) return session;
    throw new SessionStateError('ERR_SESSION_GONE', 'the session was removed in this request');
  }

  /**
   * Another session, as if a request had come with its id. The application's hooks that look at
   * the request are left out: they would judge, and end, a session by a request that never was.
   */
  async #open(externalKey: string): Promise<Session | undefined> {
    const { koa } = this.#application;
    if (this.#configured.store === undefined) throw inCookies();
    if (koa === undefined) {
      throw new SessionStateError(
        'ERR_SESSION_NOT_INSTALLED',
        'this Nest application has no HTTP adapter, and so no session engine',
      );
    }
    const ctx = detachedContext(koa);
    const context = contextSession(ctx, this.#configured.key);
    Object.assign(context?.state.ownOptions ?? {}, {
      externalKey: { get: () => externalKey, set: ignore, remove: ignore },
      valid: undefined,
      binding: undefined,
      rolling: false,
      renew: false,
      onStoreError: 'fail',
      autoCommit: false,
    });
    const session = await context?.ready();
    return session === null || session?.isNew ? undefined : session;
  }
}

/** A data key of the same name may hide the method on the session itself. */
function perform(method: 'save' | 'regenerate' | 'destroy', session: Session): Promise<void> {
  return (Session.prototype[method] as () => Promise<void>).call(session);
}

function ignore(): void {
  // Nobody is there who could be told the id.
}

function inCookies(): SessionStateError {
  return new SessionStateError(
    'ERR_SESSION_UNSUPPORTED',
    'sessions live in their cookies here, out of reach of the server: set "store" to act on other sessions',
  );
}
