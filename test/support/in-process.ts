import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type Koa from 'koa';
import type { Context } from 'koa';

/** One answer of {@link inProcess}. */
export interface InProcessAnswer {
  status: number;
  error: unknown;
  setCookie: string[];
}

/**
 * Runs one request through an application's own middleware in this process, with Node's real
 * request and response objects but no socket behind them: for tests that must decide themselves in
 * which order parallel requests take their steps.
 */
export async function inProcess(
  app: Koa,
  handler: (ctx: Context) => unknown,
  cookie = '',
): Promise<InProcessAnswer> {
  const socket = new Socket();
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.url = '/';
  if (cookie !== '') request.headers.cookie = cookie;
  const response = new ServerResponse(request);
  const ctx = app.createContext(request, response) as unknown as Context;
  let error: unknown;
  try {
    const [session, ...rest] = app.middleware;
    if (session === undefined || rest.length > 0) throw new Error('one middleware is expected');
    await session(ctx as never, async () => {
      await handler(ctx);
    });
  } catch (thrown) {
    error = thrown;
  }
  const sent = response.getHeader('set-cookie') ?? [];
  return {
    status: error === undefined ? 200 : ((error as { status?: number }).status ?? 500),
    error,
    setCookie: (Array.isArray(sent) ? sent : [sent]).map(String),
  };
}

/** The `Cookie` header that a browser would send after an answer. */
export function cookieHeader({ setCookie }: InProcessAnswer): string {
  return setCookie.map((cookie) => cookie.split(';')[0]).join('; ');
}
