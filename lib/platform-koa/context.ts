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
 * Makes the present status a chosen one, so that setting `ctx.body` keeps it: Koa does not see
 * a status that was written to `res.statusCode`.
 *
 * @internal
 */
export function keepStatus(ctx: KoaContext): void {
  if ((ctx.response as StatusMarks)._explicitStatus !== true) ctx.status = ctx.res.statusCode;
}
