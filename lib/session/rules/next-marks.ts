import type { Context } from 'koa';
import { bind } from '../crypto/binding.js';
import type { RegenerateReason } from '../events.js';
import type { ResolvedSessionOptions } from '../options.js';
import { type Marks, NO_MARKS } from './marks.js';
import { authenticationOf, type RotationState } from './rotation.js';

/** The longest user agent kept with a session; real ones are shorter. */
const MAX_USER_AGENT = 256;

/** What the next save depends on beside the marks that are stored. @internal */
export interface MarkFacts {
  owner: string | undefined;
  rotation: RegenerateReason | undefined;
}

/**
 * The marks of a record about to be written. Without one of the options that need marks there are
 * none, and the record is koa-session's to the byte.
 *
 * @internal
 */
export function nextMarks(
  data: object,
  { owner, rotation }: MarkFacts,
  state: RotationState & { readonly ctx: Context },
  now: number,
): Marks {
  const { ctx, options, stored, marks } = state;
  if (marks === NO_MARKS && owner === undefined && rotation === undefined && !needsMarks(options)) {
    return NO_MARKS;
  }
  const next: Marks = { ...marks };
  const login = rotation === 'login';
  const authentication = login ? 'now' : authenticationOf(data, owner, state);
  if (login || (needsCreated(options) && marks._created === undefined)) next._created = now;
  if (authentication === 'now') next._auth = now;
  else if (authentication === 'over') delete next._auth;
  if (rotation !== undefined && options.renewEvery !== undefined) next._renewed = now;
  // Whoever knew a token of before the login must not know one of after it; regenerate() is how
  // applications without the other options begin one.
  if (rotation !== undefined && rotation !== 'renewEvery') delete next._csrf;
  if (owner === undefined) delete next._owner;
  else next._owner = owner;
  if (options.binding !== undefined) {
    const isFirst = stored === undefined || marks._bound === undefined;
    if (isFirst || login) next._bound = bind(options.binding(ctx));
  }
  if (options.hashIds === undefined) delete next._hashed;
  else next._hashed = true;
  if (options.device) next._device = deviceOf(ctx, options.device, now);
  return next;
}

/** Whether a session that has no marks yet may get some without a login or a new id. */
function needsMarks(options: ResolvedSessionOptions): boolean {
  return (
    options.binding !== undefined ||
    options.hashIds !== undefined ||
    options.rotateOn !== undefined ||
    needsCreated(options)
  );
}

function needsCreated(options: ResolvedSessionOptions): boolean {
  return (
    options.absoluteMaxAge !== undefined ||
    options.renewEvery !== undefined ||
    options.owner !== undefined ||
    options.maxSessionsPerOwner !== undefined ||
    options.device !== undefined
  );
}

function deviceOf(
  ctx: Context,
  device: true | ((ctx: Context) => Record<string, unknown>),
  now: number,
): Record<string, unknown> {
  if (device !== true) return { ...device(ctx), usedAt: now };
  return {
    userAgent: ctx.get('user-agent').slice(0, MAX_USER_AGENT),
    address: ctx.ip,
    usedAt: now,
  };
}
