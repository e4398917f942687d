import { LOST, REJECTED, socketFailure, TIMED_OUT, UNREACHED } from './store-failure.js';
import type { Failure } from './store-failure.js';

/** Replies of a server that cannot work right now, but may soon. */
const NOT_NOW = new Set([
  'LOADING',
  'BUSY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
]);

/** Errors of the client libraries for a command that they did not send. */
const NOT_SENT =
  /the client is (?:closed|offline)|isn't writeable|failed to refresh slots|none of startup nodes|rootnodes? (?:are|is)|root nodes/i;

/**
 * What an error of node-redis or ioredis means. Both are known by name and message, since their
 * classes cannot be imported without the packages.
 *
 * @internal
 */
export function redisFailure(error: unknown): Failure {
  const socket = socketFailure(error);
  if (socket !== undefined) return socket;
  if (!(error instanceof Error)) return LOST;
  const { message, name } = error;
  const type = error.constructor.name;
  if (/timeout|timed out/i.test(message) || type.includes('Timeout')) return TIMED_OUT;
  if (NOT_SENT.test(message)) return UNREACHED;
  const reply = /^-?([A-Z][A-Z\d]+)\b/.exec(message)?.[1];
  if (reply !== undefined && NOT_NOW.has(reply)) return UNREACHED;
  if (name === 'ReplyError' || reply !== undefined || error instanceof TypeError) return REJECTED;
  return LOST;
}
