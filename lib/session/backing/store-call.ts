import { StoreError } from '../../errors.js';

/** What is done to the store; a write that times out may have been applied all the same. @internal */
export type StoreOperation = 'get' | 'set' | 'destroy' | 'create' | 'update' | 'touch' | 'list';

/**
 * Runs one store call under a deadline. Whatever the store throws comes out as a
 * {@link StoreError}.
 *
 * @param timeout milliseconds; 0 for none.
 * @internal
 */
export function storeCall<T>(
  operation: StoreOperation,
  timeout: number,
  call: () => T | PromiseLike<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const fail = (error: unknown) => {
      clearTimeout(timer);
      reject(
        error instanceof StoreError
          ? error
          : new StoreError(operation, { kind: 'unavailable', cause: error }),
      );
    };
    try {
      const result = call();
      if (!isThenable(result)) {
        resolve(result);
        return;
      }
      if (timeout > 0) timer = setTimeout(() => reject(tooLate(operation, timeout)), timeout);
      result.then((value) => {
        clearTimeout(timer);
        resolve(value);
      }, fail);
    } catch (error) {
      fail(error);
    }
  });
}

function tooLate(operation: StoreOperation, timeout: number): StoreError {
  const reads = operation === 'get' || operation === 'list';
  return new StoreError(operation, {
    kind: 'timeout',
    outcome: reads ? 'not-applied' : 'unknown',
    message: `the session store gave no answer to "${operation}" within ${timeout} ms: check the store, or raise "storeTimeout"`,
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
