import type { Socket } from 'node:net';
import type { KoaContext } from './context.js';

/** On a connection: the context of the request that is under way; `null` while none is. */
const CURRENT = Symbol('current context');

type Followed = Socket & { [CURRENT]?: KoaContext | null };

/** Koa's own way with a request. */
type HandleRequest = (ctx: KoaContext, chain: () => Promise<void>) => Promise<unknown>;

/**
 * Handles a request as Koa's `handleRequest` does. That one watches each response for its end with
 * four listeners (`on-finished`), to tell the application of connections that fail: an eighth of
 * what a small request costs. Here one listener for the connection does so, and text and bytes are
 * written at once; any other answer goes Koa's way once the middleware is done.
 *
 * @param serve the middleware.
 * @internal
 */
export async function handleRequest(
  ctx: KoaContext,
  serve: (ctx: KoaContext) => Promise<void>,
  handleInKoa: HandleRequest,
): Promise<void> {
  const { res } = ctx;
  res.statusCode = 404;
  const socket = ctx.req.socket as Followed;
  if (socket[CURRENT] === undefined) socket.on('error', tellApplication);
  socket[CURRENT] = ctx;
  try {
    await serve(ctx);
    if (isPlain(ctx)) {
      res.end(ctx.body);
      return;
    }
    const { statusCode } = res;
    await handleInKoa(ctx, async () => {
      res.statusCode = statusCode;
    });
  } catch (error) {
    ctx.onerror(error as Error);
  } finally {
    // A connection that waits for its next request must not keep this one in memory.
    if (socket[CURRENT] === ctx) socket[CURRENT] = null;
  }
}

function tellApplication(this: Followed, error: Error): void {
  this[CURRENT]?.onerror(error);
}

/** Whether Koa would do no more with the answer than hand its body to Node. */
function isPlain(ctx: KoaContext): boolean {
  const { body, status } = ctx;
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return false;
  if (status === 204 || status === 205 || status === 304) return false;
  return ctx.req.method !== 'HEAD' && ctx.respond !== false && ctx.writable;
}

/**
 * Koa's own `handleRequest`, below that of a class which does it otherwise.
 *
 * @internal
 */
export function handlerOfKoa(app: object): unknown {
  let handler: unknown;
  for (let at: object | null = app; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (Object.hasOwn(at, 'handleRequest')) ({ handleRequest: handler } = at as HasHandler);
  }
  return handler;
}

interface HasHandler {
  handleRequest: unknown;
}
