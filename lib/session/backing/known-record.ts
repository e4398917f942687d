import { RESERVED_KEYS, UNDERSCORE } from '../session.js';
import type { SessionRecord } from '../store.js';
import { cloneOf } from './json-copy.js';
import { type Members, membersOf, objectOf } from './members.js';
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
    const members = membersOf(record);
    if (hasReserved(members)) return undefined;
    const fields = Object.entries(record).filter(([name]) => name.charCodeAt(0) === UNDERSCORE);
    return new KnownRecord(Object.fromEntries(fields), Snapshot.ofJsonMembers(members));
  }

  /**
   * @param data just made to JSON.
   * @param fields the engine's, as they are in the JSON; never changed from here on.
   * @returns `undefined` where reading the JSON may give anything else.
   */
  static made(data: Snapshot, fields: SessionRecord): KnownRecord | undefined {
    return data.members === undefined ? undefined : new KnownRecord(fields, data);
  }

  /** Puts a copy of the data on `session`. */
  fill(session: object): void {
    const { names, values, count } = this.data.members as Members;
    for (let i = 0; i < count; i++) {
      (session as Record<string, unknown>)[names[i] as string] = cloneOf(values[i]);
    }
  }

  /** A copy of all of the record. */
  whole(): SessionRecord {
    return cloneOf({ ...objectOf(this.data.members as Members), ...this.record }) as SessionRecord;
  }
}

function hasReserved({ names, count }: Members): boolean {
  for (let i = 0; i < count; i++) {
    if (RESERVED_KEYS.has(names[i] as string)) return true;
  }
  return false;
}
