import type { Context } from 'koa';
import { SessionCommitError, StoreError } from '../errors.js';
import { after } from './awaitable.js';
import type { WriteOutcome } from './backing/backing.js';
import { sendCacheHeaders } from './http/cache-headers.js';
import { sendClearSiteData, takeBackClearSiteData } from './http/clear-site-data.js';
import { CookieBacking } from './backing/cookie-backing.js';
import type { Change, Draft } from './backing/draft.js';
import type { CommitReason } from './commit-reason.js';
import { type DestroyReason, emitFailure, emitFor } from './events.js';
import { beforeHeaders, type HeaderListener } from './http/header-watch.js';
import { lazySession } from './lazy-session.js';
import { loadInto, loadNow } from './loading.js';
import type { ResolvedSessionOptions } from './options.js';
import { type SessionLimit, sessionLimit } from './rules/session-limit.js';
import { decisionsAfter, draftOf, factsOf, type SaveFacts, type SaveRequest } from './save-plan.js';
import type { Session, SessionHost } from './session.js';
import { SessionState } from './session-state.js';
import { policyOn, unavailable } from './store-outage.js';

interface CommitRequest extends SaveRequest {
  /** The session ends for good, and why: what begins after it in this request has another id. */
  end?: 'removed' | 'logout';
  /** The session ends, and an empty one takes its place. */
  restart?: boolean;
  /** The end of the request asks, not the application: what cannot be written is told by event. */
  automatic?: boolean;
  /** What a first look at the session gave, if there was one just now. */
  facts?: SaveFacts;
}

/**
 * One request's session, from cookie to cookie: load, use, commit.
 *
 * It is made when the session is first asked for (or, with a store, by the middleware), and holds
 * what the request knows of it: what was loaded, the object that handlers edit, and whether and
 * how that is to be written.
 *
 * @internal
 */
export class ContextSession implements SessionHost, HeaderListener {
  readonly state: SessionState;
  /** Whether the middleware is at work. What others change before and after is theirs to save. */
  isAtWork = false;
  /** The load that is under way, or was: `true` when nothing had to be waited for. */
  #loading: Promise<void> | true | undefined;
  #accessed = false;
  /** The commit that the next one waits for, whether or not it succeeds. */
  #queue: Promise<void> | undefined;
  #inBeforeSave = false;

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
    this.#touchHeaders();
    return state.materialise();
  }

  /** What `ctx.session = value` does. */
  set(value: unknown): void {
    const { state } = this;
    if (state.failure !== undefined) throw unavailable(state.failure, state);
    state.assign(value);
    this.#touchHeaders();
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
    const before = this.#queue;
    let settle = ignore;
    this.#queue = new Promise((resolve) => (settle = resolve));
    const work = this.#commitAfter(before, request);
    work.then(settle, settle);
    return work;
  }

  async #commitAfter(before: Promise<void> | undefined, request: CommitRequest): Promise<void> {
    if (before !== undefined) await before.then(ignore, ignore);
    await this.#commit(request);
  }

  /** Waits for nothing that need not be waited for: a cookie is written at once. */
  #commit(request: CommitRequest): void | Promise<void> {
    if (this.state.session === undefined && !this.#isDue(request)) return;
    if (this.state.failure !== undefined && !request.automatic)
      throw unavailable(this.state.failure, this.state);
    if (this.state.detached || this.state.failure !== undefined) return;
    // A lazy session that was replaced or removed without being read is read now.
    if (this.state.isUnread) {
      return after(this.load(), () => this.#carryOut(request));
    }
    return this.#carryOut(request);
  }

  #carryOut(request: CommitRequest): void | Promise<void> {
    try {
      const work = this.#stepOf(request);
      return work?.catch((error: unknown) => this.#commitFailed(error));
    } catch (error) {
      this.#commitFailed(error);
    }
  }

  #stepOf(request: CommitRequest): undefined | Promise<void> {
    if (request.restart) return this.#restart();
    if (this.state.session === null) {
      return this.#remove(request.end ?? 'removed', request.end !== undefined);
    }
    return this.#save(request, this.state.session ?? this.state.materialise());
  }

  #commitFailed(error: unknown): void {
    if ((error as Partial<SessionCommitError>).code === 'ERR_SESSION_CONFLICT') {
      emitFailure(this.state, 'conflict', error);
    }
    if (!(error instanceof StoreError) || policyOn(error, 'commit', this.state) === 'fail')
      throw error;
  }

  /** Whether a session that nobody asked for may be due for a write all the same. */
  #isDue({ save, regenerate, restart }: CommitRequest): boolean {
    // Somebody holds a session object from before it was loaded.
    if (save || regenerate || restart) return this.state.loaded;
    if (!this.state.isFound) return false;
    const { rolling, renew, idleTimeout, renewEvery } = this.state.options;
    return rolling || renew || idleTimeout !== undefined || renewEvery !== undefined;
  }

  async #remove(reason: DestroyReason, forGood: boolean): Promise<void> {
    if (this.state.removed) return;
    this.state.removed = true;
    await this.state.backing.remove(forGood);
    this.state.ended();
    sendClearSiteData(this.state.ctx, this.state.options.clearSiteData);
    emitFor(this.state, 'session:destroyed', { reason });
  }

  /** As express-session's `regenerate`: the session that begins has nothing of the one before. */
  async #restart(): Promise<void> {
    if (this.state.stored !== undefined) await this.#remove('regenerated', true);
    await this.state.backing.reset();
    this.state.restart();
    this.#touchHeaders();
  }

  #save(request: CommitRequest, session: Session): undefined | Promise<void> {
    const facts = request.facts ?? factsOf(session, request, this.state);
    const { reason } = facts;
    if (reason === undefined) return undefined;
    return this.state.options.beforeSave === undefined || this.#inBeforeSave
      ? this.#saveAs(facts, request, session)
      : this.#saveAfterHook(reason, request, session);
  }

  async #saveAfterHook(
    reason: CommitReason,
    request: CommitRequest,
    session: Session,
  ): Promise<void> {
    await this.#beforeSave(session);
    // The hook may have removed or replaced what was to be saved.
    if (this.state.session === null) return this.#remove('removed', false);
    const held = this.state.session ?? session;
    await this.#saveAs({ ...factsOf(held, request, this.state), reason }, request, held);
  }

  #saveAs(facts: SaveFacts, request: CommitRequest, session: Session): undefined | Promise<void> {
    const draft = draftOf(session, facts, this.state);
    if (request.change === undefined) return this.#write(draft, request);
    // The change may be a login: only when it has run is it known who the user is.
    return draft
      .apply(request.change, (...made) => decisionsAfter(session, request, this.state, ...made))
      .then(() => this.#write(draft, request));
  }

  #write(draft: Draft, request: CommitRequest): undefined | Promise<undefined> {
    const limit = sessionLimit(this.state.options, this.state.backing, draft, this.state.marks);
    if (limit !== undefined) return this.#writeWithin(limit, draft, request);
    return after(this.state.backing.write(draft), (outcome) =>
      this.#conclude(outcome, draft, request),
    );
  }

  async #writeWithin(
    limit: SessionLimit,
    draft: Draft,
    request: CommitRequest,
  ): Promise<undefined> {
    await limit.before();
    const outcome = await this.state.backing.write(draft);
    await this.#conclude(outcome, draft, request);
    if (outcome.status !== 'written') return undefined;
    try {
      for (let ended = await limit.after(); ended > 0; ended--) {
        emitFor(this.state, 'session:destroyed', { reason: 'limit' });
      }
    } catch (error) {
      if (!(error instanceof SessionCommitError)) throw error;
      this.state.detached = true;
      await this.state.backing.remove(true);
      throw error;
    }
    return undefined;
  }

  #conclude(
    outcome: WriteOutcome,
    draft: Draft,
    request: CommitRequest,
  ): undefined | Promise<undefined> {
    if (outcome.status === 'rotate') return this.#write(draft, request);
    if (outcome.status === 'gone') this.#gone(request);
    else this.#wrote(draft, outcome);
    return undefined;
  }

  /** Commits that the hook asks for must not wait for the one that waits for the hook. */
  async #beforeSave(session: Session): Promise<void> {
    const queue = this.#queue;
    this.#queue = undefined;
    this.#inBeforeSave = true;
    try {
      await this.state.options.beforeSave?.(this.state.ctx, session);
    } finally {
      await this.#queue;
      this.#inBeforeSave = false;
      this.#queue = queue;
    }
  }

  #wrote(draft: Draft, outcome: { created: boolean; merges: number }): void {
    this.state.wrote(draft);
    // What ended before in this request has a successor, whose cookie the browser must keep.
    takeBackClearSiteData(this.state.ctx, this.state.options.clearSiteData);
    if (outcome.created) emitFor(this.state, 'session:created', {});
    if (draft.regenerate !== undefined) {
      emitFor(this.state, 'session:regenerated', { reason: draft.regenerate });
    }
    if (outcome.merges > 0) emitFor(this.state, 'session:merged', { attempts: outcome.merges });
    emitFor(this.state, 'session:saved', { reason: draft.reason });
  }

  /** The session was ended while this request ran: it stays ended, and the client gets no cookie. */
  #gone(request: CommitRequest): void {
    this.state.detached = true;
    const error = new SessionCommitError(
      'ERR_SESSION_GONE',
      'the session was destroyed while this request ran: what the request changed is not saved',
    );
    emitFailure(this.state, 'gone', error);
    if (!request.automatic) throw error;
  }

  /** @see Session.update */
  async update(change: Change): Promise<void> {
    const session = await this.ready();
    if (session === null) this.#gone({});
    await this.commit({ change });
  }

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
    const request: CommitRequest = { automatic: true };
    if (autoCommit && !this.#isClean(request)) {
      const work = this.#commitLast(request);
      if (work !== undefined) return work.then(() => this.#tellCaches());
    }
    this.#tellCaches();
    return undefined;
  }

  /** The request's last commit: where nothing is under way and no hook commits, there is no queue. */
  #commitLast(request: CommitRequest): void | Promise<void> {
    if (this.#queue !== undefined || this.state.options.beforeSave !== undefined) {
      return this.commit(request);
    }
    const work = this.#commit(request);
    if (work !== undefined) this.#queue = work;
    return work;
  }

  /** Whether there is certainly nothing to write; what the look at the session gave stays in `request`. */
  #isClean(request: CommitRequest): boolean {
    if (this.state.session === undefined) return !this.#isDue(request);
    if (this.state.session === null || this.#queue !== undefined) return false;
    if (this.state.failure !== undefined || this.state.isUnread) return false;
    request.facts = factsOf(this.state.session, request, this.state);
    return request.facts.reason === undefined;
  }

  /** From the first access on, the headers must not leave without the session's cookie. */
  #touchHeaders(): void {
    if (this.#accessed) return;
    this.#accessed = true;
    if (!this.state.options.autoCommit) return;
    beforeHeaders(this.state.ctx.res, this);
  }

  /** Also once all is written: what middleware further out set then may have undone `Vary`. */
  beforeHeaders(): void {
    this.#announce();
    this.#tellCaches();
  }

  /** Headers are about to leave before the request has ended: the cookie must go with them. */
  #announce(): void {
    if (!this.isAtWork || this.state.detached || this.state.failure !== undefined) return;
    try {
      if (this.state.session === null) {
        if (this.state.removed) return;
        this.state.backing.announce(undefined);
      } else if (this.state.session !== undefined) {
        const facts = factsOf(this.state.session, {}, this.state);
        if (facts.reason === undefined) return;
        takeBackClearSiteData(this.state.ctx, this.state.options.clearSiteData);
        this.state.backing.announce(draftOf(this.state.session, facts, this.state));
      }
      // What is written once the headers have left hands out no cookie a second time.
      this.#queue ??= Promise.resolve();
      this.commit({ automatic: true }).catch(ignore);
    } catch (error) {
      emitFailure(this.state, 'headers-sent', error);
    }
  }

  #tellCaches(): void {
    if (!this.#accessed || !this.state.options.cacheHeaders || this.state.options.externalKey)
      return;
    sendCacheHeaders(this.state.ctx, this.state.written || this.state.removed);
  }
}

function ignore(): void {
  // The error has been told by event or thrown to whoever awaits it.
}
