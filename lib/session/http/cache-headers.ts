import type { Context } from 'koa';

/**
 * Tells caches what they must know of an answer that depends on a session: that it does
 * (`Vary: Cookie`), and that one which hands out a cookie must not be kept at all. What the
 * application has set itself stays.
 *
 * @see RFC 9111, sections 4.1 and 5.2.2.5
 * @internal
 */
export function sendCacheHeaders(ctx: Context, setsCookie: boolean): void {
  const { res } = ctx;
  if (res.headersSent) return;
  const vary = res.getHeader('vary');
  if (vary === undefined) res.setHeader('Vary', 'Cookie');
  else if (vary !== 'Cookie') ctx.vary('Cookie');
  if (setsCookie && res.getHeader('cache-control') === undefined) {
    res.setHeader('Cache-Control', 'no-store');
  }
}
