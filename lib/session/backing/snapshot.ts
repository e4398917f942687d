import { copyNested, isCopyOf } from './json-copy.js';

/**
 * The data of a session at one moment. Its JSON is made when somebody first needs it: a store is
 * handed the values, and most requests only have to know whether they changed.
 *
 * @internal
 */
export class Snapshot {
  /** `undefined` where only the JSON is kept. */
  #values: object | undefined;
  #json: string | undefined;

  /**
   * @param values the snapshot's own from here on; what is nested in it may be the session's until
   * one of the two `keep` methods.
   */
  static of(values: object): Snapshot {
    const snapshot = new Snapshot();
    snapshot.#values = values;
    return snapshot;
  }

  static ofJson(json: string): Snapshot {
    const snapshot = new Snapshot();
    snapshot.#json = json;
    return snapshot;
  }

  get json(): string {
    return (this.#json ??= JSON.stringify(this.#values));
  }

  get isEmpty(): boolean {
    return this.#values === undefined
      ? this.#json === '{}'
      : Object.keys(this.#values).length === 0;
  }

  /** From here on the session may change; the values stay as they are. */
  keepValues(): this {
    if (this.#json !== undefined) return this.keepJson();
    copyNested(this.#values as Record<string, unknown>);
    return this;
  }

  /** From here on the session may change; the JSON stays as it is. */
  keepJson(): this {
    this.#json = this.json;
    this.#values = undefined;
    return this;
  }

  /** Whether JSON says the same of what is kept here and of the session `now`. */
  isStill(now: Snapshot): boolean {
    if (this.#values !== undefined && now.#values !== undefined) {
      return isCopyOf(this.#values, now.#values);
    }
    return this.json === now.json;
  }
}
