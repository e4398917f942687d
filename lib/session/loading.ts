import { SessionStateError, StoreError } from '../errors.js';
import { after, asItIs, type Awaitable, isThenable } from './awaitable.js';
import type { Backing, Loaded } from './backing/backing.js';
import { KnownRecord } from './backing/known-record.js';
import { StoreBacking } from './backing/store-backing.js';
import { type DestroyReason, emitFailure, emitFor, emitRecordEvent } from './events.js';
import { type Verdict, verdictOn } from './rules/verdict.js';
import type { SessionState } from './session-state.js';
import { policyOn } from './store-outage.js';

/**
 * Loads a request's session: reads what the client or the store has, checks it, and leaves in
 * `state` the record that passed, none, or why there is none to be had.
 *
 * @param id the id to read by, where it is known better than by what the client sent.
 * @returns `undefined` where nothing has to be waited for. Rejects only where a hook of the
 * application fails.
 * @internal
 */
export function loadInto(state: SessionState, id?: string): Promise<void> | undefined {
  state.beforeLoad();
  let work: void | Promise<void>;
  try {
    work = (state.backing as Backing).load((loaded) => judge(state, loaded), id);
  } catch (error) {
    work = Promise.reject(error as Error);
  }
  return isThenable(work) ? work.catch((error: unknown) => loadFailed(state, error)) : undefined;
}

/**
 * Loads from the cookie at once.
 *
 * @throws SessionStateError ERR_SESSION_ASYNC_HOOK for a hook that would have to be awaited.
 * @internal
 */
export function loadNow(state: SessionState): void {
  const loaded = (state.backing as Backing).load<Loaded>(asItIs);
  if (isThenable(loaded)) throw asyncHook('decode', loaded);
  const verdict = verdictOn(state.ctx, state.options, loaded);
  if (isThenable(verdict)) throw asyncHook('valid', verdict);
  const settled = settle(state, loaded, verdict);
  if (isThenable(settled)) throw asyncHook('genid', settled);
}

function judge(state: SessionState, loaded: Loaded): void | Promise<void> {
  return after(verdictOn(state.ctx, state.options, loaded), (verdict) =>
    after(settle(state, loaded, verdict), () =>
      verdict === 'expired' || verdict === 'invalid' ? discard(state, verdict) : undefined,
    ),
  );
}

function settle(state: SessionState, loaded: Loaded, verdict: Verdict): Awaitable<unknown> {
  if (loaded.status === 'found' && verdict === 'accepted') {
    state.settle(loaded);
    return undefined;
  }
  state.settle(undefined);
  if (verdict === 'foreign') {
    emitFor(state, 'session:refused', { reason: 'binding' });
  } else if (loaded.status === 'found' && verdict !== 'none' && verdict !== 'accepted') {
    emitRecordEvent(state.ctx.app, `session:${verdict}`, {
      key: state.backing.offered,
      value: loaded instanceof KnownRecord ? loaded.whole() : loaded.record,
      ctx: state.ctx,
    });
  }
  return state.backing.reset();
}

async function discard(state: SessionState, reason: DestroyReason): Promise<void> {
  if (!(state.backing instanceof StoreBacking)) return;
  try {
    await state.backing.discard();
    emitFor(state, 'session:destroyed', { reason });
  } catch (error) {
    // The record is no good either way: that it could not be removed must not fail the request.
    emitFailure(state, 'store', error);
  }
}

function loadFailed(state: SessionState, error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
  state.settleWithout(policyOn(error, 'load', state) === 'fail' ? error : undefined);
}

function asyncHook(hook: string, pending: PromiseLike<unknown>): SessionStateError {
  // The promise is not awaited: its rejection must not end the process.
  pending.then(undefined, () => undefined);
  return new SessionStateError(
    'ERR_SESSION_ASYNC_HOOK',
    `"${hook}" gave a promise, but ctx.session is read synchronously: set load: 'eager' or load: 'lazy'`,
  );
}
