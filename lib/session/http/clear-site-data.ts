import type { Context } from 'koa';

const EVERYTHING = ['cache', 'cookies', 'storage'];

/**
 * Tells the browser to forget what it keeps of the site, where the option says so.
 *
 * @see W3C Clear Site Data; OWASP ASVS 5.0, 14.3.1
 * @internal
 */
export function sendClearSiteData(
  ctx: Context,
  directives: boolean | readonly string[] = false,
): void {
  if (directives === false || ctx.headerSent) return;
  const names = directives === true ? EVERYTHING : directives;
  if (names.length > 0) ctx.set('Clear-Site-Data', names.map((name) => `"${name}"`).join(', '));
}

/** A new session began after all in the answer that ended one. @internal */
export function takeBackClearSiteData(
  ctx: Context,
  directives: boolean | readonly string[] = false,
): void {
  if (directives !== false && !ctx.headerSent) ctx.remove('Clear-Site-Data');
}
