import { jest } from '@jest/globals';
import { SessionOptionsError, StoreError } from '../../../lib/errors.js';
import { circuitBreaker } from '../../../lib/stores/circuit-breaker.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { isClearableStore, isVersionedStore } from '../../../lib/session/store.js';
import type { SessionStore } from '../../../lib/session/store.js';
import { storeContract } from '../../../lib/testing/index.js';

storeContract({
  name: 'circuitBreaker(MemoryStore)',
  create: () => circuitBreaker(new MemoryStore()),
  capabilities: ['create', 'version', 'touch', 'owner', 'clear', 'prune', 'close'],
});

const HOUR = 3_600_000;

/** A store that does what `behave` says. */
function storeThat(behave: () => unknown) {
  let calls = 0;
  const act = () => {
    calls++;
    return behave();
  };
  const store = { get: act, set: act, destroy: act } as SessionStore;
  return { store, calls: () => calls };
}

const fails = () => Promise.reject(new StoreError('get', { kind: 'unavailable' }));

describe('circuitBreaker', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('asks a store that failed no more until resetAfter has passed', async () => {
    const { store, calls } = storeThat(fails);
    const states: string[] = [];
    const guarded = circuitBreaker(store, {
      failures: 3,
      resetAfter: 10_000,
      onStateChange: (state) => states.push(state),
    });
    for (let n = 0; n < 3; n++) {
      await expect(guarded.get('a', HOUR, {})).rejects.toMatchObject({ kind: 'unavailable' });
    }
    await expect(guarded.get('a', HOUR, {})).rejects.toMatchObject({
      code: 'ERR_STORE_CIRCUIT_OPEN',
      kind: 'circuit-open',
      outcome: 'not-applied',
      status: 503,
      headers: { 'retry-after': '10' },
    });
    expect(calls()).toBe(3);
    jest.advanceTimersByTime(10_000);
    await expect(guarded.get('a', HOUR, {})).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(guarded.get('a', HOUR, {})).rejects.toMatchObject({ kind: 'circuit-open' });
    expect(calls()).toBe(4);
    expect(states).toEqual(['open', 'half-open', 'open']);
  });

  it('lets one call try, and all others through when it succeeded', async () => {
    let answer: () => unknown = fails;
    const { store, calls } = storeThat(() => answer());
    const guarded = circuitBreaker(store, { failures: 1, resetAfter: 1_000 });
    await expect(guarded.get('a', HOUR, {})).rejects.toThrow();
    jest.advanceTimersByTime(1_000);
    let succeed: (record: object) => void = () => undefined;
    answer = () => new Promise((resolve) => (succeed = resolve));
    const trial = guarded.get('a', HOUR, {});
    await expect(guarded.get('a', HOUR, {})).rejects.toMatchObject({ kind: 'circuit-open' });
    expect(calls()).toBe(2);
    succeed({ n: 1 });
    expect(await trial).toEqual({ n: 1 });
    answer = () => ({ n: 2 });
    expect(await guarded.get('a', HOUR, {})).toEqual({ n: 2 });
  });

  it('counts a call without an answer as a failure, and says of a write that it is unknown', async () => {
    const { store } = storeThat(() => new Promise(() => undefined));
    const guarded = circuitBreaker(store, { failures: 2, timeout: 500 });
    const read = expect(guarded.get('a', HOUR, {})).rejects.toMatchObject({
      code: 'ERR_STORE_TIMEOUT',
      outcome: 'not-applied',
    });
    const write = expect(guarded.set('a', {}, HOUR, {})).rejects.toMatchObject({
      code: 'ERR_STORE_TIMEOUT',
      outcome: 'unknown',
    });
    await jest.advanceTimersByTimeAsync(500);
    await Promise.all([read, write]);
    await expect(guarded.get('a', HOUR, {})).rejects.toMatchObject({ kind: 'circuit-open' });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for an answer although the timeout is longer than a timer can count', async () => {
    jest.useRealTimers();
    const slow = () => new Promise((resolve) => setTimeout(resolve, 50, { n: 1 }));
    const guarded = circuitBreaker(storeThat(slow).store, { timeout: 2 ** 31 });
    expect(await guarded.get('a', HOUR, {})).toEqual({ n: 1 });
  });

  it('stays closed when the backend answers that it refuses', async () => {
    const { store, calls } = storeThat(() =>
      Promise.reject(new StoreError('set', { kind: 'rejected' })),
    );
    const guarded = circuitBreaker(store, { failures: 1 });
    for (let n = 0; n < 5; n++) {
      await expect(guarded.set('a', {}, HOUR, {})).rejects.toMatchObject({ kind: 'rejected' });
    }
    expect(calls()).toBe(5);
  });

  it('stays closed when failures are not in a row', async () => {
    let turn = 0;
    const { store, calls } = storeThat(() => (turn++ % 2 === 0 ? fails() : undefined));
    const guarded = circuitBreaker(store, { failures: 2 });
    let failed = 0;
    for (let n = 0; n < 10; n++) {
      await Promise.resolve(guarded.get('a', HOUR, {})).catch(() => failed++);
    }
    expect(failed).toBe(5);
    expect(calls()).toBe(10);
  });

  it('has the powers of the store it wraps, and no others', () => {
    const { store } = storeThat(() => undefined);
    expect(isVersionedStore(circuitBreaker(store))).toBe(false);
    expect(isVersionedStore(circuitBreaker(new MemoryStore()))).toBe(true);
    expect(isClearableStore(circuitBreaker({ ...store, clear: async () => undefined }))).toBe(true);
  });

  it('refuses wrong options and what is no store', () => {
    const { store } = storeThat(() => undefined);
    expect(() => circuitBreaker(store, { failures: 0 })).toThrow(SessionOptionsError);
    expect(() => circuitBreaker(store, { tries: 1 } as object)).toThrow(/no option "tries"/);
    expect(() => circuitBreaker({} as SessionStore)).toThrow(/takes a store with get, set and/);
  });
});
