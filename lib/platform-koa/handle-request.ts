import type { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import Koa from 'koa';
import type { KoaContext } from './context.js';
import { endWith } from './messages.js';

/** On a connection whose failures the application is told of. */
const FOLLOWED = Symbol('followed');

/** On a response that Koa watches itself. */
const IN_KOA = Symbol('in Koa');

type Response = ServerResponse & { ctx?: KoaContext; [IN_KOA]?: true };

/** `_httpMessage` is Node's: the response that a connection is there for at the moment. */
type Connection = Socket & {
  [FOLLOWED]?: true;
  _httpMessage?: Response | null;
};

/** Koa's own method: an application with another one handles requests in a way of its own. @internal */
export const { handleRequest: handlerOfKoa } = Koa.prototype as unknown as {
  handleRequest: (ctx: KoaContext, chain: () => Promise<void>) => Promise<unknown>;
};

/**
 * Handles a request as {@link handlerOfKoa} does, for an application that has that method. That one
 * watches each response for its end with four listeners (`on-finished`), to tell the application of
 * connections that fail: an eighth of what a small request costs. Here one listener for the
 * connection does so, and text and bytes are written at once; any other answer goes Koa's way once
 * the middleware is done.
 *
 * @param serve the middleware.
 * @internal
 */
export async function handleRequest(
  ctx: KoaContext,
  serve: (ctx: KoaContext) => Promise<void>,
): Promise<void> {
  const { res } = ctx;
  res.statusCode = 404;
  follow(ctx.req.socket);
  try {
    await serve(ctx);
    if (isPlain(ctx)) {
      endWith(res, ctx.response.body as string | Buffer);
      return;
    }
    const { statusCode } = res;
    (res as Response)[IN_KOA] = true;
    await handlerOfKoa.call(ctx.app, ctx, async () => {
      res.statusCode = statusCode;
    });
  } catch (error) {
    ctx.onerror(error as Error);
  }
}

function follow(connection: Connection): void {
  if (connection[FOLLOWED]) return;
  connection[FOLLOWED] = true;
  connection.on('error', tellApplication);
}

function tellApplication(this: Connection, error: Error): void {
  const response = this._httpMessage;
  const ctx = response?.ctx;
  if (ctx === undefined || response?.[IN_KOA]) return;
  const { ctxStorage } = ctx.app as { ctxStorage?: AsyncLocalStorage<unknown> | null };
  if (ctxStorage) ctxStorage.run(ctx, () => ctx.onerror(error));
  else ctx.onerror(error);
}

/** Whether Koa would do no more with the answer than hand its body to Node. @internal */
export function isPlain(ctx: KoaContext): boolean {
  const { response } = ctx;
  const { body, status } = response;
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return false;
  if (status === 204 || status === 205 || status === 304) return false;
  return ctx.req.method !== 'HEAD' && ctx.respond !== false && response.writable;
}
