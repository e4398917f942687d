import type { Context } from 'koa';
import { type Change, type Decisions, Draft } from './backing/draft.js';
import { membersOf } from './backing/members.js';
import { Snapshot } from './backing/snapshot.js';
import { recordData } from './backing/record.js';
import type { CommitReason } from './commit-reason.js';
import type { RegenerateReason } from './events.js';
import type { ResolvedSessionOptions } from './options.js';
import { isIdleStepDue, lifetimeOf } from './rules/lifetime.js';
import { type Marks, marksOf, NO_MARKS } from './rules/marks.js';
import { nextMarks } from './rules/next-marks.js';
import { rotationDue, rotationGrace } from './rules/rotation.js';
import { dataOf, type Session } from './session.js';
import type { SessionRecord } from './store.js';

/** What a save was asked to do. @internal */
export interface SaveRequest {
  save?: boolean;
  regenerate?: boolean;
  /** The user was authenticated just now; as whose session it goes on. */
  login?: { owner?: string };
  change?: Change;
  /** The answer's headers leave now, before anything is written. */
  headersLeave?: boolean;
}

/** What a request knows of its session when it comes to saving it. @internal */
export interface SaveState {
  readonly ctx: Context;
  readonly options: ResolvedSessionOptions;
  /** The data that is stored; `undefined` while none is. */
  readonly stored: Snapshot | undefined;
  /** The marks as they are stored, and what this request adds to them. */
  readonly marks: Marks;
  readonly newMarks: Marks;
  readonly maxAge: number | 'session' | undefined;
  readonly expire: number | undefined;
  readonly requireSave: boolean;
  readonly requireTouch: boolean;
  /** Written in this request: `rolling` and `renew` have had their turn. */
  readonly written: boolean;
  /** The client was told an id that the session has yet to get. */
  readonly owesId: boolean;
}

/** What is decided of a save before it is drafted. @internal */
export interface SaveFacts {
  reason: CommitReason | undefined;
  rotation: RegenerateReason | undefined;
  owner: string | undefined;
}

/**
 * What a save is for: why it happens, under which id, and whose session it is.
 *
 * @param data what is to be saved, where that is no longer what the session holds.
 * @internal
 */
export function factsOf(
  session: Session,
  request: SaveRequest,
  state: SaveState,
  data: object = session,
): SaveFacts {
  const owner = ownerOf(session, request, state);
  const rotation = rotationFor(data, owner, request, state);
  const reason = reasonFor(session, rotation, request, state);
  return { reason, rotation, owner };
}

function ownerOf(
  session: Session,
  { login }: SaveRequest,
  { options, marks }: SaveState,
): string | undefined {
  if (login?.owner !== undefined) return login.owner;
  return options.owner === undefined ? marks._owner : options.owner(session) || undefined;
}

function rotationFor(
  data: object,
  owner: string | undefined,
  { login, regenerate, headersLeave }: SaveRequest,
  state: SaveState,
): RegenerateReason | undefined {
  if (login) return 'login';
  if (regenerate) return 'requested';
  const due = rotationDue(data, owner, state);
  // An old id can wait for an answer that brings the new one; changed rights cannot.
  const waits = due === 'renewEvery' && (headersLeave || state.ctx.headerSent);
  if (due !== undefined && !waits) return due;
  return state.owesId ? 'requested' : undefined;
}

/**
 * Whether, and why, a session is written: the one place that decides.
 *
 * @see koa-session 7.0.2, `ContextSession._shouldSaveSession`
 */
function reasonFor(
  session: Session,
  rotation: RegenerateReason | undefined,
  { save, change }: SaveRequest,
  state: SaveState,
): CommitReason | undefined {
  const { options, stored, expire, maxAge } = state;
  if (rotation !== undefined || save || change !== undefined || state.requireSave) return 'forced';
  if (stored === undefined) {
    return session.populated || Object.keys(dataOf(session)).length > 0 ? 'changed' : undefined;
  }
  if (!stored.isStill(session)) return 'changed';
  if (state.written) return undefined;
  if (options.rolling || state.requireTouch || isIdleStepDue(options, expire)) return 'rolling';
  if (options.renew && expire !== undefined && typeof maxAge === 'number') {
    if (expire - Date.now() < maxAge / 2) return 'renew';
  }
  return undefined;
}

/**
 * The draft of a save that has a reason.
 *
 * @internal
 */
export function draftOf(session: Session, facts: SaveFacts, state: SaveState): Draft {
  const { options, maxAge, stored, marks } = state;
  const isCookie = options.store === undefined && options.ContextStore === undefined;
  const now = Date.now();
  const members = membersOf(session);
  return new Draft({
    session,
    stored,
    // A cookie takes the JSON; a store is handed the values.
    data: isCookie ? Snapshot.withJson(members, stored) : Snapshot.of(members),
    reason: facts.reason as CommitReason,
    decisions: decisionsOn(session, facts, state, now),
    baseMarks: marks,
    lifetimeOf: (drafted) => lifetimeOf(options, maxAge, drafted, now),
  });
}

/**
 * What is decided once the function given to `session.update()` has run. An id that was due for
 * renewal before stays due; after a login, the old one is worth nothing at once.
 *
 * @internal
 */
export function decisionsAfter(
  session: Session,
  request: SaveRequest,
  state: SaveState,
  data: object,
  theirs: SessionRecord | undefined,
  draft: Draft,
): Decisions {
  const before = theirs === undefined ? state : stateAfter(theirs, state);
  const facts = factsOf(session, request, before, data);
  const rotation = stronger(facts.rotation, draft.regenerate);
  return decisionsOn(data, { ...facts, rotation }, before, Date.now());
}

/** The same request, on what another one stored meanwhile. */
function stateAfter(theirs: SessionRecord, state: SaveState): SaveState {
  const { ctx, options, newMarks, maxAge, expire } = state;
  const { requireSave, requireTouch, written, owesId } = state;
  const stored = Snapshot.of(membersOf(recordData(theirs)));
  const marks = marksOf(theirs);
  return {
    ctx,
    options,
    stored,
    marks,
    newMarks,
    maxAge,
    expire,
    requireSave,
    requireTouch,
    written,
    owesId,
  };
}

/** Only the new id of `renewEvery` leaves the old one usable for a while. */
function stronger(
  now: RegenerateReason | undefined,
  before: RegenerateReason | undefined,
): RegenerateReason | undefined {
  return before === undefined || before === 'renewEvery' ? (now ?? before) : before;
}

function decisionsOn(data: object, facts: SaveFacts, state: SaveState, now: number): Decisions {
  const { rotation } = facts;
  const marks = nextMarks(data, facts, state, now);
  return {
    regenerate: rotation,
    grace: rotationGrace(rotation, state.options),
    marks: state.newMarks === NO_MARKS ? marks : { ...marks, ...state.newMarks },
  };
}
