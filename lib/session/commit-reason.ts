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
