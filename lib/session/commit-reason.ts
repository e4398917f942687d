/**
 * Why a session is written (or removed) at the end of a request.
 *
 * - `removed`: a handler set `ctx.session = null`.
 * - `forced`: `save()`, `regenerate()` or a new `maxAge` asked for it.
 * - `changed`: the data differs from what was loaded.
 * - `rolling`: the option `rolling` prolongs on every request.
 * - `renew`: the option `renew`, and less than half of `maxAge` is left.
 *
 * @publicApi
 */
export type CommitReason = 'removed' | 'forced' | 'changed' | 'rolling' | 'renew';

/** The facts that decide. @internal */
export interface CommitFacts {
  removed: boolean;
  forced: boolean;
  /** Whether the session came from a client's cookie or record, or was written in this request. */
  stored: boolean;
  /** Whether the session holds at least one data key. */
  populated: boolean;
  /** Whether the data differs from what is stored. Asked for only when nothing else decides. */
  changed: () => boolean;
  rolling: boolean;
  renew: boolean;
  /** The record's `_expire`, epoch milliseconds. */
  expire: number | undefined;
  maxAge: number | 'session' | undefined;
  /** Epoch milliseconds. */
  now: number;
}

/**
 * Whether, and why, a session is written: the one place that decides. `undefined`: it is not.
 *
 * @see koa-session 7.0.2, `ContextSession._shouldSaveSession`
 * @internal
 */
export function commitReason(facts: CommitFacts): CommitReason | undefined {
  if (facts.removed) return 'removed';
  if (facts.forced) return 'forced';
  if (!facts.stored && !facts.populated) return undefined;
  if (facts.changed()) return 'changed';
  if (facts.rolling) return 'rolling';
  if (facts.renew && facts.expire !== undefined && typeof facts.maxAge === 'number') {
    if (facts.expire - facts.now < facts.maxAge / 2) return 'renew';
  }
  return undefined;
}
