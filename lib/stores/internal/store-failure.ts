import { StoreError } from '../../errors.js';
import type { StoreErrorKind } from '../../errors.js';

/** What a driver's error means for a store. @internal */
export interface Failure {
  kind: StoreErrorKind;
  /** Whether the command may have been carried out although no answer came. */
  outcome: 'not-applied' | 'unknown';
  /** Whether the same call may well succeed if it is made again at once. */
  again?: true;
}

/** An answer of the backend: it did not do what it was asked. @internal */
export const REJECTED: Failure = { kind: 'rejected', outcome: 'not-applied' };

/** The backend was not reached, or says that it cannot work yet. @internal */
export const UNREACHED: Failure = { kind: 'unavailable', outcome: 'not-applied' };

/** The connection broke while the answer was awaited. @internal */
export const LOST: Failure = { kind: 'unavailable', outcome: 'unknown', again: true };

/** The backend undid the work because of a parallel one. @internal */
export const COLLIDED: Failure = { kind: 'rejected', outcome: 'not-applied', again: true };

/** The driver gave up waiting for the answer. @internal */
export const TIMED_OUT: Failure = { kind: 'timeout', outcome: 'unknown' };

/** Error codes of Node's sockets for a connection that was never made. */
const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/** Error codes of Node's sockets for a connection that broke. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ENOTCONN']);

/** What an error of Node's sockets means; `undefined` for any other error. @internal */
export function socketFailure(error: unknown): Failure | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  if (typeof code !== 'string') return undefined;
  if (NEVER_CONNECTED.has(code)) return UNREACHED;
  if (BROKEN.has(code)) return LOST;
  return code === 'ETIMEDOUT' ? TIMED_OUT : undefined;
}

/** How often an operation that collides with parallel ones is made. */
const MAX_ATTEMPTS = 5;

/**
 * Runs one operation of a store; what the driver throws comes out as a {@link StoreError}.
 *
 * An operation that a parallel one undid is made again. So is one whose connection broke before
 * the answer came, but once only, and only if it is repeatable.
 *
 * @param classify what the driver's errors mean.
 * @param repeatable whether a second run does no harm: a read, or a write that carries a name.
 * @internal
 */
export async function attempt<T>(
  operation: string,
  classify: (error: unknown) => Failure,
  repeatable: boolean,
  work: () => Promise<T>,
): Promise<T> {
  let lost = false;
  for (let attempts = 1; ; attempts++) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const failure = classify(error);
      const ambiguous = failure.outcome === 'unknown';
      const again =
        failure.again && attempts < MAX_ATTEMPTS && (!ambiguous || (repeatable && !lost));
      // Whatever a later try meets, nobody knows what became of one whose answer was lost.
      lost ||= ambiguous;
      if (again) continue;
      const outcome = lost ? 'unknown' : 'not-applied';
      throw new StoreError(operation, { kind: failure.kind, outcome, cause: error });
    }
  }
}
