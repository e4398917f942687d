import type { SessionStore } from '../store.js';

/** The longest a write waits for its turn, in milliseconds; then it goes on without. */
const MAX_WAIT = 1000;

const TURNS = new WeakMap<SessionStore, Map<string, Promise<void>>>();

/**
 * Waits for the turn of a key among this process's own writers, once they have met a conflict.
 *
 * It only saves round trips: a hundred requests that retry at once mostly make each other retry,
 * one after the other they do not. What keeps writes apart is the store's compare-and-set, which
 * other processes take part in too; so a turn that does not come in time is gone without.
 *
 * @returns what ends the turn. It must be called.
 * @internal
 */
export async function takeTurn(store: SessionStore, key: string): Promise<() => void> {
  let turns = TURNS.get(store);
  if (turns === undefined) TURNS.set(store, (turns = new Map()));
  const queue = turns;
  const before = queue.get(key);
  let end: () => void = () => undefined;
  const own = new Promise<void>((resolve) => (end = resolve));
  const tail = before === undefined ? own : before.then(() => own);
  queue.set(key, tail);
  if (before !== undefined) await settledWithin(before, MAX_WAIT);
  return () => {
    end();
    if (queue.get(key) === tail) queue.delete(key);
  };
}

function settledWithin(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
