import type { ServerResponse } from 'node:http';

type WriteHead = ServerResponse['writeHead'];

const LISTENER = Symbol('before headers');
const ORIGINAL = Symbol('writeHead');

/** Told just before an answer's headers leave. @internal */
export interface HeaderListener {
  beforeHeaders(): void;
}

interface Watched extends ServerResponse {
  [LISTENER]?: HeaderListener | undefined;
  [ORIGINAL]?: WriteHead;
}

/**
 * Calls `listener` once, just before the answer's headers leave: the last moment at which a
 * handler that writes to the socket itself (server-sent events, a piped stream,
 * `ctx.respond = false`) can still get a cookie sent. Of several listeners the last comes first.
 *
 * @internal
 */
export function beforeHeaders(response: ServerResponse, listener: HeaderListener): void {
  const watched: Watched = response;
  const earlier = watched[LISTENER];
  if (earlier !== undefined) {
    watched[LISTENER] = {
      beforeHeaders() {
        listener.beforeHeaders();
        earlier.beforeHeaders();
      },
    };
    return;
  }
  watched[LISTENER] = listener;
  // One function for all responses: with a closure on each, V8 lets the young generation's
  // collector keep every response, and a request costs twice as much.
  watched[ORIGINAL] = response.writeHead;
  response.writeHead = writeHead;
}

const writeHead = function (this: Watched, ...args: Parameters<WriteHead>): ServerResponse {
  const listener = this[LISTENER];
  this.writeHead = this[ORIGINAL] as WriteHead;
  this[LISTENER] = undefined;
  listener?.beforeHeaders();
  return this.writeHead(...args);
} as WriteHead;
