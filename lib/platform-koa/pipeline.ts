import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@nestjs/common';
import type Koa from 'koa';
import compose from 'koa-compose';
import { hasAnswer, isSettled, onSettled, release, withdrawAnswer, writerOf } from './answer.js';
import { isJsonBody } from './body.js';
import { hideRawPacket, isConnectionFault } from './client-faults.js';
import { pathOf } from './context.js';
import type { KoaContext, KoaMiddleware, StatusMarks } from './context.js';
import { ErrorSteps } from './error-steps.js';
import { handlerOfKoa, handleRequest, isPlain } from './handle-request.js';
import { attach, endWith, hasHeadBeyondAscii, isOfAdapter } from './messages.js';
import type { MatchingRules } from './path-match.js';
import type { KoaRequest, KoaResponse } from './exchange.js';
import { RouteTable, createStep } from './route-table.js';
import type { StepOptions } from './route-table.js';
import { RouteTrace } from './route-trace.js';
import { Walk, isThenable } from './walk.js';

/** A hook that runs before everything else and calls `done` to go on. @internal */
export type RequestHook = (
  req: KoaRequest,
  res: KoaResponse,
  done: (error?: unknown) => void,
) => unknown;

/** A hook that runs when an answer has left. @internal */
export type ResponseHook = (req: KoaRequest, res: KoaResponse) => unknown;

/** Routes and middleware that were registered one after the other: one layer of the Koa application. */
interface Block {
  table: RouteTable;
  index: number;
  first: number;
  last: number;
}

/** What the adapter needs of a Koa application beyond its public types. */
interface KoaInternals {
  ctxStorage?: AsyncLocalStorage<KoaContext> | null;
  compose?: typeof compose;
  createContext(req: IncomingMessage, res: ServerResponse): KoaContext;
  handleRequest(ctx: KoaContext, chain: (ctx: KoaContext) => Promise<void>): Promise<unknown>;
}

/**
 * The way of every request: the one ordered list of Koa middleware, `(req, res, next)` middleware
 * and routes, the errors they raise and the answer they leave.
 *
 * The list is the Koa application's own `middleware`; each run of routes and `(req, res, next)`
 * middleware is one layer in it, so whatever `koa.use()` adds keeps its place.
 *
 * @internal
 */
export class Pipeline {
  readonly errors = new ErrorSteps((error, ctx) => this.report(error, ctx));
  requestHook: RequestHook | undefined;
  responseHook: ResponseHook | undefined;
  /** While true, new requests are turned away with 503. */
  isRefusing = false;

  private readonly logger = new Logger('KoaAdapter');
  private readonly blocks: Block[] = [];
  private readonly internals: KoaInternals;
  private steps = 0;
  private routesStart: number | undefined;
  private chain: ((ctx: KoaContext) => Promise<unknown>) | undefined;
  private composed = -1;

  constructor(
    readonly app: Koa,
    readonly rules: MatchingRules,
  ) {
    this.internals = app as unknown as KoaInternals;
    // In front of the listeners that the application brings, for what they log.
    app.prependListener('error', this.onAppError);
    // What `koa.callback()` and `koa.listen()` serve is the same application.
    app.callback = () => this.listener as ReturnType<Koa['callback']>;
  }

  /** Answers one request of a Node server. */
  readonly listener = (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { internals } = this;
    const ctx = internals.createContext(req, res);
    attach(ctx);
    const storage = internals.ctxStorage;
    const handled = storage ? storage.run(ctx, () => this.handle(ctx)) : this.handle(ctx);
    return handled as Promise<void>;
  };

  private handle(ctx: KoaContext): Promise<unknown> {
    const { internals } = this;
    return isHandledHere(ctx)
      ? handleRequest(ctx, this.serve)
      : internals.handleRequest(ctx, this.serve);
  }

  /** Adds a route or a `(req, res, next)` middleware behind all that is there. */
  add(options: StepOptions): void {
    const step = createStep(options, this.steps++, this.rules);
    const block = this.openBlock();
    block.table.add(step);
    block.last = step.order;
  }

  /** Adds an error middleware behind all that is there. */
  addErrorStep(options: StepOptions, handler: ErrorSteps['steps'][number]['handler']): void {
    this.errors.add(createStep(options, this.steps++, this.rules), handler);
  }

  /** From here on Nest registers controllers; until {@link endRoutes}, hooks of modules may run. */
  beginRoutes(): void {
    this.routesStart ??= this.steps;
  }

  endRoutes(): void {
    this.routesStart = undefined;
  }

  /**
   * Adds Koa middleware behind all that is there. Middleware that a module adds once the
   * controllers are registered goes in front of them, since behind them it would wrap nothing.
   */
  use(middleware: KoaMiddleware): void {
    const start = this.routesStart;
    const block = start === undefined ? undefined : this.blocks.find(({ last }) => last >= start);
    this.app.use(middleware as Koa.Middleware);
    if (block === undefined || start === undefined) return;
    this.insertBefore(block, start);
  }

  /** Moves the last layer in front of the step `start`, which may divide the block it is in. */
  private insertBefore(block: Block, start: number): void {
    const { middleware } = this.app;
    const added = middleware.splice(-1);
    const isDivided = block.first < start;
    const at = isDivided ? block.index + 1 : block.index;
    const moved = isDivided ? 2 : 1;
    for (const each of this.blocks) if (each.index >= at) each.index += moved;
    if (isDivided) {
      const tail = {
        table: block.table.splitAt(start),
        index: at + 1,
        first: start,
        last: block.last,
      };
      block.last = start - 1;
      this.blocks.splice(this.blocks.indexOf(block) + 1, 0, tail);
      this.app.use(layerOf(tail.table, this.errors));
      added.push(...middleware.splice(-1));
    }
    middleware.splice(at, 0, ...added);
    this.composed = -1;
  }

  private openBlock(): Block {
    const last = this.blocks.at(-1);
    if (last !== undefined && last.index === this.app.middleware.length - 1) return last;
    const block: Block = {
      table: new RouteTable(this.rules),
      index: this.app.middleware.length,
      first: this.steps - 1,
      last: this.steps - 1,
    };
    this.blocks.push(block);
    this.app.use(layerOf(block.table, this.errors));
    return block;
  }

  /** The way of one request, from its hook to its answer. */
  private readonly serve = async (ctx: KoaContext): Promise<void> => {
    // As on Express, where no middleware sees such a request: Koa answers with 404.
    if (pathOf(ctx) === undefined) return;
    try {
      if (this.responseHook !== undefined) this.watchResponse(ctx, this.responseHook);
      await (this.requestHook === undefined ? this.run(ctx) : this.begin(ctx, this.requestHook));
    } catch (error) {
      await this.errors.recover(error, ctx);
      this.report(error, ctx);
    }
    try {
      const written = finish(ctx);
      if (written !== undefined) await written;
    } catch (error) {
      // The body is no JSON, or there is no such file.
      withdrawAnswer(ctx.res);
      await this.errors.recover(error, ctx);
      ctx.respond = undefined;
      void finish(ctx);
    }
  };

  private run(ctx: KoaContext): unknown {
    if (this.isRefusing) return refuse(ctx);
    const { middleware } = this.app;
    if (this.chain === undefined || this.composed !== middleware.length) {
      this.chain = (this.internals.compose ?? compose)(middleware) as (
        ctx: KoaContext,
      ) => Promise<unknown>;
      this.composed = middleware.length;
    }
    return this.chain(ctx);
  }

  private begin(ctx: KoaContext, hook: RequestHook): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let isDone = false;
      const done = (error?: unknown) => {
        if (isDone) {
          if (error) this.logger.error(error);
          return;
        }
        isDone = true;
        if (error) return reject(error as Error);
        resolve(this.run(ctx));
      };
      const fail = (error: unknown) => done(error || new Error('The request hook failed'));
      try {
        const result = hook(ctx.req as KoaRequest, ctx.res as KoaResponse, done);
        if (isThenable(result)) result.then(undefined, fail);
      } catch (error) {
        fail(error);
      }
      if (isDone) return;
      if (isSettled(ctx)) resolve(undefined);
      else onSettled(ctx, () => resolve(undefined), reject);
    });
  }

  private watchResponse(ctx: KoaContext, hook: ResponseHook): void {
    ctx.res.once('finish', () => {
      // Inside the promise, so that a hook that throws is logged like one that rejects.
      Promise.resolve()
        .then(() => hook(ctx.req as KoaRequest, ctx.res as KoaResponse))
        .catch((error: unknown) => this.logger.error(error));
    });
  }

  /** Tells the application's own listeners of a failure that Nest has answered with a 5xx. */
  private report(error: unknown, ctx: KoaContext): void {
    if (ctx.res.statusCode < 500) return;
    for (const listener of this.app.listeners('error')) {
      if (listener !== this.onAppError) listener.call(this.app, error, ctx);
    }
  }

  /** In place of Koa's own listener, which writes to the console, also when a client just leaves. */
  private readonly onAppError = (error: unknown, ctx?: KoaContext): void => {
    hideRawPacket(error);
    if (ctx !== undefined) {
      breakOff(error, ctx);
      if (isConnectionFault(error, ctx)) return;
    }
    const { code, expose, status } = (error ?? {}) as Record<string, unknown>;
    if (expose === true || status === 404 || this.app.silent) return;
    if (typeof code === 'string' && DISCONNECTS.has(code)) return;
    this.logger.error(error);
  };
}

/** Koa 2 leaves an answer open whose stream fails half-way, and its client to wait for the rest. */
function breakOff(error: unknown, { body, res }: KoaContext): void {
  const { errored } = Object(body) as { errored?: unknown };
  if (error == null || errored !== error || !res.headersSent) return;
  if (!res.writableEnded && !res.destroyed) res.destroy(error as Error);
}

const DISCONNECTS = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_STREAM_ERROR',
]);

/** One layer of the Koa application that sends requests through a table. */
function layerOf(table: RouteTable, errors: ErrorSteps): Koa.Middleware {
  const router = new RouteTrace();
  function koaAdapterRoutes(ctx: KoaContext, next: () => Promise<unknown>): Promise<void> {
    return new Walk(ctx, table, next, router, errors).start() as Promise<void>;
  }
  return Object.assign(koaAdapterRoutes as Koa.Middleware, { router });
}

/** Whether the adapter has Koa's part in a request: its own server, and no other way of Koa's. */
function isHandledHere(ctx: KoaContext): boolean {
  const { handleRequest: handler } = ctx.app as unknown as KoaInternals;
  return isOfAdapter(ctx) && handler === (handlerOfKoa as unknown);
}

/** Leaves the answer in the state in which Koa writes it, or writes it in Koa's place. */
function finish(ctx: KoaContext): void | Promise<void> {
  const { res, response } = ctx;
  if (ctx.respond === false) return;
  if (res.headersSent || res.writableEnded || res.destroyed) {
    ctx.respond = false;
    return;
  }
  const writer = writerOf(res);
  if (writer !== undefined && writer.body === response.body) {
    ctx.respond = false;
    release(res);
    // A writer that could not write may have left the answer to somebody else.
    return writer.write()?.then(() => (ctx.respond === false ? undefined : finish(ctx)));
  }
  if (isJsonBody(response.body)) response.body = JSON.stringify(response.body) ?? '';
  if (isConditional(ctx) && hasAnswer(res) && ctx.fresh) {
    response.status = 304;
    response.body = null;
  }
  release(res);
  if (isEmptyOnPurpose(ctx)) endEmpty(ctx);
  else if (!isHandledHere(ctx) && isTextBesideLatin1(ctx)) {
    ctx.respond = false;
    endWith(res, response.body as string);
  }
}

/** Text that Koa would hand to Node in a way that sends the headers as UTF-8. */
function isTextBesideLatin1(ctx: KoaContext): boolean {
  if (typeof ctx.response.body !== 'string' || ctx.req.httpVersionMajor > 1) return false;
  return hasHeadBeyondAscii(ctx.res) && isPlain(ctx);
}

/** Koa sends some empty answers without a length, depending on version, which costs the connection. */
function endEmpty(ctx: KoaContext): void {
  ctx.respond = false;
  ctx.remove('Content-Type');
  ctx.remove('Transfer-Encoding');
  ctx.res.setHeader('Content-Length', '0');
  ctx.res.end();
}

function isEmptyOnPurpose(ctx: KoaContext): boolean {
  const { response } = ctx;
  const { status } = response;
  if (status === 204 || status === 304 || ctx.req.method === 'HEAD') return false;
  return (
    status === 205 ||
    ((response as StatusMarks)._explicitNullBody === true && response.body === null)
  );
}

function isConditional(ctx: KoaContext): boolean {
  const { headers } = ctx.req;
  return headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined;
}

function refuse(ctx: KoaContext): void {
  ctx.set('Connection', 'close');
  (ctx.res as KoaResponse).status(503).send('Service Unavailable');
}
