import { dataOf } from '../session.js';
import type { SessionRecord } from '../store.js';
import { recordData } from './record.js';
import { Snapshot } from './snapshot.js';

/**
 * What is stored of a session: what a commit compares with. The comparison is exact; there is no
 * checksum that two different states could share.
 *
 * @internal
 */
export class StoredData {
  #data: Snapshot | undefined;

  /** What a record holds that another request stored. */
  static of(record: SessionRecord): StoredData {
    const stored = new StoredData();
    stored.isNow(Snapshot.ofJson(JSON.stringify(recordData(record))));
    return stored;
  }

  /** Whether anything is stored. */
  get exists(): boolean {
    return this.#data !== undefined;
  }

  /** The JSON of the data, in canonical form. */
  get json(): string | undefined {
    return this.#data?.json;
  }

  /** The data is what `session` holds, as it was just loaded. */
  is(session: object): void {
    this.#data = Snapshot.of(dataOf(session)).keepValues();
  }

  /** The data was written. */
  isNow(data: Snapshot): void {
    this.#data = data;
  }

  isGone(): void {
    this.#data = undefined;
  }

  /** Whether data differs from what is stored. */
  differsFrom(now: Snapshot): boolean {
    return this.#data?.isStill(now) !== true;
  }
}
