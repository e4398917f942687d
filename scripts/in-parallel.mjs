// Prevents: CI that waits for one download after the other while its cores have nothing to do.
import { availableParallelism } from 'node:os';

/**
 * Works on each item, on as many at a time as there are cores, and at most four.
 *
 * @template Item, Result
 * @param {readonly Item[]} items
 * @param {(item: Item) => Promise<Result>} work
 * @returns {Promise<Result[]>} what came of them, in the order of the items. Rejects with the first
 *   failure once nothing is at work any more; what had not begun by then is left out.
 */
export async function inParallel(items, work) {
  const results = [];
  const failures = [];
  let next = 0;
  async function workOn() {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        results[index] = await work(items[index]);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  const workers = Math.min(availableParallelism(), 4, items.length);
  await Promise.all(Array.from({ length: workers }, workOn));
  if (failures.length > 0) throw failures[0];
  return results;
}
