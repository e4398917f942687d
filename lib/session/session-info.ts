import { createHash } from 'node:crypto';
import { hostOf, type Session } from './session.js';

/**
 * What the engine knows of a session beside its data. Times are epoch milliseconds.
 *
 * @publicApi
 */
export interface SessionInfo {
  /** When the session began; `undefined` unless an option needs it (`absoluteMaxAge`, `owner`, ...). */
  createdAt: number | undefined;
  /**
   * When its user was last authenticated: by `login()`, or when the session got an owner or a
   * `rotateOn` key that it did not have.
   */
  authenticatedAt: number | undefined;
  /** When it ends if it is not used; `undefined` while it is new, or with `maxAge: 'session'`. */
  expiresAt: number | undefined;
  /** Whose it is. */
  owner: string | undefined;
  /** Its name in lists of an owner's sessions; of no use as a cookie. `undefined` in cookie mode. */
  handle: string | undefined;
}

/**
 * What the engine knows of a session beside its data.
 *
 * @example
 * ```ts
 * const { authenticatedAt = 0 } = sessionInfo(ctx.session);
 * if (Date.now() - authenticatedAt > 10 * 60_000) ctx.throw(403, 'log in again');
 * ```
 * @publicApi
 */
export function sessionInfo(session: Session): SessionInfo {
  const state = hostOf(session)?.state;
  const key = state?.storeKey;
  return {
    createdAt: state?.marks._created,
    authenticatedAt: state?.marks._auth,
    expiresAt: state?.expire,
    owner: state?.marks._owner,
    handle: key === undefined ? undefined : handleOf(key),
  };
}

/**
 * An opaque name of the session kept under `key`: a hash, from which nobody gets the key back.
 *
 * @internal
 */
export function handleOf(key: string): string {
  return createHash('sha256').update(`handle.${key}`).digest('base64url');
}
