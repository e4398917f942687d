import { dataJsonOf, recordData } from './record.js';
import { dataOf } from '../session.js';
import type { SessionRecord } from '../store.js';

/**
 * What is stored of a session, as the JSON of its data: what a commit compares with. The
 * comparison is exact; there is no checksum that two different states could share.
 *
 * @internal
 */
export class StoredData {
  #json: string | undefined;
  /** The whole text that `#json` was cut out of, until it is known to be canonical. */
  #text: string | undefined;

  /** Whether anything is stored. */
  get exists(): boolean {
    return this.#json !== undefined || this.#text !== undefined;
  }

  /** The JSON, in canonical form as far as it is known. */
  get json(): string | undefined {
    if (this.#text !== undefined) this.#look(this.#text);
    return this.#json;
  }

  /** The data came from this text (of a cookie). */
  cameFrom(text: string): void {
    this.#text = text;
    this.#json = dataJsonOf(text);
  }

  /** The data is what `session` holds, as it was just loaded. */
  is(session: object): void {
    if (this.#text === undefined) this.#json = JSON.stringify(dataOf(session));
  }

  isJson(json: string): void {
    this.#json = json;
    this.#text = undefined;
  }

  isGone(): void {
    this.#json = undefined;
    this.#text = undefined;
  }

  /**
   * Whether data with this JSON differs from what is stored. Equal texts are equal data. Unequal
   * ones are compared once more with the canonical form of what is stored, since somebody else
   * may have written that with other spacing.
   */
  differsFrom(json: string): boolean {
    if (json === this.#json) return false;
    if (this.#text === undefined) return true;
    this.#look(this.#text);
    return json !== this.#json;
  }

  #look(text: string): void {
    this.#json = JSON.stringify(recordData(JSON.parse(text) as SessionRecord));
    this.#text = undefined;
  }
}
