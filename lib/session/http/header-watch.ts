import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { CookiesSet } from './dropped-cookie.js';

type WriteHead = ServerResponse['writeHead'];

const LISTENER = Symbol('before headers');
const ORIGINAL = Symbol('writeHead');

/** Told just before an answer's headers leave. @internal */
export interface HeaderListener {
  /** @param before the cookies that were set before `writeHead` was given headers of its own. */
  beforeHeaders(before?: CookiesSet): void;
}

interface Watched extends ServerResponse {
  [LISTENER]?: HeaderListener | undefined;
  [ORIGINAL]?: WriteHead;
}

/**
 * Calls `listener` just before the answer's headers leave, and again where Node refuses them: the
 * last moment at which a handler that writes to the socket itself (server-sent events, a piped
 * stream, `ctx.respond = false`) can still get a cookie sent. Of several listeners the last comes
 * first.
 *
 * @internal
 */
export function beforeHeaders(response: ServerResponse, listener: HeaderListener): void {
  const watched: Watched = response;
  const earlier = watched[LISTENER];
  if (earlier !== undefined) {
    watched[LISTENER] = {
      beforeHeaders(before) {
        listener.beforeHeaders(before);
        earlier.beforeHeaders(before);
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
  try {
    if (args.length < 2) {
      listener?.beforeHeaders();
      return this.writeHead(...args);
    }
    const before = this.getHeader('set-cookie');
    const rest = setGiven(this, args);
    listener?.beforeHeaders(before);
    return this.writeHead(...rest);
  } catch (error) {
    // What Node refused has not left: the answer to the error is the one to wait for.
    if (!this.headersSent) {
      this[LISTENER] = listener;
      this.writeHead = writeHead;
    }
    throw error;
  }
} as WriteHead;

/**
 * Sets the headers that `writeHead` was given, as it would itself, so that what a listener adds is
 * not replaced by them.
 *
 * @returns the arguments that are left.
 */
function setGiven(response: ServerResponse, args: Parameters<WriteHead>): Parameters<WriteHead> {
  const [status, reason, headers] = args as unknown[];
  const given = typeof reason === 'string' ? headers : (headers ?? reason);
  if (typeof given !== 'object' || given === null) return args;
  if (!Array.isArray(given)) {
    for (const [name, value] of Object.entries(given as OutgoingHttpHeaders)) {
      if (name !== '') response.setHeader(name, value as OutgoingHttpHeader);
    }
  } else {
    const pairs = pairsOf(given);
    if (pairs === undefined || typeof response.appendHeader !== 'function') return args;
    for (const [name] of pairs) response.removeHeader(name);
    for (const [name, value] of pairs) response.appendHeader(name, value);
  }
  return (typeof reason === 'string' ? [status, reason] : [status]) as Parameters<WriteHead>;
}

/** Names and values in turn. `undefined`: what Node refuses. */
function pairsOf(list: unknown[]): [name: string, value: string | string[]][] | undefined {
  if (list.length % 2 !== 0) return undefined;
  const pairs: [string, string | string[]][] = [];
  for (let i = 0; i < list.length; i += 2) {
    if (typeof list[i] !== 'string') return undefined;
    pairs.push([list[i] as string, list[i + 1] as string | string[]]);
  }
  return pairs;
}
