import { SessionOptionsError, StoreError, typeName } from '../errors.js';
import type { SessionStore } from '../session/store.js';
import {
  checkStoreOptions,
  count,
  func,
  milliseconds,
  positiveMilliseconds,
} from './internal/option-checks.js';
import { LONGEST_DELAY } from './internal/longest-delay.js';
import { isStoreObject, wrapStore } from './internal/store-methods.js';
import type { StoreMethod, Wrapped } from './internal/store-methods.js';

export type { Wrapped } from './internal/store-methods.js';

/**
 * Whether the store is asked: `closed` yes, `open` no, `half-open` by one call that tries.
 *
 * @publicApi
 */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** When a circuit breaker opens, and when it tries again. @publicApi */
export interface CircuitBreakerOptions {
  /** How many failures in a row open the circuit. Default: 5. */
  failures?: number | undefined;
  /** How long an open circuit keeps calls from the store, milliseconds. Default: 5,000. */
  resetAfter?: number | undefined;
  /**
   * After how many milliseconds a call without an answer fails. 0: never; then a store that hangs
   * does not open the circuit. Default: 2,000.
   */
  timeout?: number | undefined;
  /** Told when the state changes, for logs and metrics. */
  onStateChange?: ((state: CircuitState) => void) | undefined;
}

const RULES = {
  failures: count,
  resetAfter: positiveMilliseconds,
  timeout: milliseconds,
  onStateChange: func,
};

/** Methods that write nothing, so that a missing answer leaves nothing unknown. */
const READS = new Set<StoreMethod>(['get', 'read', 'listByOwner']);

/** Methods that take as long as they take. */
const UNTIMED = new Set<StoreMethod>(['clear', 'prune', 'close']);

/**
 * `store` behind a circuit breaker, with the same powers. When the store failed several times in a
 * row, calls fail at once with a `StoreError` of kind `circuit-open` for a while, instead of
 * waiting in a growing queue; then one call tries, and its success lets all others through again.
 *
 * Only failures to get an answer count: a backend that answers "out of memory" or "read-only" still
 * reads and destroys.
 *
 * @throws SessionOptionsError when `store` or an option is wrong.
 * @example
 * ```ts
 * const store = circuitBreaker(new RedisStore({ client }), { failures: 3 });
 * ```
 * @publicApi
 */
export function circuitBreaker<Store extends SessionStore>(
  store: Store,
  options: CircuitBreakerOptions = {},
): Wrapped<Store> {
  checkStoreOptions('circuitBreaker', options, RULES);
  if (!isStoreObject(store)) {
    throw new SessionOptionsError(
      'store',
      `circuitBreaker takes a store with get, set and destroy, got ${typeName(store)}`,
    );
  }
  const circuit = new Circuit(options);
  return wrapStore(store, (method, call) => {
    if (method === 'close') return call;
    return (...args) => circuit.run(method, () => call(...args));
  });
}

class Circuit {
  readonly #failures: number;
  readonly #resetAfter: number;
  readonly #timeout: number;
  readonly #onStateChange: ((state: CircuitState) => void) | undefined;
  #state: CircuitState = 'closed';
  #failed = 0;
  #reopens = 0;

  constructor(options: CircuitBreakerOptions) {
    this.#failures = options.failures ?? 5;
    this.#resetAfter = options.resetAfter ?? 5_000;
    this.#timeout = options.timeout ?? 2_000;
    this.#onStateChange = options.onStateChange;
  }

  async run<T>(method: StoreMethod, work: () => T | PromiseLike<T>): Promise<T> {
    this.#admit(method);
    try {
      const result = await this.#timed(method, work);
      this.#succeeded();
      return result;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  #admit(method: StoreMethod): void {
    if (this.#state === 'closed') return;
    const left = this.#reopens - performance.now();
    if (left <= 0) {
      // Another try is due in a while even if this one never comes to an end.
      this.#reopens = performance.now() + this.#resetAfter;
      this.#become('half-open');
      return;
    }
    throw new StoreError(method, {
      kind: 'circuit-open',
      retryAfterSeconds: Math.max(1, Math.ceil(left / 1_000)),
    });
  }

  async #timed<T>(method: StoreMethod, work: () => T | PromiseLike<T>): Promise<T> {
    if (this.#timeout === 0 || UNTIMED.has(method)) return work();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const giveUp = () => {
        const outcome = READS.has(method) ? 'not-applied' : 'unknown';
        reject(new StoreError(method, { kind: 'timeout', outcome }));
      };
      timer = setTimeout(giveUp, Math.min(this.#timeout, LONGEST_DELAY));
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #succeeded(): void {
    this.#failed = 0;
    this.#become('closed');
  }

  #note(error: unknown): void {
    if (error instanceof StoreError && error.kind === 'rejected') {
      this.#succeeded();
      return;
    }
    // A record that is no JSON, for instance, is not the backend's fault.
    if (error instanceof TypeError) return;
    this.#failed++;
    if (this.#state === 'closed' && this.#failed < this.#failures) return;
    this.#reopens = performance.now() + this.#resetAfter;
    this.#become('open');
  }

  #become(state: CircuitState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#onStateChange?.(state);
  }
}
