import { FEW_ROWS, longer } from './columns.js';
import { KeyIndex } from './key-index.js';
import { RecencyList } from './recency-list.js';

/**
 * The records of a process, a row each: its key and JSON in one string, all else in columns of
 * numbers. An object a record would take about as much memory as the record itself, and the garbage
 * collector would look at each of them again and again.
 *
 * @internal
 */
export class RecordTable {
  /** When the record ends, epoch milliseconds. */
  expires = new Float64Array(FEW_ROWS);
  /** How far that end has moved since the record was written, milliseconds. */
  shifts = new Float64Array(FEW_ROWS);
  versions = new Float64Array(FEW_ROWS);
  /** What the record counts for in the limit of the store, bytes. */
  bytes = new Uint32Array(FEW_ROWS);
  readonly recency = new RecencyList();

  #keyLengths = new Uint32Array(FEW_ROWS);
  readonly #texts: string[] = [''];
  readonly #index = new KeyIndex((row) => this.keyOf(row));
  readonly #free: number[] = [];
  #size = 0;
  readonly #mostRows: number;

  /** @param mostRecords how many records there will be at most. */
  constructor(mostRecords: number) {
    this.#mostRows = mostRecords + 1;
  }

  get size(): number {
    return this.#size;
  }

  /** The row of `key`; 0 when there is none. */
  find(key: string): number {
    return this.#index.find(key);
  }

  /**
   * A row for a key that has none, now the most recently used.
   * @param text the key, and the JSON right after it.
   */
  add(key: string, text: string): number {
    const row = this.#free.pop() ?? this.#newRow();
    this.#keyLengths[row] = key.length;
    this.#texts[row] = text;
    this.#index.add(row, key);
    this.recency.addToFront(row);
    this.#size++;
    return row;
  }

  /** Another text, with the same key, for a row, which is now the most recently used. */
  replace(row: number, text: string): void {
    this.#texts[row] = text;
    this.recency.moveToFront(row);
  }

  remove(row: number): void {
    this.#index.remove(row);
    this.recency.remove(row);
    this.#texts[row] = '';
    this.#free.push(row);
    this.#size--;
  }

  keyOf(row: number): string {
    return (this.#texts[row] as string).slice(0, this.#keyLengths[row]);
  }

  jsonOf(row: number): string {
    return (this.#texts[row] as string).slice(this.#keyLengths[row]);
  }

  #newRow(): number {
    const row = this.#texts.length;
    this.#texts.push('');
    if (row >= this.expires.length)
      this.#grow(Math.min(row + (row >> 1), Math.max(row, this.#mostRows) + 1));
    return row;
  }

  #grow(rows: number): void {
    this.expires = longer(this.expires, rows);
    this.shifts = longer(this.shifts, rows);
    this.versions = longer(this.versions, rows);
    this.bytes = longer(this.bytes, rows);
    this.#keyLengths = longer(this.#keyLengths, rows);
    this.recency.grow(rows);
    this.#index.grow(rows, this.recency);
  }
}
