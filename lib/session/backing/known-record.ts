import { dataOf, RESERVED_KEYS } from '../session.js';
import type { SessionRecord } from '../store.js';
import { cloneOf } from './json-copy.js';
import { Snapshot } from './snapshot.js';

/**
 * The record in a cookie, kept for the next request that brings the same cookie. It is nobody's to
 * change: a session is given a copy of the data.
 *
 * @internal
 */
export class KnownRecord {
  readonly status = 'found';
  readonly record: SessionRecord;
  /** The application's data in it. */
  readonly data: Snapshot;
  readonly #values: Record<string, unknown>;

  private constructor(record: SessionRecord, values: Record<string, unknown>) {
    this.record = record;
    this.#values = values;
    this.data = Snapshot.ofJsonValues(values);
  }

  /**
   * @param record just read from JSON, and nobody else's.
   * @returns `undefined` for one that each request must see for itself: it is no record, or it has
   * a reserved name in it, which may have to be told by event.
   */
  static of(record: unknown): KnownRecord | undefined {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) return undefined;
    const values = dataOf(record);
    if (Object.keys(values).some((key) => RESERVED_KEYS.has(key))) return undefined;
    return new KnownRecord(record as SessionRecord, values);
  }

  /** Puts a copy of the data on `session`. */
  fill(session: object): void {
    for (const key of Object.keys(this.#values)) {
      (session as Record<string, unknown>)[key] = cloneOf(this.#values[key]);
    }
  }
}
