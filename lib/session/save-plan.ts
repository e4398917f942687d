import type { Context } from 'koa';
import { type Change, type Decisions, Draft } from './backing/draft.js';
import { Snapshot } from './backing/snapshot.js';
import { StoredData } from './backing/stored-data.js';
import { commitReason, type CommitReason } from './commit-reason.js';
import type { RegenerateReason } from './events.js';
import type { ResolvedSessionOptions } from './options.js';
import { isIdleStepDue, lifetimeOf } from './rules/lifetime.js';
import { type Marks, marksOf } from './rules/marks.js';
import { nextMarks } from './rules/next-marks.js';
import { authenticationOf, rotationDue, rotationGrace } from './rules/rotation.js';
import { dataOf, type Session } from './session.js';
import type { SessionRecord } from './store.js';

/** What a save was asked to do. @internal */
export interface SaveRequest {
  save?: boolean;
  regenerate?: boolean;
  /** The user was authenticated just now; as whose session it goes on. */
  login?: { owner?: string };
  change?: Change;
}

/** What a request knows of its session when it comes to saving it. @internal */
export interface SaveState {
  readonly ctx: Context;
  readonly options: ResolvedSessionOptions;
  readonly stored: StoredData;
  /** The marks as they are stored, and what this request adds to them. */
  readonly marks: Marks;
  readonly newMarks: Marks;
  readonly maxAge: number | 'session' | undefined;
  readonly expire: number | undefined;
  readonly requireSave: boolean;
  readonly requireTouch: boolean;
  /** Written in this request: `rolling` and `renew` have had their turn. */
  readonly written: boolean;
}

/** What is decided of a save before it is drafted. @internal */
export interface SaveFacts {
  reason: CommitReason | undefined;
  rotation: RegenerateReason | undefined;
  owner: string | undefined;
  now: number;
}

/** The session as a save found it: its data, and what is to be done. @internal */
export interface Look {
  data: Snapshot;
  facts: SaveFacts;
}

/** @internal */
export function lookAt(session: Session, request: SaveRequest, state: SaveState): Look {
  const data = Snapshot.of(dataOf(session));
  return { data, facts: factsOf(session, data, request, state) };
}

/** What a save is for: why it happens, under which id, and whose session it is. */
function factsOf(
  session: Session,
  data: Snapshot,
  request: SaveRequest,
  state: SaveState,
): SaveFacts {
  const now = Date.now();
  const owner = ownerOf(session, request, state);
  const rotation = rotationFor(data, owner, request, state, now);
  const reason = reasonFor(session, data, rotation, request, state, now);
  return { reason, rotation, owner, now };
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
  data: Snapshot,
  owner: string | undefined,
  { login, regenerate }: SaveRequest,
  { options, stored, marks }: SaveState,
  now: number,
): RegenerateReason | undefined {
  if (login) return 'login';
  if (regenerate) return 'requested';
  return rotationDue({ options, stored, data, marks, owner, now });
}

function reasonFor(
  session: Session,
  data: Snapshot,
  rotation: RegenerateReason | undefined,
  { save, change }: SaveRequest,
  state: SaveState,
  now: number,
): CommitReason | undefined {
  const { options, stored, expire, maxAge, written } = state;
  const prolongs = options.rolling || state.requireTouch || isIdleStepDue(options, expire, now);
  return commitReason({
    removed: false,
    forced: rotation !== undefined || save === true || change !== undefined || state.requireSave,
    stored: stored.exists,
    populated: !data.isEmpty || session.populated,
    changed: () => stored.differsFrom(data),
    rolling: !written && prolongs,
    renew: !written && options.renew,
    expire,
    maxAge,
    now,
  });
}

/**
 * The draft of a save that has a reason.
 *
 * @internal
 */
export function draftOf(
  session: Session,
  data: Snapshot,
  facts: SaveFacts,
  state: SaveState,
): Draft {
  const { options, maxAge, stored, marks } = state;
  const isCookie = options.store === undefined && options.ContextStore === undefined;
  return new Draft({
    session,
    stored,
    data: isCookie ? data.keepJson() : data.keepValues(),
    reason: facts.reason as CommitReason,
    ...decisionsOn(data, facts, state),
    baseMarks: marks,
    lifetimeOf: (drafted) => lifetimeOf(options, maxAge, drafted, facts.now),
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
  data: Snapshot,
  theirs: SessionRecord | undefined,
  draft: Draft,
): Decisions {
  const before = theirs === undefined ? state : stateAfter(theirs, state);
  const facts = factsOf(session, data, request, before);
  const rotation = stronger(facts.rotation, draft.regenerate);
  return decisionsOn(data, { ...facts, rotation }, before);
}

/** The same request, on what another one stored meanwhile. */
function stateAfter(theirs: SessionRecord, state: SaveState): SaveState {
  const { ctx, options, newMarks, maxAge, expire, requireSave, requireTouch, written } = state;
  const present = { stored: StoredData.of(theirs), marks: marksOf(theirs) };
  return {
    ctx,
    options,
    newMarks,
    maxAge,
    expire,
    requireSave,
    requireTouch,
    written,
    ...present,
  };
}

/** Only the new id of `renewEvery` leaves the old one usable for a while. */
function stronger(
  now: RegenerateReason | undefined,
  before: RegenerateReason | undefined,
): RegenerateReason | undefined {
  return before === undefined || before === 'renewEvery' ? (now ?? before) : before;
}

function decisionsOn(
  data: Snapshot,
  { rotation, owner, now }: SaveFacts,
  { ctx, options, stored, marks, newMarks }: SaveState,
): Decisions {
  const next = nextMarks(marks, {
    ctx,
    options,
    owner,
    isFirst: !stored.exists,
    rotation,
    authentication: authenticationOf({ options, stored, data, marks, owner }),
    now,
  });
  return {
    regenerate: rotation,
    grace: rotationGrace(rotation, options),
    marks: { ...next, ...newMarks },
  };
}
