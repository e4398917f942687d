import { randomBytes } from 'node:crypto';
import { FEW_ROWS, longer, NO_ROW } from './columns.js';

/** Apart in each process, so that nobody outside can pick keys that all meet in one bucket. */
const SEED = randomBytes(4).readInt32LE();

/**
 * Finds rows by their keys: a hash table with chains, in three columns of numbers. A `Map` would
 * take 37 bytes an entry, and keep each key as a string of its own.
 *
 * @internal
 */
export class KeyIndex {
  /** The first row of each chain. The length is a power of two. */
  #heads = new Uint32Array(FEW_ROWS);
  /** For each row: the next one of its chain, and the hash of its key. */
  #next = new Uint32Array(FEW_ROWS);
  #hashes = new Uint32Array(FEW_ROWS);
  readonly #keyOf: (row: number) => string;

  /** @param keyOf the key of a row, to tell apart keys of the same hash. */
  constructor(keyOf: (row: number) => string) {
    this.#keyOf = keyOf;
  }

  find(key: string): number {
    const hash = hashOf(key);
    let row = this.#heads[this.#chainOf(hash)] as number;
    while (row !== NO_ROW && (this.#hashes[row] !== hash || this.#keyOf(row) !== key)) {
      row = this.#next[row] as number;
    }
    return row;
  }

  /** @param row a row that is not in the index. */
  add(row: number, key: string): void {
    this.#hashes[row] = hashOf(key);
    this.#link(row);
  }

  remove(row: number): void {
    const chain = this.#chainOf(this.#hashes[row] as number);
    const next = this.#next[row] as number;
    let before = this.#heads[chain] as number;
    if (before === row) {
      this.#heads[chain] = next;
      return;
    }
    while (this.#next[before] !== row) before = this.#next[before] as number;
    this.#next[before] = next;
  }

  /** Makes room. `known` are all rows of the index. */
  grow(rows: number, known: Iterable<number>): void {
    this.#next = longer(this.#next, rows);
    this.#hashes = longer(this.#hashes, rows);
    if (rows <= this.#heads.length) return;
    this.#heads = new Uint32Array(2 ** Math.ceil(Math.log2(rows)));
    for (const row of known) this.#link(row);
  }

  #link(row: number): void {
    const chain = this.#chainOf(this.#hashes[row] as number);
    this.#next[row] = this.#heads[chain] as number;
    this.#heads[chain] = row;
  }

  #chainOf(hash: number): number {
    return hash & (this.#heads.length - 1);
  }
}

/** FNV-1a over the characters, with the bits mixed at the end. */
function hashOf(key: string): number {
  let hash = SEED;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
