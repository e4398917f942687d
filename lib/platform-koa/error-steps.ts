import { hasAnswer, isSettled, onProceed, onSettled, withdrawAnswer } from './answer.js';
import { setStatusText } from './context.js';
import type { KoaContext, StatusMarks } from './context.js';
import { applyErrorHeaders } from './exceptions.js';
import type { ConnectErrorMiddleware } from './middleware-kind.js';
import type { KoaRequest, KoaResponse } from './exchange.js';
import type { Step } from './route-table.js';
import { FAILED_AT, isThenable } from './walk.js';

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
export class ErrorSteps {
  readonly steps: ErrorStep[] = [];
  private readonly handlers: {
    readonly prefix: string;
    readonly handler: ConnectErrorMiddleware;
  }[] = [];

  add(step: Step, handler: ConnectErrorMiddleware): void {
    this.steps.push({ step, handler });
  }

  /** Nest's handler, for all paths or those below a prefix. */
  addHandler(prefix: string, handler: ConnectErrorMiddleware): void {
    this.handlers.push({ prefix, handler });
  }

  /** Answers the request with the error. Rejects with it where nobody handles errors. */
  async recover(error: unknown, ctx: KoaContext): Promise<void> {
    clearAnswer(ctx);
    let current = error;
    for (const { step, handler } of this.concerned(ctx)) {
      const outcome = await ask(handler, current, ctx);
      if (!('error' in outcome)) return;
      current = outcome.error;
      // Which step failed is known by now, also for an error step that failed itself.
      (ctx.res as Failed)[FAILED_AT] = step.order;
    }
    const handler = this.handlerFor(ctx.originalUrl);
    if (handler === undefined) throw current;
    if (!ctx.res.headersSent) applyErrorHeaders(ctx.res as KoaResponse, current);
    const outcome = await ask(handler, current, ctx);
    if ('error' in outcome) throw outcome.error;
  }

  private concerned(ctx: KoaContext): ErrorStep[] {
    if (this.steps.length === 0) return [];
    const failedAt = (ctx.res as Failed)[FAILED_AT] ?? -1;
    return this.steps.filter(({ step }) => step.order > failedAt && step.matches(ctx.path));
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

/** Calls one handler with the error; resolves when it has answered, or passed an error on. */
function ask(
  handler: ConnectErrorMiddleware,
  error: unknown,
  ctx: KoaContext,
): Promise<{ error?: unknown }> {
  return new Promise((resolve) => {
    const fail = (thrown: unknown) => resolve({ error: thrown });
    const returned = () => {
      if (isSettled(ctx)) resolve({});
      else onSettled(ctx, () => resolve({}), fail);
    };
    try {
      const result = handler(error, ctx.req as KoaRequest, ctx.res as KoaResponse, (passed) =>
        fail(passed ?? error),
      );
      if (!isThenable(result)) return returned();
      onProceed(ctx.res, returned);
      result.then(returned, fail);
    } catch (thrown) {
      fail(thrown);
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
