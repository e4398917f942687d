import { StoreError } from '../../errors.js';
import type { StoreErrorKind } from '../../errors.js';

/** What a driver's error means for a store. @internal */
export interface Failure {
  kind: StoreErrorKind;
  /** Whether the command may have been carried out although no answer came. */
  outcome: 'not-applied' | 'unknown';
}

/** An answer of the backend: it did not do what it was asked. @internal */
export const REJECTED: Failure = { kind: 'rejected', outcome: 'not-applied' };

/** The backend was not reached, or says that it cannot work yet. @internal */
export const UNREACHED: Failure = { kind: 'unavailable', outcome: 'not-applied' };

/** The connection broke while the answer was awaited. @internal */
export const LOST: Failure = { kind: 'unavailable', outcome: 'unknown' };

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

/**
 * Runs one operation of a store; what the driver throws comes out as a {@link StoreError}.
 *
 * @param classify what the driver's errors mean.
 * @param repeatable whether a second run does no harm: a read, or a write that carries a name. It
 * is then asked again once when the connection broke before the answer came.
 * @internal
 */
export async function attempt<T>(
  operation: string,
  classify: (error: unknown) => Failure,
  repeatable: boolean,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const failure = classify(error);
    if (!repeatable || failure !== LOST) throw failed(operation, failure, error);
  }
  try {
    return await work();
  } catch (error) {
    // Whatever the second try met, nobody knows what became of the first.
    throw failed(operation, { ...classify(error), outcome: 'unknown' }, error);
  }
}

function failed(operation: string, failure: Failure, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  return new StoreError(operation, { ...failure, cause });
}
