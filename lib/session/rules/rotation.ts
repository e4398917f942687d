import type { RegenerateReason } from '../events.js';
import type { Snapshot } from '../backing/snapshot.js';
import type { ResolvedSessionOptions } from '../options.js';
import { dataOf } from '../session.js';
import type { Marks } from './marks.js';

/** How long an id that `renewEvery` replaced stays usable when `regenerateGrace` is 0. */
const RENEWAL_GRACE = 30_000;

type Data = Record<string, unknown>;

/** What is stored of a session when it comes to its id. @internal */
export interface RotationState {
  readonly options: ResolvedSessionOptions;
  readonly stored: Snapshot | undefined;
  readonly marks: Marks;
}

/**
 * Whether, and why, a stored session is due for a new id although nobody asked: what its user may
 * do has changed, or its id is old.
 *
 * @param data the session, or its data, after this request.
 * @param owner whose session it is then.
 * @see OWASP Session Management Cheat Sheet, "Renew the Session ID After Any Privilege Level Change"
 * @internal
 */
export function rotationDue(
  data: object,
  owner: string | undefined,
  { options, stored, marks }: RotationState,
): RegenerateReason | undefined {
  if (stored === undefined) return undefined;
  if (owner !== marks._owner) return 'rotateOn';
  const { rotateOn, renewEvery } = options;
  if (rotateOn !== undefined && !stored.isStill(data)) {
    const [before, after] = sides(data, stored);
    if (rotateOn.some((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))) {
      return 'rotateOn';
    }
  }
  if (renewEvery === undefined) return undefined;
  const since = marks._renewed ?? marks._created;
  return since === undefined || Date.now() - since >= renewEvery ? 'renewEvery' : undefined;
}

/** The data as stored, and as it is now, both as JSON keeps them. */
function sides(data: object, stored: Snapshot | undefined): [before: Data, after: Data] {
  const after = JSON.stringify(dataOf(data));
  return [JSON.parse(stored?.json ?? '{}') as Data, JSON.parse(after) as Data];
}

/**
 * What a save says of its user's authentication: that it happened `now`, that it is `over`, or
 * nothing.
 *
 * Somebody was authenticated when the session got an owner, or a key of `rotateOn` that it did not
 * have: a user, a second factor. Any other change of such a key is none: a new name or role must
 * not make an old login fresh. It is over when none of the keys is left.
 *
 * @param data the session, or its data, after this request.
 * @param owner whose session it is then.
 * @internal
 */
export function authenticationOf(
  data: object,
  owner: string | undefined,
  { options, stored, marks }: RotationState,
): 'now' | 'over' | undefined {
  const { rotateOn } = options;
  if (owner !== marks._owner) return owner === undefined ? 'over' : 'now';
  if (rotateOn === undefined || stored?.isStill(data)) return undefined;
  const [before, after] = sides(data, stored);
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
