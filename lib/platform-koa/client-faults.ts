import { connectionOf } from './connection.js';
import type { KoaContext } from './context.js';

/**
 * Whether an error is what ended the connection of this very request, since Node could not parse
 * what came, or waited for it too long. The same codes on any other error (a backend's answer that
 * was malformed, say) are the application's.
 *
 * @internal
 */
export function isConnectionFault(error: unknown, { req, res }: KoaContext): boolean {
  const { code } = Object(error) as { code?: unknown };
  if (typeof code !== 'string') return false;
  const isOfParser = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
  // An answer whose source has failed takes its connection with it, and the error along.
  return isOfParser && connectionOf(req)?.errored === error && res.errored !== error;
}

/**
 * Whether a body was not read to its end since the client has left, as raw-body says it, and with it
 * every parser of bodies.
 *
 * @internal
 */
export function isAbortedBody(error: unknown): boolean {
  return error instanceof Error && (error as { type?: unknown }).type === 'request.aborted';
}

/**
 * Hides the bytes that Node attaches to a parser's error from what prints the error: they may be of
 * a body, with passwords in it.
 *
 * @internal
 */
export function hideRawPacket(error: unknown): void {
  if (typeof error !== 'object' || error === null || !Object.hasOwn(error, 'rawPacket')) return;
  Object.defineProperty(error, 'rawPacket', { enumerable: false });
}
