import type { OutgoingHttpHeader, ServerResponse } from 'node:http';

/** What `Set-Cookie` holds. @internal */
export type CookiesSet = OutgoingHttpHeader | readonly string[] | undefined;

/**
 * Sends a cookie that was set, and that somebody has dropped with the header: unless something else
 * is said of it by now.
 *
 * @param name of the cookie; that of its signature follows from it.
 * @param before the header that brought it.
 * @internal
 */
export function keepCookie(response: ServerResponse, name: string, before: CookiesSet): void {
  if (before === undefined) return;
  const now = response.getHeader('set-cookie');
  if (now === before) return;
  const dropped = listOf(before);
  const set = listOf(now);
  if (!has(dropped, name) || has(set, name)) return;
  const own = dropped.filter((each) => isOf(each, name) || isOf(each, `${name}.sig`));
  response.setHeader('set-cookie', [...set, ...own]);
}

function listOf(cookies: CookiesSet): string[] {
  return [cookies ?? []].flat().map(String);
}

function has(cookies: string[], name: string): boolean {
  return cookies.some((cookie) => isOf(cookie, name));
}

function isOf(cookie: string, name: string): boolean {
  return cookie.startsWith(`${name}=`);
}
