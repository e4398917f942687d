import type { ExecutionContext } from '@nestjs/common';
import { type FoundSession, sessionOf } from '../session.context.js';

/**
 * Reads something of the session, as soon as the session is loaded: at once, or when the promise
 * settles that Nest then awaits.
 *
 * @internal
 */
export function readSession<T>(
  host: ExecutionContext,
  name: string | undefined,
  read: (session: FoundSession) => T,
): T | PromiseLike<T> {
  const session = sessionOf(host, name);
  return isPending(session) ? session.then(read) : read(session);
}

function isPending(
  session: FoundSession | PromiseLike<FoundSession>,
): session is PromiseLike<FoundSession> {
  return typeof (session as { then?: unknown } | null | undefined)?.then === 'function';
}
