import { dataOf } from '../session.js';
import { copyNested, isCopyOfData, ownWhatJsonKeeps } from './json-copy.js';

/**
 * The data of a session at one moment: what is stored, and what a commit compares with. The
 * comparison is exact; there is no checksum that two different states could share.
 *
 * @internal
 */
export class Snapshot {
  /** `undefined` where only the JSON is kept. */
  readonly values: object | undefined;
  #json: string | undefined;

  private constructor(values: object | undefined, json: string | undefined) {
    this.values = values;
    this.#json = json;
  }

  /** @param values the snapshot's own from here on; what is nested in it is copied. */
  static of(values: Record<string, unknown>): Snapshot {
    copyNested(values);
    return new Snapshot(values, undefined);
  }

  /** @param values read from JSON, and never changed from here on. */
  static ofJsonValues(values: Record<string, unknown>): Snapshot {
    return new Snapshot(values, undefined);
  }

  /**
   * The data that is made to JSON now.
   *
   * @param data the snapshot's own from here on; what is nested in it is copied. Kept where it is
   * what the JSON gives back.
   */
  static ofData(data: Record<string, unknown>): Snapshot {
    // First the copies: what a getter gives may be another value each time.
    const isKept = ownWhatJsonKeeps(data);
    return new Snapshot(isKept ? data : undefined, JSON.stringify(data));
  }

  static ofJson(json: string): Snapshot {
    return new Snapshot(undefined, json);
  }

  /** The data in canonical form, made when somebody first needs it. */
  get json(): string {
    return (this.#json ??= JSON.stringify(this.values));
  }

  /** Whether JSON says the same of what is kept here and of what `session` holds now. */
  isStill(session: object): boolean {
    return this.values === undefined
      ? this.json === JSON.stringify(dataOf(session))
      : isCopyOfData(this.values, session);
  }
}
