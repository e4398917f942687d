import { Logger } from '@nestjs/common';
import { failAnswer, hasAnswer, isSettled, onProceed, onSettled } from './answer.js';
import { assumeNotFound, assumeOk, pathOf } from './context.js';
import type { KoaContext } from './context.js';
import type { PathMatch } from './path-match.js';
import type { KoaRequest, KoaResponse } from './exchange.js';
import { takeBackFromExpress } from './express-prototypes.js';
import type { Next, RouteTable, Step } from './route-table.js';
import type { RouteTrace } from './route-trace.js';

/**
 * On a response whose request failed in a step: that step's place in the order. A request that goes
 * on after all goes on behind it.
 *
 * @internal
 */
export const FAILED_AT = Symbol('failed at');

const logger = new Logger('KoaAdapter');

type Failed = KoaResponse & { [FAILED_AT]?: number };

/** The error middleware that a walk offers its errors to. @internal */
export interface ErrorMiddleware {
  readonly isThere: boolean;
  /** True when the request is to go on, false when it is answered; else rejects with the error. */
  offer(error: unknown, ctx: KoaContext): Promise<boolean>;
}

/**
 * One request's way through a block of routes and `(req, res, next)` middleware.
 *
 * A step is awaited until it calls `next()`, fails, answers, or the client is gone; so Koa
 * middleware around the block resumes when the answer is there. What follows a step runs inside
 * its call of `next()`, which keeps the step's AsyncLocalStorage.
 *
 * @internal
 */
export class Walk {
  private readonly req: KoaRequest;
  private readonly res: KoaResponse;
  private url: string | undefined;
  private method: string | undefined;
  private path = '';
  private steps: readonly Step[] = [];

  constructor(
    private readonly ctx: KoaContext,
    private readonly table: RouteTable,
    private readonly leave: () => Promise<unknown>,
    private readonly trace: RouteTrace,
    private readonly errors: ErrorMiddleware,
  ) {
    this.req = ctx.req as KoaRequest;
    this.res = ctx.res as KoaResponse;
  }

  /** Starts before the first step. */
  start(): unknown {
    takeBackFromExpress(this.req, this.res);
    assumeOk(this.ctx);
    this.locate();
    const failedAt = (this.res as Failed)[FAILED_AT];
    return failedAt === undefined ? this.from(0) : this.behind(failedAt);
  }

  private locate(): void {
    const { req } = this;
    this.url = req.url;
    this.method = req.method;
    const path = pathOf(this.ctx);
    this.path = path ?? '';
    this.steps = path === undefined ? [] : this.table.candidates(req.method ?? 'GET', path);
  }

  private from(start: number): unknown {
    for (let at = start; at < this.steps.length; at++) {
      const step = this.steps[at] as Step;
      if (step.needsBody && !hasBody(this.req)) continue;
      let matched: PathMatch | false;
      try {
        matched = step.matches(this.path);
      } catch (error) {
        return new Promise((resolve, reject) => this.fail(step, error, resolve, reject));
      }
      if (!matched) continue;
      const found = matched;
      return new Promise((resolve, reject) => this.take(step, found, at, resolve, reject));
    }
    assumeNotFound(this.ctx);
    return this.leave();
  }

  /** Continues behind a step; middleware may have rewritten the URL or the method. */
  private after(at: number): unknown {
    if (this.req.url === this.url && this.req.method === this.method) return this.from(at + 1);
    const last = this.steps[at] as Step;
    this.locate();
    return this.behind(last.order);
  }

  private behind(place: number): unknown {
    const following = this.steps.findIndex(({ order }) => order > place);
    return this.from(following === -1 ? this.steps.length : following);
  }

  /** Where the handlers end that were registered together with a step's. */
  private lastOfRoute(at: number): number {
    const group = this.steps[at]?.group;
    let last = at;
    while (group !== undefined && this.steps[last + 1]?.group === group) last++;
    return last;
  }

  private take(
    step: Step,
    matched: PathMatch,
    at: number,
    resolve: (value?: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    let passed = false;
    let isLeft = false;
    const undo = this.enter(step, matched);
    let settle = undo === undefined ? resolve : undoFirst(undo, resolve);
    let refuse = reject;
    const next: Next = (error) => {
      // A second call has nothing left to do: what follows has run, or is running.
      if (passed) return;
      passed = true;
      undo?.();
      takeBackFromExpress(this.req, this.res);
      if (isFailure(error)) return this.fail(step, error, settle, refuse, isLeft);
      try {
        settle(this.after(error === 'route' ? this.lastOfRoute(at) : at));
      } catch (thrown) {
        refuse(thrown);
      }
    };
    const returned = () => {
      if (passed || isLeft) return;
      if (!isSettled(this.ctx)) return onSettled(this.ctx, settle, failed);
      settle();
      isLeft = true;
      // The step may still go on: a file that it wanted to answer with turns out to be missing.
      refuse = (error) => failAnswer(this.res, error);
      settle = (following) => void Promise.resolve(following).catch(refuse);
    };
    const failed = (error: unknown) => {
      if (passed) return logger.error(error);
      passed = true;
      undo?.();
      this.fail(step, error, settle, refuse, isLeft);
    };
    try {
      const result = this.call(step, next);
      if (!isThenable(result)) return returned();
      if (!passed) onProceed(this.res, returned);
      result.then(returned, failed);
    } catch (error) {
      failed(error);
    }
  }

  private call({ handler, route }: Step, next: Next): unknown {
    if (route === undefined) return handler(this.req, this.res, next);
    return this.trace.run(this.ctx, route.path, () => handler(this.req, this.res, next));
  }

  /** Shows the request as the step is to see it; returns what undoes a mount. */
  private enter(step: Step, matched: PathMatch): (() => void) | undefined {
    if (step.route !== undefined) {
      this.req.route = step.route;
      this.ctx['_matchedRoute'] = step.route.path;
    }
    return enterStep(this.req, step, matched);
  }

  private fail(
    step: Step,
    error: unknown,
    resolve: (value?: unknown) => void,
    reject: (error: unknown) => void,
    isLeft = false,
  ): void {
    if (hasAnswer(this.res)) {
      // The client has its answer already; all that is left is to say what went wrong.
      logger.error(error);
      resolve();
      return;
    }
    (this.res as Failed)[FAILED_AT] = step.order;
    // Of a step that was left, the middleware around has ended: there is no going on.
    if (isLeft || !this.errors.isThere) reject(error);
    else this.recover(error).then(resolve, reject);
  }

  /** Offers an error to error middleware here, where all that is around a step still runs. */
  private async recover(error: unknown): Promise<unknown> {
    const goesOn = await this.errors.offer(error, this.ctx);
    if (!goesOn) return undefined;
    this.locate();
    return this.behind((this.res as Failed)[FAILED_AT] ?? -1);
  }
}

/** What is around mounted middleware that has answered sees the whole URL again. */
function undoFirst(undo: () => void, resolve: (value?: unknown) => void): typeof resolve {
  return (value) => {
    undo();
    resolve(value);
  };
}

/** Shows a request as a step's middleware is to see it; returns what undoes a mount. @internal */
export function enterStep(
  req: KoaRequest,
  { mount }: Step,
  { path, params }: PathMatch,
): (() => void) | undefined {
  req.params = params;
  return mount && path !== '' ? enterMount(req, path) : undefined;
}

/**
 * Hides the path a middleware is mounted at from `req.url`, and shows it as `req.baseUrl`.
 * Returns what undoes it, once however often it is called.
 *
 * @internal
 */
export function enterMount(req: KoaRequest, taken: string): () => void {
  const { url: outerUrl = '/', baseUrl } = req;
  const prefix = taken.endsWith('/') ? taken.slice(0, -1) : taken;
  const origin = originOf(outerUrl);
  const rest = outerUrl.slice(origin.length + prefix.length);
  const isRooted = origin !== '' || rest.startsWith('/');
  const innerUrl = isRooted ? origin + rest : `/${rest}`;
  req.baseUrl = baseUrl + prefix;
  req.url = innerUrl;
  let isInside = true;
  return () => {
    if (!isInside) return;
    isInside = false;
    req.baseUrl = baseUrl;
    // A URL that the middleware rewrote stays rewritten, below the mount.
    req.url =
      req.url === innerUrl ? outerUrl : origin + prefix + String(req.url).slice(origin.length);
  };
}

/** What stands before the path where a client, as clients of proxies do, names the host too. */
function originOf(url: string): string {
  if (url.startsWith('/')) return '';
  return /^[^?]*?:\/\/[^/?]*/.exec(url)?.[0] ?? '';
}

/** Whether the request announces a body (RFC 9112 section 6). */
function hasBody(req: KoaRequest): boolean {
  const { headers } = req;
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/**
 * Express goes on for anything falsy too; `'route'` and `'router'` are its words for going on.
 *
 * @internal
 */
export function isFailure(error: unknown): boolean {
  return Boolean(error) && error !== 'route' && error !== 'router';
}

/** @internal */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
