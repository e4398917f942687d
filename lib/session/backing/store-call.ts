import { StoreError } from '../../errors.js';
import { asItIs, type Awaitable, isThenable, type Step } from '../awaitable.js';
import { deadlinesOf } from './deadlines.js';

/** What is done to the store; a write that times out may have been applied all the same. @internal */
export type StoreOperation = 'get' | 'set' | 'destroy' | 'create' | 'update' | 'touch' | 'list';

/**
 * Runs one store call under a deadline. Whatever the store throws, or rejects with, comes out as a
 * {@link StoreError}, in a promise; what a store in memory answers at once is there at once.
 *
 * @param timeout milliseconds; 0 for none.
 * @param use makes of the store's answer what is wanted; without it, that is the answer.
 * @internal
 */
export function storeCall<T, R = T>(
  operation: StoreOperation,
  timeout: number,
  call: () => Awaitable<T>,
  use: Step<T, R> = asItIs as unknown as Step<T, R>,
): R | Promise<R> {
  let result: Awaitable<T>;
  try {
    result = call();
  } catch (error) {
    return Promise.reject(storeError(operation, error));
  }
  return isThenable(result) ? inTime(operation, timeout, result, use) : use(result);
}

function inTime<T, R>(
  operation: StoreOperation,
  timeout: number,
  result: PromiseLike<T>,
  use: Step<T, R>,
): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const deadlines = timeout > 0 ? deadlinesOf(timeout) : undefined;
    const deadline = deadlines?.set(() => reject(tooLate(operation, timeout)));
    let isAnswered = false;
    result.then(
      (answer) => {
        // What comes too late, or twice, has no effect: the request has gone on.
        if (isAnswered || deadline?.isOver) return;
        isAnswered = true;
        if (deadline !== undefined) deadlines?.cancel(deadline);
        try {
          resolve(use(answer));
        } catch (error) {
          reject(error as Error);
        }
      },
      (error: unknown) => {
        if (deadline !== undefined) deadlines?.cancel(deadline);
        reject(storeError(operation, error));
      },
    );
  });
}

function storeError(operation: StoreOperation, error: unknown): StoreError {
  return error instanceof StoreError
    ? error
    : new StoreError(operation, { kind: 'unavailable', cause: error });
}

function tooLate(operation: StoreOperation, timeout: number): StoreError {
  const reads = operation === 'get' || operation === 'list';
  return new StoreError(operation, {
    kind: 'timeout',
    outcome: reads ? 'not-applied' : 'unknown',
    message: `the session store gave no answer to "${operation}" within ${timeout} ms: check the store, or raise "storeTimeout"`,
  });
}
