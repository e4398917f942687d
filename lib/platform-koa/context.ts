import type Koa from 'koa';

/**
 * The Koa context that handlers, middleware and `@Ctx()` see.
 *
 * @publicApi
 */
export type KoaContext = Koa.Context;

/**
 * Middleware as Koa has it.
 *
 * @publicApi
 */
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => unknown;

/**
 * The path of a request. A URL that names the host too may have none or be malformed, as a client
 * sends it or middleware rewrites it; no route and no middleware has a path that it matches.
 *
 * @internal
 */
export function pathOf(ctx: KoaContext): string | undefined {
  try {
    return (ctx.request.path as string | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Koa's own marks on a response, which its public types leave out. @internal */
export interface StatusMarks {
  _explicitStatus?: boolean;
  _explicitNullBody?: boolean;
}

/**
 * Express and connect middleware take 200 for the status until they say otherwise; Koa starts
 * with 404. True when the 404 was Koa's own and is now 200.
 *
 * @internal
 */
export function assumeOk(ctx: KoaContext): boolean {
  if (ctx.res.statusCode !== 404 || (ctx.response as StatusMarks)._explicitStatus === true) {
    return false;
  }
  ctx.res.statusCode = 200;
  return true;
}

/** Undoes {@link assumeOk} where nobody has chosen a status meanwhile. @internal */
export function assumeNotFound(ctx: KoaContext): void {
  if (ctx.res.statusCode === 200 && (ctx.response as StatusMarks)._explicitStatus !== true) {
    ctx.res.statusCode = 404;
  }
}

/**
 * Sets the status as Koa does, but leaves the text beside it alone: a later `res.statusCode = 418`
 * would not change a text that Koa has set.
 *
 * @internal
 */
export function setStatus(ctx: KoaContext, status: number): void {
  if (status === 200 && ctx.res.statusCode === 200) {
    // What Nest asks for at nearly every request: no more is left for Koa to do.
    (ctx.response as StatusMarks)._explicitStatus = true;
    return;
  }
  const text = statusText(ctx);
  ctx.response.status = status;
  setStatusText(ctx, text);
}

/** The status text that was set by hand. @internal */
export function statusText(ctx: KoaContext): string | undefined {
  return ctx.req.httpVersionMajor > 1 ? undefined : ctx.res.statusMessage;
}

/** Sets or clears the status text. HTTP/2 has none, and Node warns of setting it. @internal */
export function setStatusText(ctx: KoaContext, text: string | undefined): void {
  if (ctx.req.httpVersionMajor > 1) return;
  (ctx.res as { statusMessage: string | undefined }).statusMessage = text;
}

/**
 * Makes the present status a chosen one, so that setting `ctx.body` keeps it: Koa does not see
 * a status that was written to `res.statusCode`.
 *
 * @internal
 */
export function keepStatus(ctx: KoaContext): void {
  if ((ctx.response as StatusMarks)._explicitStatus !== true) setStatus(ctx, ctx.res.statusCode);
}
