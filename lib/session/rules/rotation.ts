import type { RegenerateReason } from '../events.js';
import type { ResolvedSessionOptions } from '../options.js';
import type { Marks } from './marks.js';
import type { Snapshot } from '../backing/snapshot.js';
import type { StoredData } from '../backing/stored-data.js';

/** How long an id that `renewEvery` replaced stays usable when `regenerateGrace` is 0. */
const RENEWAL_GRACE = 30_000;

/** What decides whether a session is due for a new id. @internal */
export interface RotationFacts {
  options: ResolvedSessionOptions;
  stored: StoredData;
  /** The data after this request. */
  data: Snapshot;
  marks: Marks;
  /** Whose session it is after this request. */
  owner: string | undefined;
  now: number;
}

/**
 * Whether, and why, a stored session is due for a new id although nobody asked: what its user may
 * do has changed, or its id is old.
 *
 * @see OWASP Session Management Cheat Sheet, "Renew the Session ID After Any Privilege Level Change"
 * @internal
 */
export function rotationDue(facts: RotationFacts): RegenerateReason | undefined {
  const { options, stored, data, marks, owner, now } = facts;
  if (!stored.exists) return undefined;
  if (owner !== marks._owner) return 'rotateOn';
  const { rotateOn, renewEvery } = options;
  if (rotateOn !== undefined && stored.differsFrom(data)) {
    const before = JSON.parse(stored.json ?? '{}') as Record<string, unknown>;
    const after = JSON.parse(data.json) as Record<string, unknown>;
    if (rotateOn.some((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))) {
      return 'rotateOn';
    }
  }
  if (renewEvery === undefined) return undefined;
  const since = marks._renewed ?? marks._created;
  return since === undefined || now - since >= renewEvery ? 'renewEvery' : undefined;
}

/**
 * What a save says of its user's authentication: that it happened `now`, that it is `over`, or
 * nothing.
 *
 * @internal
 */
export type Authentication = 'now' | 'over' | undefined;

/**
 * Somebody was authenticated when the session got an owner, or a key of `rotateOn` that it did not
 * have: a user, a second factor. Any other change of such a key is none: a new name or role must
 * not make an old login fresh. It is over when none of the keys is left.
 *
 * @internal
 */
export function authenticationOf(
  facts: Pick<RotationFacts, 'options' | 'stored' | 'data' | 'marks' | 'owner'>,
): Authentication {
  const { options, stored, data, marks, owner } = facts;
  const { rotateOn } = options;
  if (owner !== marks._owner) return owner === undefined ? 'over' : 'now';
  if (rotateOn === undefined || !stored.differsFrom(data)) return undefined;
  const before = JSON.parse(stored.json ?? '{}') as Record<string, unknown>;
  const after = JSON.parse(data.json) as Record<string, unknown>;
  if (rotateOn.some((key) => before[key] == null && after[key] != null)) return 'now';
  const lost = rotateOn.some((key) => before[key] != null);
  return lost && rotateOn.every((key) => after[key] == null) ? 'over' : undefined;
}

/**
 * How long the old id may lead to the new one. After a change of what the user may do it must not:
 * whoever planted it would be logged in with them.
 *
 * @internal
 */
export function rotationGrace(
  reason: RegenerateReason | undefined,
  options: ResolvedSessionOptions,
): number {
  if (reason === 'renewEvery') return options.regenerateGrace || RENEWAL_GRACE;
  return reason === 'requested' ? options.regenerateGrace : 0;
}
