import type { Context } from 'koa';
import type Koa from 'koa';
import type { SessionError } from '../errors.js';
import type { CommitReason } from './commit-reason.js';

/**
 * koa-session's payload, for its three events. It holds the id and the record: treat it as a
 * secret, and log none of it.
 *
 * @publicApi
 */
export interface SessionRecordEvent {
  /** The external key; `undefined` in cookie mode. */
  key: string | undefined;
  /** The record that was refused; for `session:missed` what the store answered. */
  value: unknown;
  ctx: Context;
}

/** What every other event tells. It never holds an id, a cookie value or session data. @publicApi */
export interface SessionEvent {
  /** The option `key` of the session that it happened to: the cookie's name. */
  name: string;
  ctx: Context;
}

/** Why something that a client sent, or a handler asked for, was not taken. @publicApi */
export type RefusalReason =
  | 'bad-signature'
  | 'undecodable'
  | 'malformed-id'
  | 'duplicate-cookie'
  | 'reserved-key'
  | 'binding'
  | 'wrong-record'
  | 'not-yours';

/** Why a session ended. @publicApi */
export type DestroyReason =
  'removed' | 'expired' | 'invalid' | 'regenerated' | 'logout' | 'limit' | 'revoked';

/** Why a session got a new id. @publicApi */
export type RegenerateReason = 'requested' | 'rotateOn' | 'renewEvery' | 'login';

/** What kept a session from being loaded or written. @publicApi */
export type FailureReason =
  'store' | 'headers-sent' | 'cookie-too-large' | 'gone' | 'conflict' | 'hook';

/**
 * The events of a session, by name, as the Koa application emits them. Listen with
 * `app.on('session:expired', ({ ctx }) => ...)`.
 *
 * The first three are koa-session's. All are emitted after the current step of the request
 * (`setImmediate`), so a slow listener holds up no answer.
 *
 * @publicApi
 */
export interface SessionEvents {
  /** A client sent an id, but the store has no record for it (or the cookie's payload is empty). */
  'session:missed': SessionRecordEvent;
  /** The hook `valid` refused the record. */
  'session:invalid': SessionRecordEvent;
  /** The record's time was over. */
  'session:expired': SessionRecordEvent;
  /** A new session was written for the first time. */
  'session:created': SessionEvent;
  /** A session was written, and why. */
  'session:saved': SessionEvent & { reason: CommitReason };
  /** A session got a new id. */
  'session:regenerated': SessionEvent & { reason: RegenerateReason };
  /** A session ended. */
  'session:destroyed': SessionEvent & { reason: DestroyReason };
  /** Something a client sent, or a data key a handler set, was not taken. */
  'session:refused': SessionEvent & { reason: RefusalReason };
  /** A parallel request had changed the session; both edits were merged and written. */
  'session:merged': SessionEvent & { attempts: number };
  /** A session could not be loaded or written. */
  'session:failed': SessionEvent & { reason: FailureReason; error?: SessionError | Error };
}

/** The names of {@link SessionEvents}. @publicApi */
export type SessionEventName = keyof SessionEvents;

/** koa-session's three events are always emitted, in the way koa-session does it. @internal */
export function emitRecordEvent(
  app: Koa,
  name: 'session:missed' | 'session:invalid' | 'session:expired',
  payload: SessionRecordEvent,
): void {
  setImmediate(() => app.emit(name, payload));
}

/** Costs nothing while nobody listens. @internal */
export function emitEvent<Name extends SessionEventName>(
  app: Koa,
  name: Name,
  payload: SessionEvents[Name],
): void {
  if (!isListenedTo(app, name)) return;
  setImmediate(() => app.emit(name, payload));
}

/** A request, and the session of it that an event is about. @internal */
export interface EventSource {
  readonly ctx: Context;
  readonly options: { readonly key: string };
}

/** Emits an event of a request's session; `details` is what the event tells beside whose it is. @internal */
export function emitFor<Name extends SessionEventName>(
  { ctx, options }: EventSource,
  event: Name,
  details: Omit<SessionEvents[Name], keyof SessionEvent>,
): void {
  if (!isListenedTo(ctx.app, event)) return;
  emitEvent(ctx.app, event, { name: options.key, ctx, ...details } as SessionEvents[Name]);
}

/** Tells what kept a request's session from being loaded or written. @internal */
export function emitFailure(source: EventSource, reason: FailureReason, error: unknown): void {
  emitFor(source, 'session:failed', { reason, ...(error instanceof Error ? { error } : {}) });
}

/** Whether an event's payload is worth making. */
function isListenedTo(app: Koa, name: SessionEventName): boolean {
  return app.listenerCount(name) > 0;
}
