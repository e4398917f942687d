import { FEW_ROWS, longer, NO_ROW } from './columns.js';

/**
 * Rows in the order of their last use. Every step takes constant time; a `Map` that is
 * re-inserted into does the same order, but pauses now and then to compact itself.
 *
 * A hand walks the list from old to new, a row at a call, and starts over at the end.
 *
 * @internal
 */
export class RecencyList {
  #newer = new Uint32Array(FEW_ROWS);
  #older = new Uint32Array(FEW_ROWS);
  #newest = NO_ROW;
  #oldest = NO_ROW;
  #hand = NO_ROW;

  get oldest(): number {
    return this.#oldest;
  }

  addToFront(row: number): void {
    this.#older[row] = this.#newest;
    this.#newer[row] = NO_ROW;
    if (this.#newest === NO_ROW) this.#oldest = row;
    else this.#newer[this.#newest] = row;
    this.#newest = row;
  }

  moveToFront(row: number): void {
    if (row === this.#newest) return;
    this.remove(row);
    this.addToFront(row);
  }

  remove(row: number): void {
    const newer = this.#newer[row] as number;
    const older = this.#older[row] as number;
    if (this.#hand === row) this.#hand = newer;
    if (older === NO_ROW) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NO_ROW) this.#newest = older;
    else this.#older[newer] = older;
  }

  /** The row under the hand, which moves on. {@link NO_ROW} when the list is empty. */
  nextToVisit(): number {
    const row = this.#hand === NO_ROW ? this.#oldest : this.#hand;
    this.#hand = row === NO_ROW ? NO_ROW : (this.#newer[row] as number);
    return row;
  }

  grow(rows: number): void {
    this.#newer = longer(this.#newer, rows);
    this.#older = longer(this.#older, rows);
  }

  /** All rows, the oldest first. */
  *[Symbol.iterator](): Generator<number> {
    for (let row = this.#oldest; row !== NO_ROW; row = this.#newer[row] as number) yield row;
  }
}
