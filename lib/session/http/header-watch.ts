import type { ServerResponse } from 'node:http';

type WriteHead = ServerResponse['writeHead'];

/**
 * Calls `listener` once, just before the answer's headers leave: the last moment at which a
 * handler that writes to the socket itself (server-sent events, a piped stream,
 * `ctx.respond = false`) can still get a cookie sent.
 *
 * @internal
 */
export function beforeHeaders(response: ServerResponse, listener: () => void): void {
  const writeHead = response.writeHead;
  response.writeHead = function (this: ServerResponse, ...args: Parameters<WriteHead>) {
    response.writeHead = writeHead;
    listener();
    return writeHead.apply(this, args);
  } as WriteHead;
}
