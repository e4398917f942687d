import type { Draft } from './draft.js';
import type { KnownRecord } from './known-record.js';
import type { Awaitable, Step } from '../awaitable.js';
import type { SessionRecord } from '../store.js';

/**
 * What the client's cookie or the store had to say.
 *
 * - `none`: the client sent nothing (or nothing with a good signature): no event.
 * - `unreadable`: the cookie's text is no record: no event of koa-session's.
 * - `found`: a record, or a falsy value where the store has none; still to be validated.
 *
 * @internal
 */
export type Loaded = { status: 'none' } | { status: 'unreadable' } | Found;

/** A record of this request's own, or one that other requests are given too. @internal */
export type Found = { status: 'found'; record: SessionRecord | null | undefined } | KnownRecord;

/**
 * How a write ended. `merges`: how often it met a parallel write. `rotate`: what a parallel write
 * left made a new id due, so the session is to be written once more, under one.
 *
 * @internal
 */
export type WriteOutcome =
  | { status: 'written'; created: boolean; merges: number }
  | { status: 'gone' }
  | { status: 'rotate' };

/** A plain success. @internal */
export const WRITTEN = { status: 'written', created: false, merges: 0 } satisfies WriteOutcome;

/** The session was destroyed meanwhile. @internal */
export const GONE = { status: 'gone' } satisfies WriteOutcome;

/**
 * Where one request's session is kept: in the cookie itself, or in a store under an id that the
 * client carries.
 *
 * @internal
 */
export interface Backing {
  /** The session's id, made if there is none yet; `undefined` in cookie mode. */
  readonly id: string | undefined;
  /** The id that the client sent, whether or not it was any good. */
  readonly offered: string | undefined;
  /** The key under which a store has the session's record; `undefined` while it has none. */
  readonly storeKey: string | undefined;
  /** The client was told an id that the session has yet to get. */
  readonly owesId: boolean;
  /**
   * Reads what the client or the store has, and gives what `use` makes of it: in the very turn in
   * which a store answers, since each further promise costs the request as much as a look-up.
   * @param id the id to read by, where it is known better than by what the client sent.
   */
  load<R>(use: Step<Loaded, R>, id?: string): R | Promise<R>;
  /** What was loaded is good: it is this request's session. */
  adopt(): void;
  /** The session starts anew, under a new id. */
  reset(): Awaitable<unknown>;
  /** Writes, and gives what `use` makes of how that ended. */
  write<R>(draft: Draft, use: Step<WriteOutcome, R>): R | Promise<R>;
  /** @param forGood whether what begins after it in the same request must get another id. */
  remove(forGood: boolean): Awaitable<void>;
  /**
   * Gives the client its cookie when the answer's headers leave before the session is written.
   * @param draft what is to be written; `undefined`: the session was removed.
   * @param isUnread whether it is not known yet what the client or the store has.
   */
  announce(draft: Draft | undefined, isUnread: boolean): void;
}
