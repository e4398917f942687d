import type { ResolvedSessionOptions } from '../options.js';
import { DEFAULT_RECORD_MAX_AGE } from '../options.js';
import type { Marks } from './marks.js';
import type { RecordFields } from '../backing/record.js';
import type { StoreMaxAge } from '../store.js';

/** How much longer than the cookie a record lives in its store, milliseconds, as in koa-session. */
export const RECORD_GRACE = 10_000;

/** Part of `idleTimeout` that must have passed before a request prolongs the session. */
const IDLE_STEP = 0.05;

/** How long a session lives from a save on: in its record, in its store, in its cookie. @internal */
export interface Lifetime {
  fields: RecordFields;
  store: StoreMaxAge;
  cookie: number | undefined;
}

/**
 * The lifetime a save gives. Without `idleTimeout` and `absoluteMaxAge` it is koa-session's to the
 * byte: `maxAge`, or one day when that is not set (or 0), or none at all for `'session'`.
 *
 * `idleTimeout` ends the record that long after its last use, whatever the cookie says.
 * `absoluteMaxAge` ends everything that long after the session began; nothing moves that end.
 *
 * @internal
 */
export function lifetimeOf(
  options: ResolvedSessionOptions,
  maxAge: number | 'session' | undefined,
  marks: Marks,
  now: number,
): Lifetime {
  const { idleTimeout, absoluteMaxAge } = options;
  if (maxAge != null && maxAge !== 'session' && typeof maxAge !== 'number') {
    // koa-session's words, before anything is written: a record without a number never ends.
    throw new TypeError('option maxAge is invalid');
  }
  const asConfigured = maxAge === 'session' ? 'session' : maxAge || DEFAULT_RECORD_MAX_AGE;
  const left =
    absoluteMaxAge === undefined ? Infinity : (marks._created ?? now) + absoluteMaxAge - now;
  const alive = Math.min(
    idleTimeout ?? (asConfigured === 'session' ? Infinity : asConfigured),
    Math.max(left, 0),
  );
  const cookie = typeof maxAge === 'number' ? Math.min(maxAge, left) : undefined;
  if (asConfigured !== 'session') {
    return {
      fields: { _expire: alive + now, _maxAge: asConfigured },
      store: alive + RECORD_GRACE,
      cookie,
    };
  }
  if (alive === Infinity) return { fields: { _session: true }, store: 'session', cookie };
  return { fields: { _expire: alive + now, _session: true }, store: alive + RECORD_GRACE, cookie };
}

/**
 * Whether the session began too long ago, whatever else its record says.
 *
 * @internal
 */
export function isPastAbsolute(
  options: ResolvedSessionOptions,
  marks: Marks,
  now: number,
): boolean {
  const { absoluteMaxAge } = options;
  return (
    absoluteMaxAge !== undefined &&
    marks._created !== undefined &&
    marks._created + absoluteMaxAge <= now
  );
}

/**
 * Whether this use of the session is to be written down as one: when `idleTimeout` is on and
 * enough of it has passed since the last time.
 *
 * @internal
 */
export function isIdleStepDue(
  options: ResolvedSessionOptions,
  expire: number | undefined,
): boolean {
  const { idleTimeout } = options;
  if (idleTimeout === undefined) return false;
  if (expire === undefined) return true;
  const left = expire - Date.now();
  // A session that was given more time than it may have now, by other options, is cut short.
  return left <= idleTimeout * (1 - IDLE_STEP) || left > idleTimeout + RECORD_GRACE;
}
