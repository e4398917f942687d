import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type Koa from 'koa';
import type { Context } from 'koa';

/**
 * A request that no server received; over TLS, so that `secure` cookies can be sent.
 *
 * @internal
 */
export function contextOn(koa: Koa, headers: Record<string, string> = {}): Context {
  const request = new IncomingMessage(Object.assign(new Socket(), { encrypted: true }));
  request.method = 'GET';
  request.url = '/';
  for (const [name, value] of Object.entries(headers)) request.headers[name.toLowerCase()] = value;
  return koa.createContext(request, new ServerResponse(request)) as unknown as Context;
}

/** What an answer sets, a line a cookie. @internal */
export function setCookies({ res }: Context): string[] {
  return [res.getHeader('set-cookie') ?? []].flat().map(String);
}
