import type { Context } from 'koa';
import { after } from './awaitable.js';
import { CookieBacking } from './backing/cookie-backing.js';
import type { Change } from './backing/draft.js';
import { Commit, type CommitRequest, gone } from './commit.js';
import { CommitQueue } from './commit-queue.js';
import { emitFailure } from './events.js';
import { sendCacheHeaders } from './http/cache-headers.js';
import { type CookiesSet, keepCookie } from './http/dropped-cookie.js';
import { droppedFrom, noteDropped } from './http/error-watch.js';
import { beforeHeaders, type HeaderListener } from './http/header-watch.js';
import { lazySession } from './lazy-session.js';
import { loadInto, loadNow } from './loading.js';
import type { ResolvedSessionOptions } from './options.js';
import type { Session } from './session.js';
import { SessionState, type StateHost } from './session-state.js';
import { unavailable } from './store-outage.js';

/** What the end of the request asks, or the departure of its headers. */
const AUTOMATIC: CommitRequest = { automatic: true };

/**
 * One request's session, from cookie to cookie: load, use, commit.
 *
 * It is made when the session is first asked for (or, with a store, by the middleware). It decides
 * when to load and when to commit; what is known of the session meanwhile is its `state`.
 *
 * @internal
 */
export class ContextSession implements StateHost, HeaderListener {
  readonly state: SessionState;
  readonly #queue = new CommitQueue();
  /** Whether the middleware is at work. What others change before and after is theirs to save. */
  isAtWork = false;
  /** The load that is under way, or was: `true` when nothing had to be waited for. */
  #loading: Promise<void> | true | undefined;
  #accessed = false;
  #watches = false;

  constructor(ctx: Context, options: ResolvedSessionOptions) {
    this.state = new SessionState(ctx, options, this);
  }

  /** What `ctx.session` gives. */
  get(): Session | null {
    const { state } = this;
    if (state.session !== undefined) return state.session;
    if (state.failure !== undefined) throw unavailable(state.failure, state);
    if (!state.loaded) {
      if (state.options.load === 'lazy') return lazySession(() => this.ready());
      // Before the middleware, a stored session cannot be read: it is empty, and what is written
      // to it is dropped when the middleware loads the real one.
      if (state.backing instanceof CookieBacking) loadNow(state);
      else state.claimId();
    }
    this.watchHeaders();
    return state.materialise();
  }

  /** What `ctx.session = value` does. */
  set(value: unknown): void {
    const { state } = this;
    if (state.failure !== undefined) throw unavailable(state.failure, state);
    state.assign(value);
    this.watchHeaders();
  }

  /** The session, loaded. */
  async ready(): Promise<Session | null> {
    if (this.state.session === undefined) await this.load();
    return this.get();
  }

  /**
   * Loads the session, once. `undefined`: it is there. Rejects only where a hook of the application
   * fails.
   */
  load(): Promise<void> | undefined {
    if (this.#loading === undefined) this.#loadOnce();
    return this.#loading === true ? undefined : this.#loading;
  }

  #loadOnce(id?: string): void {
    // A hook that asks for the session while it is being loaded must not load it again.
    this.#loading = true;
    this.#loading = loadInto(this.state, id) ?? true;
  }

  /** Writes what is to be written. Calls follow each other. */
  commit(request: CommitRequest = {}): Promise<void> {
    const commit = new Commit(this.state, this.#queue, request);
    return this.#queue.add(() => this.#carryOut(commit, () => this.#keepCookie()));
  }

  /** Waits for nothing that need not be waited for. `done` is called when it has gone well. */
  #carryOut(commit: Commit, done: () => void): void | Promise<void> {
    if (!commit.isDue()) return done();
    // A lazy session that was replaced or removed without being read is read now.
    if (this.state.isUnread) return after(this.load(), () => this.#carryOutRead(commit, done));
    return commit.carryOut(done);
  }

  /** What was done to a session that then could not be read is not written either. */
  #carryOutRead(commit: Commit, done: () => void): void | Promise<void> {
    const { failure, detached } = this.state;
    if (failure !== undefined) throw unavailable(failure, this.state);
    return detached ? done() : commit.carryOut(done);
  }

  /** @see Session.update */
  async update(change: Change): Promise<void> {
    const session = await this.ready();
    if (session === null) throw gone(this.state);
    await this.commit({ change });
  }

  /** @see Session.destroy */
  async destroy(): Promise<void> {
    this.set(null);
    await this.commit({ end: 'removed' });
  }

  /** @see Session.regenerate */
  regenerate(calledBack: boolean): Promise<void> {
    const restart = calledBack && this.state.options.callbackStyle === 'express-session';
    return this.commit(restart ? { restart } : { regenerate: true });
  }

  /** @see Session.login */
  login(owner?: string): Promise<void> {
    return this.commit({ login: owner === undefined ? {} : { owner } });
  }

  /** @see Session.logout */
  async logout(): Promise<void> {
    this.set(null);
    await this.commit({ end: 'logout' });
  }

  /** @see Session.reload */
  async reload(): Promise<void> {
    const { backing } = this.state;
    this.state.forget();
    // A session that got a new id in this request lies under that one.
    this.#loadOnce(backing.storeKey === undefined ? undefined : backing.id);
    await this.load();
  }

  /**
   * The end of the request: writes what is to be written, and tells caches. `undefined`: the
   * session was at most read, and there is nothing to wait for.
   */
  finish(autoCommit: boolean): Promise<void> | undefined {
    if (autoCommit) {
      const commit = new Commit(this.state, this.#queue, AUTOMATIC);
      if (!commit.isIdle()) return this.#commitLast(commit, () => this.#finished());
    }
    this.#finished();
    return undefined;
  }

  #finished(): void {
    this.#tellCaches();
    this.#keepCookie();
  }

  /**
   * Whatever answer leaves brings what is said of the session by now: Koa drops all headers that
   * are set when it answers an error. A cookie that middleware takes out of an answer stays out.
   */
  #keepCookie(): void {
    const { ctx, written, removed } = this.state;
    if ((!written && !removed) || ctx.res.headersSent) return;
    noteDropped(ctx);
    this.#watch();
  }

  /** The request's last commit: where nothing is under way and no hook commits, there is no queue. */
  #commitLast(commit: Commit, done: () => void): Promise<void> | undefined {
    if (!this.#queue.isUnused || this.state.options.beforeSave !== undefined) {
      return this.#queue.add(() => this.#carryOut(commit, done));
    }
    const work = this.#carryOut(commit, done);
    if (work === undefined) return undefined;
    this.#queue.follow(work);
    return work;
  }

  /** From the first access on, the headers must not leave without the session's cookie. */
  watchHeaders(): void {
    if (this.#accessed) return;
    this.#accessed = true;
    if (this.state.options.autoCommit) this.#watch();
  }

  #watch(): void {
    if (this.#watches) return;
    this.#watches = true;
    beforeHeaders(this.state.ctx.res, this);
  }

  /** Also once all is written: what middleware further out set then may have undone `Vary`. */
  beforeHeaders(before?: CookiesSet): void {
    this.#announce();
    const { ctx, options } = this.state;
    keepCookie(ctx.res, options.key, before);
    keepCookie(ctx.res, options.key, droppedFrom(ctx));
    this.#tellCaches();
  }

  /** Headers are about to leave before the request has ended: the cookie must go with them. */
  #announce(): void {
    const { state } = this;
    // Without `autoCommit`, what was not saved by hand is not meant to be.
    if (!this.isAtWork || !state.options.autoCommit) return;
    if (state.detached || state.failure !== undefined) return;
    try {
      const commit = new Commit(state, this.#queue, AUTOMATIC);
      if (!commit.announce()) return;
      // What is written once the headers have left hands out no cookie a second time.
      this.#queue.addLater(() => this.#carryOut(commit, nothing)).catch(ignore);
    } catch (error) {
      emitFailure(state, 'headers-sent', error);
    }
  }

  #tellCaches(): void {
    const { ctx, options, written, removed } = this.state;
    if (!options.cacheHeaders || options.externalKey) return;
    // A session that nobody asked for may have been prolonged, and its cookie sent, all the same.
    const setsCookie = written || removed;
    if (this.#accessed || setsCookie) sendCacheHeaders(ctx, setsCookie);
  }
}

function nothing(): void {
  // Whoever finishes the request says what there is to say.
}

function ignore(): void {
  // The error has been told by event or thrown to whoever awaits it.
}
