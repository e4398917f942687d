import { SessionCommitError, StoreError } from '../errors.js';
import { asItIs } from './awaitable.js';
import type { WriteOutcome } from './backing/backing.js';
import type { Draft } from './backing/draft.js';
import type { CommitQueue } from './commit-queue.js';
import type { CommitReason } from './commit-reason.js';
import { type DestroyReason, emitFailure, emitFor } from './events.js';
import { sendClearSiteData, takeBackClearSiteData } from './http/clear-site-data.js';
import { type SessionLimit, sessionLimit } from './rules/session-limit.js';
import { decisionsAfter, draftOf, factsOf, type SaveFacts, type SaveRequest } from './save-plan.js';
import type { Session } from './session.js';
import type { SessionState } from './session-state.js';
import { policyOn, unavailable } from './store-outage.js';

/** What a commit was asked to do. @internal */
export interface CommitRequest extends SaveRequest {
  /** The session ends for good, and why: what begins after it in this request has another id. */
  end?: 'removed' | 'logout';
  /** The session ends, and an empty one takes its place. */
  restart?: boolean;
  /** The end of the request asks, not the application: what cannot be written is told by event. */
  automatic?: boolean;
}

/**
 * One commit: brings what is stored of a request's session to what its handlers made of it. The
 * session is saved, removed, or ended and begun anew, and the state follows.
 *
 * @internal
 */
export class Commit {
  readonly #state: SessionState;
  readonly #queue: CommitQueue;
  readonly #request: CommitRequest;
  /** What a first look at the session gave, if there was one just now. */
  #facts: SaveFacts | undefined;

  constructor(state: SessionState, queue: CommitQueue, request: CommitRequest) {
    this.#state = state;
    this.#queue = queue;
    this.#request = request;
  }

  /** Whether there is certainly nothing to write. */
  isIdle(): boolean {
    const state = this.#state;
    const { session } = state;
    if (session === undefined) return !this.#isDueUnasked();
    if (session === null || !this.#queue.isUnused) return false;
    if (state.failure !== undefined || state.isUnread) return false;
    this.#facts = factsOf(session, this.#request, state);
    return this.#facts.reason === undefined;
  }

  /**
   * Whether there is something to carry out.
   *
   * @throws StoreError where the application asks, and the session could not be loaded.
   */
  isDue(): boolean {
    const { session, failure, detached } = this.#state;
    if (session === undefined && !this.#isDueUnasked()) return false;
    if (failure === undefined) return !detached;
    if (!this.#request.automatic) throw unavailable(failure, this.#state);
    return false;
  }

  /** Whether a session that nobody asked for may be due for a write all the same. */
  #isDueUnasked(): boolean {
    const { save, regenerate, restart } = this.#request;
    // Somebody holds a session object from before it was loaded.
    if (save || regenerate || restart) return this.#state.loaded;
    if (!this.#state.isFound) return false;
    const { rolling, renew, idleTimeout, renewEvery } = this.#state.options;
    return rolling || renew || idleTimeout !== undefined || renewEvery !== undefined;
  }

  /**
   * Gives the client its cookie, ahead of what is written: the headers are about to leave.
   *
   * @returns whether there may be something to carry out.
   */
  announce(): boolean {
    const state = this.#state;
    const { session, backing, isUnread } = state;
    if (session === null) {
      if (state.removed) return false;
      backing.announce(undefined, isUnread);
      sendClearSiteData(state.ctx, state.options.clearSiteData);
    } else if (session !== undefined) {
      const facts = factsOf(session, { ...this.#request, headersLeave: true }, state);
      if (facts.reason === undefined) return false;
      takeBackClearSiteData(state.ctx, state.options.clearSiteData);
      backing.announce(draftOf(session, facts, state), isUnread);
    }
    return true;
  }

  /**
   * Waits for nothing that need not be waited for: a cookie is written at once.
   *
   * @param done called when it has gone well, or what went wrong is to be passed over.
   */
  carryOut(done: () => void): void | Promise<void> {
    try {
      const work = this.#step();
      if (work !== undefined) {
        return work.then(done, (error: unknown) => {
          this.#failed(error);
          done();
        });
      }
    } catch (error) {
      this.#failed(error);
    }
    done();
  }

  #step(): undefined | Promise<void> {
    const { end, restart } = this.#request;
    if (restart) return this.#restart();
    const { session } = this.#state;
    if (session === null) return this.#remove(end ?? 'removed', end !== undefined);
    return this.#save(session ?? this.#state.materialise());
  }

  #failed(error: unknown): void {
    if ((error as Partial<SessionCommitError>).code === 'ERR_SESSION_CONFLICT') {
      emitFailure(this.#state, 'conflict', error);
    }
    if (!(error instanceof StoreError)) throw error;
    if (policyOn(error, 'commit', this.#state) === 'fail') throw error;
  }

  async #remove(reason: DestroyReason, forGood: boolean): Promise<void> {
    const state = this.#state;
    if (state.removed) return;
    state.ending();
    await state.backing.remove(forGood);
    state.ended();
    sendClearSiteData(state.ctx, state.options.clearSiteData);
    emitFor(state, 'session:destroyed', { reason });
  }

  /** As express-session's `regenerate`: the session that begins has nothing of the one before. */
  async #restart(): Promise<void> {
    if (this.#state.stored !== undefined) await this.#remove('regenerated', true);
    await this.#state.backing.reset();
    this.#state.restart();
  }

  #save(session: Session): undefined | Promise<void> {
    const facts = this.#facts ?? factsOf(session, this.#request, this.#state);
    const { reason } = facts;
    if (reason === undefined) return undefined;
    return this.#state.options.beforeSave === undefined || this.#queue.isInHook
      ? this.#saveAs(facts, session)
      : this.#saveAfterHook(reason, session);
  }

  async #saveAfterHook(reason: CommitReason, session: Session): Promise<void> {
    const state = this.#state;
    await this.#queue.runHook(() => state.options.beforeSave?.(state.ctx, session));
    // The hook may have removed or replaced what was to be saved.
    if (state.session === null) return this.#remove('removed', false);
    const held = state.session ?? session;
    await this.#saveAs({ ...factsOf(held, this.#request, state), reason }, held);
  }

  #saveAs(facts: SaveFacts, session: Session): undefined | Promise<void> {
    const state = this.#state;
    const request = this.#request;
    const draft = draftOf(session, facts, state);
    if (request.change === undefined) return this.#write(draft);
    // The change may be a login: only when it has run is it known who the user is.
    return draft
      .apply(request.change, (...made) => decisionsAfter(session, request, state, ...made))
      .then(() => this.#write(draft));
  }

  #write(draft: Draft): undefined | Promise<undefined> {
    const { options, backing, marks } = this.#state;
    const limit = sessionLimit(options, backing, draft, marks);
    if (limit !== undefined) return this.#writeWithin(limit, draft);
    return backing.write(draft, (outcome) => this.#conclude(outcome, draft));
  }

  async #writeWithin(limit: SessionLimit, draft: Draft): Promise<undefined> {
    const state = this.#state;
    await limit.before();
    const outcome = await state.backing.write<WriteOutcome>(draft, asItIs);
    await this.#conclude(outcome, draft);
    if (outcome.status !== 'written') return undefined;
    try {
      for (let ended = await limit.after(); ended > 0; ended--) {
        emitFor(state, 'session:destroyed', { reason: 'limit' });
      }
    } catch (error) {
      if (!(error instanceof SessionCommitError)) throw error;
      state.detach();
      await state.backing.remove(true);
      throw error;
    }
    return undefined;
  }

  #conclude(outcome: WriteOutcome, draft: Draft): undefined | Promise<undefined> {
    if (outcome.status === 'rotate') return this.#write(draft);
    if (outcome.status === 'written') {
      this.#wrote(draft, outcome);
    } else {
      const error = gone(this.#state);
      if (!this.#request.automatic) throw error;
    }
    return undefined;
  }

  #wrote(draft: Draft, outcome: { created: boolean; merges: number }): void {
    const state = this.#state;
    state.wrote(draft);
    // What ended before in this request has a successor, whose cookie the browser must keep.
    takeBackClearSiteData(state.ctx, state.options.clearSiteData);
    if (outcome.created) emitFor(state, 'session:created', {});
    if (draft.regenerate !== undefined) {
      emitFor(state, 'session:regenerated', { reason: draft.regenerate });
    }
    if (outcome.merges > 0) emitFor(state, 'session:merged', { attempts: outcome.merges });
    emitFor(state, 'session:saved', { reason: draft.reason });
  }
}

/**
 * The session was ended while this request ran: it stays ended, and the client gets no cookie.
 *
 * @returns the error for whoever wanted to change it.
 * @internal
 */
export function gone(state: SessionState): SessionCommitError {
  state.detach();
  const error = new SessionCommitError(
    'ERR_SESSION_GONE',
    'the session was destroyed while this request ran: what the request changed is not saved',
  );
  emitFailure(state, 'gone', error);
  return error;
}
