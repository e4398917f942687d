import { CookieJar } from 'tough-cookie';

/**
 * `fetch` with a memory for cookies, as a browser has it: what an answer sets, the next request
 * to the same place sends. Redirects are not followed, so that each answer can be looked at.
 */
export class Browser {
  readonly jar = new CookieJar();

  constructor(readonly base: string) {}

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path, this.base).href;
    const headers = new Headers(init.headers);
    const cookie = await this.jar.getCookieString(url);
    if (cookie !== '') headers.set('cookie', cookie);
    const response = await fetch(url, { redirect: 'manual', ...init, headers });
    for (const line of response.headers.getSetCookie()) await this.jar.setCookie(line, url);
    return response;
  }

  /** The body of a GET. */
  async text(path: string): Promise<string> {
    return (await this.fetch(path)).text();
  }
}
