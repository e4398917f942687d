import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream';
import type { KoaResponse } from './exchange.js';

/**
 * A request's connection. None where a wrapper for serverless functions has made the request: what
 * that puts in the socket's place, if anything, has no events.
 *
 * @internal
 */
export function connectionOf(request: IncomingMessage): Socket | undefined {
  const { socket } = request as { socket?: Socket };
  return typeof socket?.once === 'function' ? socket : undefined;
}

/**
 * Calls `done` once, when the answer is out or can never be: the response finished or failed, or
 * its connection closed. A response that waits behind others on a pipelined connection has no
 * socket yet and would not report the latter itself.
 *
 * @internal
 */
export function onceGone(response: KoaResponse, done: () => void): void {
  const socket = connectionOf(response.req);
  let isGone = false;
  const close = () => {
    if (isGone) return;
    isGone = true;
    socket?.removeListener('close', close);
    done();
  };
  finished(response, close);
  socket?.once('close', close);
  if (socket?.destroyed) process.nextTick(close);
}
