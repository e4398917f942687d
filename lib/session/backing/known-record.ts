import { dataOf, RESERVED_KEYS, UNDERSCORE } from '../session.js';
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
  /** The engine's fields of it, which is what the checks look at. */
  readonly record: SessionRecord;
  /** The application's data in it. */
  readonly data: Snapshot;

  private constructor(fields: SessionRecord, data: Snapshot) {
    this.record = fields;
    this.data = data;
  }

  /**
   * @param record just read from JSON, and nobody else's.
   * @returns `undefined` for one that each request must see for itself: it is no record, or it has
   * a reserved name in it, which may have to be told by event.
   */
  static of(record: unknown): KnownRecord | undefined {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) return undefined;
    const values = dataOf(record);
    if (hasReserved(values)) return undefined;
    const fields = Object.entries(record).filter(([name]) => name.charCodeAt(0) === UNDERSCORE);
    return new KnownRecord(Object.fromEntries(fields), Snapshot.ofJsonValues(values));
  }

  /**
   * @param data just made to JSON.
   * @param fields the engine's, as they are in the JSON; never changed from here on.
   * @returns `undefined` where reading the JSON may give anything else.
   */
  static made(data: Snapshot, fields: SessionRecord): KnownRecord | undefined {
    const { values } = data;
    return values === undefined || hasReserved(values) ? undefined : new KnownRecord(fields, data);
  }

  /** Puts a copy of the data on `session`. */
  fill(session: object): void {
    const values = this.data.values as Record<string, unknown>;
    for (const key of Object.keys(values)) {
      (session as Record<string, unknown>)[key] = cloneOf(values[key]);
    }
  }

  /** A copy of all of the record. */
  whole(): SessionRecord {
    return cloneOf({ ...this.data.values, ...this.record }) as SessionRecord;
  }
}

function hasReserved(values: object): boolean {
  return Object.keys(values).some((key) => RESERVED_KEYS.has(key));
}
