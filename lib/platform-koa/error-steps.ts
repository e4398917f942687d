import { Logger } from '@nestjs/common';
import { hasAnswer, isSettled, onProceed, onSettled, withdrawAnswer } from './answer.js';
import { isAbortedBody } from './client-faults.js';
import { pathOf, setStatusText } from './context.js';
import type { KoaContext, StatusMarks } from './context.js';
import { applyErrorHeaders, mapException } from './exceptions.js';
import type { ConnectErrorMiddleware } from './middleware-kind.js';
import type { KoaRequest, KoaResponse } from './exchange.js';
import { takeBackFromExpress } from './express-prototypes.js';
import type { PathMatch } from './path-match.js';
import type { Next, Step } from './route-table.js';
import { FAILED_AT, enterStep, isFailure, isThenable } from './walk.js';
import type { ErrorMiddleware } from './walk.js';

const logger = new Logger('KoaAdapter');

interface ErrorStep {
  readonly step: Step;
  readonly handler: ConnectErrorMiddleware;
}

/** Headers that describe an answer's body, and mean nothing for the error that replaces it. */
const BODY_HEADERS = [
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Length',
  'Content-Range',
  'Content-Type',
  'ETag',
  'Last-Modified',
];

/**
 * What becomes of an error that no filter of a controller has seen: error middleware in order,
 * then Nest's handler, which maps it and asks the global filters.
 *
 * @internal
 */
export class ErrorSteps implements ErrorMiddleware {
  readonly steps: ErrorStep[] = [];
  private readonly handlers: {
    readonly prefix: string;
    readonly handler: ConnectErrorMiddleware;
  }[] = [];

  /** @param report is told of an error that error middleware has answered. */
  constructor(private readonly report: (error: unknown, ctx: KoaContext) => void) {}

  get isThere(): boolean {
    return this.steps.length > 0;
  }

  add(step: Step, handler: ConnectErrorMiddleware): void {
    this.steps.push({ step, handler });
  }

  /** Nest's handler, for all paths or those below a prefix. */
  addHandler(prefix: string, handler: ConnectErrorMiddleware): void {
    this.handlers.push({ prefix, handler });
  }

  async offer(error: unknown, ctx: KoaContext): Promise<boolean> {
    const outcome = await this.askAll(error, ctx, true);
    if (typeof outcome === 'object') throw outcome.error;
    if (outcome === 'answered') this.report(error, ctx);
    return outcome === 'over';
  }

  /**
   * Answers the request with the error. Rejects with it where nobody handles errors.
   * The middleware has ended by now, so that the request cannot go on.
   */
  async recover(error: unknown, ctx: KoaContext): Promise<void> {
    const outcome = await this.askAll(error, ctx, false);
    if (typeof outcome !== 'object') return;
    const handler = this.handlerFor(ctx.originalUrl);
    if (handler === undefined) throw outcome.error;
    if (!ctx.res.headersSent) applyErrorHeaders(ctx.res as KoaResponse, outcome.error);
    // Nest 11 does not ask the adapter what an error is, and would log that a client has left.
    const shown = isAbortedBody(outcome.error) ? mapException(outcome.error) : outcome.error;
    const last = await ask(handler, shown, ctx);
    if (last === 'over') throw outcome.error;
    if (last !== 'answered') throw last.error;
  }

  private async askAll(error: unknown, ctx: KoaContext, mayGoOn: boolean): Promise<Outcome> {
    takeBackFromExpress(ctx.req as KoaRequest, ctx.res as KoaResponse);
    clearAnswer(ctx);
    const failed = ctx.res as Failed;
    let current = error;
    for (const { step, handler } of this.steps) {
      if (step.order <= (failed[FAILED_AT] ?? -1)) continue;
      const matched = match(step, ctx);
      if (!matched) continue;
      const undo = enterStep(ctx.req as KoaRequest, step, matched);
      const outcome = await ask(handler, current, ctx);
      undo?.();
      if (outcome === 'answered') return outcome;
      // Which step failed is known by now, also for an error step that failed itself.
      failed[FAILED_AT] = step.order;
      if (outcome !== 'over') current = outcome.error;
      else if (mayGoOn) return outcome;
    }
    return { error: current };
  }

  private handlerFor(url: string): ConnectErrorMiddleware | undefined {
    const path = url.split('?', 1)[0] ?? '';
    const own = this.handlers.find(
      ({ prefix }) => path === prefix || path.startsWith(`${prefix}/`),
    );
    return (own ?? this.handlers[0])?.handler;
  }
}

type Failed = KoaContext['res'] & { [FAILED_AT]?: number };

/** A malformed escape is no match: there is an error to answer already. */
function match(step: Step, ctx: KoaContext): PathMatch | false {
  const path = pathOf(ctx);
  try {
    return path !== undefined && step.matches(path);
  } catch {
    return false;
  }
}

/** What a handler has made of an error: an answer, an error that it passes on, or nothing more. */
type Outcome = 'answered' | 'over' | { readonly error: unknown };

/** Calls one handler with the error. */
function ask(handler: ConnectErrorMiddleware, error: unknown, ctx: KoaContext): Promise<Outcome> {
  return new Promise((resolve) => {
    let passed = false;
    const next: Next = (passedOn) => {
      if (passed) return;
      passed = true;
      resolve(isFailure(passedOn) ? { error: passedOn } : 'over');
    };
    const failed = (thrown: unknown) => {
      if (passed) logger.error(thrown);
      passed = true;
      resolve({ error: thrown });
    };
    const returned = () => {
      if (passed) return;
      if (isSettled(ctx)) resolve('answered');
      else onSettled(ctx, () => resolve('answered'), failed);
    };
    try {
      const result = handler(error, ctx.req as KoaRequest, ctx.res as KoaResponse, next);
      if (!isThenable(result)) return returned();
      if (!passed) onProceed(ctx.res, returned);
      result.then(returned, failed);
    } catch (thrown) {
      failed(thrown);
    }
  });
}

/** Takes back an answer that has not left: the error becomes the answer. */
function clearAnswer(ctx: KoaContext): void {
  if (ctx.res.headersSent) return;
  const marks = ctx.response as StatusMarks;
  const hadAnswer =
    hasAnswer(ctx.res) || ctx.body !== undefined || marks._explicitNullBody === true;
  if (!hadAnswer) return;
  withdrawAnswer(ctx.res);
  for (const name of BODY_HEADERS) ctx.remove(name);
  ctx.body = undefined;
  marks._explicitNullBody = false;
  marks._explicitStatus = false;
  setStatusText(ctx, undefined);
}
