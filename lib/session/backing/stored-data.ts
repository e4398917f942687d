import { dataOf } from '../session.js';
import type { SessionRecord } from '../store.js';
import { dataJsonOf, recordData } from './record.js';
import { Snapshot } from './snapshot.js';

/**
 * What is stored of a session: what a commit compares with. The comparison is exact; there is no
 * checksum that two different states could share.
 *
 * @internal
 */
export class StoredData {
  #data: Snapshot | undefined;
  /** The whole text that the data was cut out of, until it is known to be canonical. */
  #text: string | undefined;
  /** What was parsed from that text: what is nested in it, the session may have changed by now. */
  #record: SessionRecord | undefined;

  /** Whether anything is stored. */
  get exists(): boolean {
    return this.#data !== undefined || this.#text !== undefined;
  }

  /** The JSON of the data, in canonical form. */
  get json(): string | undefined {
    if (this.#text !== undefined) this.#look(this.#text);
    return this.#data?.json;
  }

  /** The data came from this text (of a cookie), which `record` was parsed from. */
  cameFrom(text: string, record: SessionRecord): void {
    this.#text = text;
    this.#record = record;
    const json = dataJsonOf(text);
    this.#data = json === undefined ? undefined : Snapshot.ofJson(json);
  }

  /** The data is what `session` holds, as it was just loaded. */
  is(session: object): void {
    if (this.#text === undefined) this.#data = Snapshot.of(dataOf(session)).keepValues();
  }

  /** The data was written. */
  isNow(data: Snapshot | undefined): void {
    this.#data = data;
    this.#text = undefined;
    this.#record = undefined;
  }

  isGone(): void {
    this.isNow(undefined);
  }

  /**
   * Whether data differs from what is stored. Equal texts are equal data. Unequal ones are
   * compared once more with the canonical form of what is stored, since somebody else may have
   * written that with other spacing.
   */
  differsFrom(now: Snapshot): boolean {
    // Most changes are of a plain value, and need no JSON to be seen.
    if (this.#record !== undefined && now.hasOtherScalars(this.#record)) return true;
    if (this.#data?.isStill(now)) return false;
    if (this.#text === undefined) return true;
    this.#look(this.#text);
    return this.#data?.isStill(now) !== true;
  }

  #look(text: string): void {
    const data = recordData(JSON.parse(text) as SessionRecord);
    this.#data = Snapshot.of(data).keepJson();
    this.#text = undefined;
    this.#record = undefined;
  }
}
