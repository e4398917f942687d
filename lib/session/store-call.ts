import { StoreError } from '../errors.js';

/** What is done to the store; a write that times out may have been applied all the same. @internal */
export type StoreOperation = 'get' | 'set' | 'destroy' | 'create' | 'update' | 'touch' | 'list';

/**
 * Runs one store call under a deadline. Whatever the store throws comes out as a
 * {@link StoreError}.
 *
 * @param timeout milliseconds; 0 for none.
 * @internal
 */
export async function storeCall<T>(
  operation: StoreOperation,
  timeout: number,
  call: () => T | PromiseLike<T>,
): Promise<T> {
  try {
    const result = call();
    if (timeout === 0 || !isThenable(result)) return await result;
    return await withDeadline(operation, timeout, result);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError(operation, { kind: 'unavailable', cause: error });
  }
}

function withDeadline<T>(
  operation: StoreOperation,
  timeout: number,
  work: PromiseLike<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      const reads = operation === 'get' || operation === 'list';
      reject(
        new StoreError(operation, {
          kind: 'timeout',
          outcome: reads ? 'not-applied' : 'unknown',
          message: `the session store gave no answer to "${operation}" within ${timeout} ms: check the store, or raise "storeTimeout"`,
        }),
      );
    }, timeout);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error as Error);
      },
    );
  });
}

/** @internal */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
