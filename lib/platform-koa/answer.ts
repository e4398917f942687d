import type { ServerResponse } from 'node:http';
import { connectionOf } from './connection.js';
import type { KoaContext } from './context.js';

/** Set once an answer was given through Koa (`ctx.body`), though it may not have left yet. */
const ANSWERED = Symbol('answered');
/** What to call when a response that somebody waits for gets its answer. */
const WAKE = Symbol('wake');
/** Why a view or a file could not be made into an answer, when nobody waits yet. */
const FAILURE = Symbol('failure');
/** Writes the answer in Koa's place once the middleware is done. */
const WRITER = Symbol('writer');
/** What lets middleware go on while the handler still runs. */
const PROCEED = Symbol('proceed');
/** Set when Koa may write: from then on `end()` is Koa's, before it can only be a stray call. */
const RELEASED = Symbol('released');

/**
 * How far the answer to one request has come. The fields sit on the response itself, with their
 * defaults on its prototype, so that a request that needs none of them allocates nothing.
 *
 * @internal
 */
export interface AnswerState {
  [ANSWERED]?: boolean;
  [WAKE]?: ((error?: unknown) => void) | undefined;
  [FAILURE]?: unknown;
  [WRITER]?: AnswerWriter | undefined;
  [PROCEED]?: (() => void) | undefined;
  [RELEASED]?: boolean;
}

/**
 * Writes an answer in Koa's place, as long as `ctx.body` still is what it was made for.
 *
 * @internal
 */
export interface AnswerWriter {
  readonly body: unknown;
  /**
   * A rejection before the first byte is answered as any error is. Setting `ctx.respond` to
   * anything but false leaves the answer to Koa after all.
   */
  readonly write: () => undefined | Promise<void>;
}

type Answering = ServerResponse & AnswerState & { ctx: KoaContext };

/** Prototype defaults of {@link AnswerState}. @internal */
export const answerDefaults: AnswerState = {
  [ANSWERED]: false,
  [WAKE]: undefined,
  [FAILURE]: undefined,
  [WRITER]: undefined,
  [PROCEED]: undefined,
  [RELEASED]: false,
};

/**
 * Notes that the response has its answer. The second answer to one request fails as it would on
 * Node's own response.
 *
 * @internal
 */
export function giveAnswer(response: ServerResponse): void {
  const state = response as Answering;
  // An answer that comes after the client has left is nobody's mistake.
  if (response.destroyed) return;
  if (state[ANSWERED] || response.headersSent) throw alreadyAnswered();
  state[ANSWERED] = true;
  const wake = state[WAKE];
  if (wake !== undefined) {
    // The answer's body is set right after this call; the waiting chain must see it.
    queueMicrotask(() => wake());
  }
}

/** Takes an answer back that has not left, so that an error can be answered instead. @internal */
export function withdrawAnswer(response: ServerResponse): void {
  const state = response as Answering;
  state[ANSWERED] = false;
  state[WRITER] = undefined;
}

/** Whether an answer was given through Koa and has not been taken back. @internal */
export function hasAnswer(response: ServerResponse): boolean {
  return (response as Answering)[ANSWERED] === true;
}

/**
 * Leaves the writing of the answer to `writer`, which runs when every middleware is done: only
 * then are the headers that middleware adds on the way out (a session's cookie) complete.
 *
 * @internal
 */
export function answerWith(response: ServerResponse, writer: AnswerWriter): void {
  (response as Answering)[WRITER] = writer;
}

/** The writer to run in Koa's place, if any. @internal */
export function writerOf(response: ServerResponse): AnswerWriter | undefined {
  return (response as Answering)[WRITER];
}

/** Fails the request from outside its handler, for instance when a view cannot be rendered. @internal */
export function failAnswer(response: ServerResponse, error: unknown): void {
  const state = response as Answering;
  if (state[WAKE] !== undefined) state[WAKE](error);
  else state[FAILURE] = error;
}

/** Notes what {@link proceed} is to call while a handler runs. @internal */
export function onProceed(response: ServerResponse, go: () => void): void {
  (response as Answering)[PROCEED] = go;
}

/**
 * Lets the request, which has its answer, leave its handler behind: that one may be waiting until
 * the answer has been sent, for which the middleware around it must be done.
 *
 * @internal
 */
export function proceed(response: ServerResponse): void {
  const state = response as Answering;
  // A handler's first steps run before anybody knows that it will take longer.
  queueMicrotask(() => state[PROCEED]?.());
}

/** From here on Koa writes the answer. @internal */
export function release(response: ServerResponse): void {
  (response as Answering)[RELEASED] = true;
}

/** Whether `end()` is a stray call after an answer that still waits to be written. @internal */
export function isStrayEnd(response: ServerResponse, chunk: unknown): boolean {
  const state = response as Answering;
  return (
    state[ANSWERED] === true &&
    state[RELEASED] !== true &&
    (chunk === undefined || typeof chunk === 'function') &&
    state.ctx.respond !== false
  );
}

/**
 * Whether nothing more is to be waited for: an answer was given through Koa or Nest, or the
 * response was ended by hand.
 *
 * @internal
 */
export function isSettled(ctx: KoaContext): boolean {
  const response = ctx.res as Answering;
  return (
    response[ANSWERED] === true ||
    response.writableEnded ||
    ctx.respond === false ||
    (ctx.response.body !== undefined && !response.headersSent)
  );
}

/**
 * Calls `done` once the response is answered, or gone. A handler that never answers keeps its
 * request open until the client leaves, as on Express.
 *
 * @internal
 */
export function onSettled(ctx: KoaContext, done: () => void, fail: (error: unknown) => void): void {
  const response = ctx.res as Answering;
  // A queued response of a pipelined connection has no socket and never reports its own close.
  const socket = connectionOf(ctx.req);
  const close = () => finish();
  const finish = (error?: unknown) => {
    response.removeListener('close', close);
    socket?.removeListener('close', close);
    response[WAKE] = undefined;
    if (error === undefined) done();
    else fail(error);
  };
  if (response[FAILURE] !== undefined) return fail(response[FAILURE]);
  response[WAKE] = finish;
  response.once('close', close);
  socket?.once('close', close);
  if (response.destroyed || socket?.destroyed) queueMicrotask(close);
}

function alreadyAnswered(): Error {
  return Object.assign(new Error('Cannot answer a request a second time'), {
    code: 'ERR_HTTP_HEADERS_SENT',
  });
}
