import { finished } from 'node:stream';
import type { KoaResponse } from './exchange.js';

/**
 * Calls `done` once, when the answer is out or can never be: the response finished or failed, or
 * its connection closed. A response that waits behind others on a pipelined connection has no
 * socket yet and would not report the latter itself.
 *
 * @internal
 */
export function onceGone(response: KoaResponse, done: () => void): void {
  const { socket } = response.req;
  let isGone = false;
  const close = () => {
    if (isGone) return;
    isGone = true;
    socket.removeListener('close', close);
    done();
  };
  finished(response, close);
  socket.once('close', close);
  if (socket.destroyed) process.nextTick(close);
}
