import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import { SessionCommitError, SessionStateError, StoreError } from '../errors.js';
import { after, type Awaitable, isThenable } from './awaitable.js';
import type { Backing, Found, Loaded, WriteOutcome } from './backing/backing.js';
import { sendCacheHeaders } from './http/cache-headers.js';
import { sendClearSiteData, takeBackClearSiteData } from './http/clear-site-data.js';
import { CookieBacking } from './backing/cookie-backing.js';
import type { Change, Draft } from './backing/draft.js';
import type { CommitReason } from './commit-reason.js';
import { type DestroyReason, emitFailure, emitFor, emitRecordEvent } from './events.js';
import { beforeHeaders, type HeaderListener } from './http/header-watch.js';
import { lazySession } from './lazy-session.js';
import type { ResolvedSessionOptions } from './options.js';
import { isMaxAge } from './rules/max-age.js';
import { type Marks, marksOf, NO_MARKS } from './rules/marks.js';
import { isDataKey, type RecordFields } from './backing/record.js';
import { type SessionLimit, sessionLimit } from './rules/session-limit.js';
import { type Verdict, verdictOn } from './rules/verdict.js';
import {
  decisionsAfter,
  draftOf,
  factsOf,
  type SaveFacts,
  type SaveRequest,
  type SaveState,
} from './save-plan.js';
import { RESERVED_KEYS, Session, type SessionHost } from './session.js';
import { StoreBacking } from './backing/store-backing.js';
import { cloneOf } from './backing/json-copy.js';
import { KnownRecord } from './backing/known-record.js';
import { Snapshot } from './backing/snapshot.js';
import type { SessionRecord } from './store.js';

const CSRF_BYTES = 16;

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
export class ContextSession implements SessionHost, SaveState, HeaderListener {
  readonly ctx: Context;
  maxAge: number | 'session' | undefined;
  expire: number | undefined;
  requireSave = false;
  requireTouch = false;

  /** What `maxAge` was before any record told its own. */
  #initialMaxAge: number | 'session' | undefined;
  /** The options of this request: shared until someone changes them for this request alone. */
  options: ResolvedSessionOptions;
  #optionsAreOwn = false;
  readonly #backing: CookieBacking | StoreBacking;
  /** `undefined`: nobody asked yet. `null`: removed. */
  #session: Session | null | undefined;
  /** A record that is loaded and valid, until somebody asks for the session. */
  #found: Found | undefined;
  stored: Snapshot | undefined;
  marks: Marks = NO_MARKS;
  newMarks: Marks = NO_MARKS;
  /** The load that is under way, or was: `true` when nothing had to be waited for. */
  #loading: Promise<void> | true | undefined;
  #loaded = false;
  #accessed = false;
  #failure: StoreError | undefined;
  /** The request goes on without its session: nothing more is written. */
  #detached = false;
  written = false;
  #removed = false;
  /** Whether the middleware is at work. What others change before and after is theirs to save. */
  isAtWork = false;
  /** The commit that the next one waits for, whether or not it succeeds. */
  #queue: Promise<void> | undefined;
  #inBeforeSave = false;

  constructor(ctx: Context, options: ResolvedSessionOptions) {
    this.ctx = ctx;
    this.options = options;
    this.maxAge = this.#initialMaxAge = options.maxAge;
    const store = options.ContextStore ? new options.ContextStore(ctx) : options.store;
    this.#backing = store === undefined ? new CookieBacking(this) : new StoreBacking(this, store);
  }

  /** `ctx.sessionOptions`: a copy that a handler may change for this request. */
  get ownOptions(): ResolvedSessionOptions {
    if (!this.#optionsAreOwn) {
      this.options = Object.defineProperty({ ...this.options }, 'maxAge', {
        configurable: true,
        enumerable: true,
        get: () => this.maxAge,
        set: (value: number | 'session' | undefined) => {
          this.maxAge = this.#initialMaxAge = value;
        },
      });
      this.#optionsAreOwn = true;
    }
    return this.options;
  }

  get externalKey(): string | undefined {
    return this.#backing.id;
  }

  /** What `ctx.session` gives. */
  get(): Session | null {
    if (this.#session !== undefined) return this.#session;
    if (this.#failure !== undefined) throw this.#unavailable(this.#failure);
    if (!this.#loaded) {
      if (this.options.load === 'lazy') return lazySession(() => this.ready());
      // Before the middleware, a stored session cannot be read: it is empty, and what is written
      // to it is dropped when the middleware loads the real one.
      if (this.#backing instanceof CookieBacking) this.#loadNow();
      else this.#claimId();
    }
    this.#touchHeaders();
    return this.#materialise();
  }

  /** What `ctx.session = value` does. */
  set(value: unknown): void {
    if (this.#failure !== undefined) throw this.#unavailable(this.#failure);
    // What is replaced counts as loaded, read or not: the commit compares with it.
    if (this.#session === undefined && this.#found !== undefined) this.#materialise();
    if (value === null) {
      this.#session = null;
      this.requireSave = false;
    } else if (typeof value === 'object') {
      this.requireSave = false;
      this.#claimId();
      this.expire = undefined;
      const session = new Session(this, false);
      this.#restoreFields(value as SessionRecord);
      if (Object.hasOwn(value, 'maxAge')) session.maxAge = (value as { maxAge?: number }).maxAge;
      this.#fill(session, value as SessionRecord);
      this.#session = session;
    } else {
      throw new Error('this.session can only be set as null or an object.');
    }
    this.#removed = false;
    this.#touchHeaders();
  }

  /** koa-session asks `genid` as soon as there is a session, and applications see that. */
  #claimId(): void {
    if (this.options.genid !== undefined) void this.#backing.id;
  }

  /** The session, loaded. */
  async ready(): Promise<Session | null> {
    if (this.#session === undefined) await this.load();
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
    this.#loading = this.#loadBy(id) ?? true;
  }

  #loadBy(id: string | undefined): Promise<void> | undefined {
    // Whatever was done to the session before it could be read is dropped, as in koa-session.
    if (this.options.load !== 'lazy') {
      this.#session = undefined;
      this.requireSave = false;
      this.written = false;
      this.#removed = false;
      this.stored = undefined;
      this.expire = undefined;
    }
    let work: void | Promise<void>;
    try {
      work = after((this.#backing as Backing).load(id), (loaded) => this.#judge(loaded));
    } catch (error) {
      work = Promise.reject(error as Error);
    }
    return isThenable(work) ? work.catch((error: unknown) => this.#loadFailed(error)) : undefined;
  }

  #judge(loaded: Loaded): void | Promise<void> {
    return after(verdictOn(this.ctx, this.options, loaded), (verdict) =>
      after(this.#settle(loaded, verdict), () =>
        verdict === 'expired' || verdict === 'invalid' ? this.#discard(verdict) : undefined,
      ),
    );
  }

  #loadFailed(error: unknown): void {
    if (!(error instanceof StoreError)) throw error;
    if (this.#policy(error, 'load') === 'fail') this.#failure = error;
    else this.#detached = true;
    this.#loaded = true;
  }

  /** Loads from the cookie at once; hooks that need to be awaited are refused here. */
  #loadNow(): void {
    const loaded = this.#backing.load();
    if (isThenable(loaded)) throw asyncHook('decode', loaded);
    const verdict = verdictOn(this.ctx, this.options, loaded);
    if (isThenable(verdict)) throw asyncHook('valid', verdict);
    const settled = this.#settle(loaded, verdict);
    if (isThenable(settled)) throw asyncHook('genid', settled);
  }

  #settle(loaded: Loaded, verdict: Verdict): Awaitable<unknown> {
    this.#loaded = true;
    // A hook may have asked for the session while it was being loaded, and have got an empty one.
    if (this.options.load !== 'lazy') this.#session = undefined;
    if (loaded.status === 'found' && verdict === 'accepted') {
      const record = loaded.record as SessionRecord;
      this.#found = loaded;
      this.#restoreFields(record);
      this.marks = marksOf(record);
      this.#backing.adopt();
      return undefined;
    }
    if (verdict === 'foreign') {
      emitFor(this, 'session:refused', { reason: 'binding' });
    } else if (loaded.status === 'found' && verdict !== 'none' && verdict !== 'accepted') {
      emitRecordEvent(this.ctx.app, `session:${verdict}`, {
        key: this.#backing.offered,
        value: loaded instanceof KnownRecord ? cloneOf(loaded.record) : loaded.record,
        ctx: this.ctx,
      });
    }
    return this.#backing.reset();
  }

  async #discard(reason: DestroyReason): Promise<void> {
    if (!(this.#backing instanceof StoreBacking)) return;
    try {
      await this.#backing.discard();
      emitFor(this, 'session:destroyed', { reason });
    } catch (error) {
      // The record is no good either way: that it could not be removed must not fail the request.
      emitFailure(this, 'store', error);
    }
  }

  /** The session object, made of what was loaded when it is first needed. */
  #materialise(): Session {
    const found = this.#found;
    const session = new Session(this, found === undefined);
    this.#found = undefined;
    if (found instanceof KnownRecord) {
      found.fill(session);
      this.stored = found.data;
    } else if (found !== undefined) {
      this.stored = Snapshot.of(this.#fill(session, found.record as SessionRecord));
    }
    this.#session = session;
    return session;
  }

  /** @returns the data that the session got. */
  #fill(session: Session, record: SessionRecord): Record<string, unknown> {
    const data: Record<string, unknown> = {};
    for (const key of Object.keys(record)) {
      if (isDataKey(key)) {
        (session as unknown as Record<string, unknown>)[key] = data[key] = record[key];
      } else if (RESERVED_KEYS.has(key) && key !== 'isNew' && key !== 'maxAge') {
        this.refuse('reserved-key');
      }
    }
    return data;
  }

  #restoreFields({ _maxAge, _session, _expire }: SessionRecord & RecordFields): void {
    if (typeof _maxAge === 'number' && isMaxAge(_maxAge)) this.maxAge = _maxAge;
    if (_session !== undefined) this.maxAge = 'session';
    if (typeof _expire === 'number') this.expire = _expire;
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
    if (this.#session === undefined && !this.#isDue(request)) return;
    if (this.#failure !== undefined && !request.automatic) throw this.#unavailable(this.#failure);
    if (this.#detached || this.#failure !== undefined) return;
    // A lazy session that was replaced or removed without being read is read now.
    if (!this.#loaded && this.options.load === 'lazy') {
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
    if (this.#session === null) {
      return this.#remove(request.end ?? 'removed', request.end !== undefined);
    }
    return this.#save(request, this.#session ?? this.#materialise());
  }

  #commitFailed(error: unknown): void {
    if ((error as Partial<SessionCommitError>).code === 'ERR_SESSION_CONFLICT') {
      emitFailure(this, 'conflict', error);
    }
    if (!(error instanceof StoreError) || this.#policy(error, 'commit') === 'fail') throw error;
  }

  /** Whether a session that nobody asked for may be due for a write all the same. */
  #isDue({ save, regenerate, restart }: CommitRequest): boolean {
    // Somebody holds a session object from before it was loaded.
    if (save || regenerate || restart) return this.#loaded;
    if (this.#found === undefined) return false;
    const { rolling, renew, idleTimeout, renewEvery } = this.options;
    return rolling || renew || idleTimeout !== undefined || renewEvery !== undefined;
  }

  async #remove(reason: DestroyReason, forGood: boolean): Promise<void> {
    if (this.#removed) return;
    this.#removed = true;
    await this.#backing.remove(forGood);
    this.stored = undefined;
    this.marks = NO_MARKS;
    this.newMarks = NO_MARKS;
    sendClearSiteData(this.ctx, this.options.clearSiteData);
    emitFor(this, 'session:destroyed', { reason });
  }

  /** As express-session's `regenerate`: the session that begins has nothing of the one before. */
  async #restart(): Promise<void> {
    if (this.stored !== undefined) await this.#remove('regenerated', true);
    await this.#backing.reset();
    this.newMarks = NO_MARKS;
    this.written = false;
    this.requireSave = false;
    this.requireTouch = false;
    this.expire = undefined;
    this.maxAge = this.#initialMaxAge;
    this.#session = new Session(this, true);
    this.#touchHeaders();
  }

  #save(request: CommitRequest, session: Session): undefined | Promise<void> {
    const facts = request.facts ?? factsOf(session, request, this);
    const { reason } = facts;
    if (reason === undefined) return undefined;
    return this.options.beforeSave === undefined || this.#inBeforeSave
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
    if (this.#session === null) return this.#remove('removed', false);
    const held = this.#session ?? session;
    await this.#saveAs({ ...factsOf(held, request, this), reason }, request, held);
  }

  #saveAs(facts: SaveFacts, request: CommitRequest, session: Session): undefined | Promise<void> {
    const draft = draftOf(session, facts, this);
    if (request.change === undefined) return this.#write(draft, request);
    // The change may be a login: only when it has run is it known who the user is.
    return draft
      .apply(request.change, (...made) => decisionsAfter(session, request, this, ...made))
      .then(() => this.#write(draft, request));
  }

  #write(draft: Draft, request: CommitRequest): undefined | Promise<undefined> {
    const limit = sessionLimit(this.options, this.#backing, draft, this.marks);
    if (limit !== undefined) return this.#writeWithin(limit, draft, request);
    return after(this.#backing.write(draft), (outcome) => this.#conclude(outcome, draft, request));
  }

  async #writeWithin(
    limit: SessionLimit,
    draft: Draft,
    request: CommitRequest,
  ): Promise<undefined> {
    await limit.before();
    const outcome = await this.#backing.write(draft);
    await this.#conclude(outcome, draft, request);
    if (outcome.status !== 'written') return undefined;
    try {
      for (let ended = await limit.after(); ended > 0; ended--) {
        emitFor(this, 'session:destroyed', { reason: 'limit' });
      }
    } catch (error) {
      if (!(error instanceof SessionCommitError)) throw error;
      this.#detached = true;
      await this.#backing.remove(true);
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
      await this.options.beforeSave?.(this.ctx, session);
    } finally {
      await this.#queue;
      this.#inBeforeSave = false;
      this.#queue = queue;
    }
  }

  #wrote(draft: Draft, outcome: { created: boolean; merges: number }): void {
    this.stored = draft.data;
    // What ended before in this request has a successor, whose cookie the browser must keep.
    takeBackClearSiteData(this.ctx, this.options.clearSiteData);
    this.#removed = false;
    this.requireSave = false;
    this.requireTouch = false;
    this.written = true;
    this.marks = draft.marks;
    this.newMarks = NO_MARKS;
    this.expire = draft.lifetime.fields._expire;
    if (outcome.created) emitFor(this, 'session:created', {});
    if (draft.regenerate !== undefined) {
      emitFor(this, 'session:regenerated', { reason: draft.regenerate });
    }
    if (outcome.merges > 0) emitFor(this, 'session:merged', { attempts: outcome.merges });
    emitFor(this, 'session:saved', { reason: draft.reason });
  }

  /** The session was ended while this request ran: it stays ended, and the client gets no cookie. */
  #gone(request: CommitRequest): void {
    this.#detached = true;
    const error = new SessionCommitError(
      'ERR_SESSION_GONE',
      'the session was destroyed while this request ran: what the request changed is not saved',
    );
    emitFailure(this, 'gone', error);
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
    const restart = calledBack && this.options.callbackStyle === 'express-session';
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

  csrfBinding(make: boolean): string | undefined {
    const binding = this.newMarks._csrf ?? this.marks._csrf;
    if (binding !== undefined || !make) return binding;
    const made = randomBytes(CSRF_BYTES).toString('base64url');
    this.newMarks = { ...this.newMarks, _csrf: made };
    this.requireSave = true;
    return made;
  }

  get storeKey(): string | undefined {
    return this.#backing.storeKey;
  }

  async reload(): Promise<void> {
    this.#session = undefined;
    this.#found = undefined;
    this.#loading = undefined;
    this.#loaded = false;
    this.requireSave = false;
    this.requireTouch = false;
    this.maxAge = this.#initialMaxAge;
    this.stored = undefined;
    // A session that got a new id in this request lies under that one.
    const id = this.#backing.storeKey === undefined ? undefined : this.#backing.id;
    this.#loadOnce(id);
    await this.load();
  }

  refuse(reason: 'reserved-key'): void {
    emitFor(this, 'session:refused', { reason });
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
    if (this.#queue !== undefined || this.options.beforeSave !== undefined) {
      return this.commit(request);
    }
    const work = this.#commit(request);
    if (work !== undefined) this.#queue = work;
    return work;
  }

  /** Whether there is certainly nothing to write; what the look at the session gave stays in `request`. */
  #isClean(request: CommitRequest): boolean {
    if (this.#session === undefined) return !this.#isDue(request);
    if (this.#session === null || this.#queue !== undefined) return false;
    if (this.#failure !== undefined || (!this.#loaded && this.options.load === 'lazy'))
      return false;
    request.facts = factsOf(this.#session, request, this);
    return request.facts.reason === undefined;
  }

  /** From the first access on, the headers must not leave without the session's cookie. */
  #touchHeaders(): void {
    if (this.#accessed) return;
    this.#accessed = true;
    if (!this.options.autoCommit) return;
    beforeHeaders(this.ctx.res, this);
  }

  /** Also once all is written: what middleware further out set then may have undone `Vary`. */
  beforeHeaders(): void {
    this.#announce();
    this.#tellCaches();
  }

  /** Headers are about to leave before the request has ended: the cookie must go with them. */
  #announce(): void {
    if (!this.isAtWork || this.#detached || this.#failure !== undefined) return;
    try {
      if (this.#session === null) {
        if (this.#removed) return;
        this.#backing.announce(undefined);
      } else if (this.#session !== undefined) {
        const facts = factsOf(this.#session, {}, this);
        if (facts.reason === undefined) return;
        takeBackClearSiteData(this.ctx, this.options.clearSiteData);
        this.#backing.announce(draftOf(this.#session, facts, this));
      }
      // What is written once the headers have left hands out no cookie a second time.
      this.#queue ??= Promise.resolve();
      this.commit({ automatic: true }).catch(ignore);
    } catch (error) {
      emitFailure(this, 'headers-sent', error);
    }
  }

  #tellCaches(): void {
    if (!this.#accessed || !this.options.cacheHeaders || this.options.externalKey) return;
    sendCacheHeaders(this.ctx, this.written || this.#removed);
  }

  #policy(error: StoreError, step: 'load' | 'commit'): 'fail' | 'anonymous' {
    emitFailure(this, 'store', error);
    const policy = this.options.onStoreError;
    return typeof policy === 'function' ? policy(error, this.ctx, step) : policy;
  }

  /** Koa drops an answer's headers on an error; Nest keeps them: say it in both places. */
  #unavailable(error: StoreError): StoreError {
    if (!this.ctx.headerSent) this.ctx.set(error.headers);
    return error;
  }
}

function asyncHook(hook: string, pending: PromiseLike<unknown>): SessionStateError {
  // The promise is not awaited: its rejection must not end the process.
  pending.then(ignore, ignore);
  return new SessionStateError(
    'ERR_SESSION_ASYNC_HOOK',
    `"${hook}" gave a promise, but ctx.session is read synchronously: set load: 'eager' or load: 'lazy'`,
  );
}

function ignore(): void {
  // The error has been told by event or thrown to whoever awaits it.
}
