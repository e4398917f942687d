import type { Context } from 'koa';
import type { CookiesSet } from './dropped-cookie.js';

const ORIGINAL = Symbol('onerror');
const DROPPED = Symbol('cookies dropped');

interface Watched extends Context {
  [ORIGINAL]?: Context['onerror'];
  [DROPPED]?: CookiesSet;
}

/**
 * Notes the cookies that an answer had when Koa began to answer an error instead, and dropped them
 * with all other headers. Koa does so in `ctx.onerror`, and so do the packages that replace it.
 *
 * @internal
 */
export function noteDropped(ctx: Context): void {
  const watched: Watched = ctx;
  if (watched[ORIGINAL] !== undefined) return;
  watched[ORIGINAL] = ctx.onerror;
  // One function for all requests, as in `beforeHeaders`.
  ctx.onerror = onerror;
}

/** @internal */
export function droppedFrom(ctx: Context): CookiesSet {
  return (ctx as Watched)[DROPPED];
}

function onerror(this: Watched, error: Error): void {
  // Koa also calls it when an answer has ended well: with nothing.
  if ((error as unknown) != null) this[DROPPED] ??= this.res.getHeader('set-cookie');
  this[ORIGINAL]?.(error);
}
