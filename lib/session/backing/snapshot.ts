import { dataOf } from '../session.js';
import { ownWhatJsonKeeps } from './json-copy.js';
import { areMembersOf, type Members, objectOf, ownNested } from './members.js';

/**
 * The data of a session at one moment: what is stored, and what a commit compares with. The
 * comparison is exact; there is no checksum that two different states could share.
 *
 * @internal
 */
export class Snapshot {
  /** `undefined` where only the JSON is kept. */
  readonly members: Members | undefined;
  #json: string | undefined;

  private constructor(members: Members | undefined, json: string | undefined) {
    this.members = members;
    this.#json = json;
  }

  /** @param members the snapshot's own from here on; what is nested in them is copied. */
  static of(members: Members): Snapshot {
    ownNested(members);
    return new Snapshot(members, undefined);
  }

  /** @param members read from JSON, and never changed from here on. */
  static ofJsonMembers(members: Members): Snapshot {
    return new Snapshot(members, undefined);
  }

  /**
   * The data that is made to JSON now.
   *
   * @param data the snapshot's own from here on; what is nested in it is copied. Kept where it is
   * what the JSON gives back.
   */
  static ofData(data: Record<string, unknown>): Snapshot {
    // First the copies: what a getter gives may be another value each time.
    const values = ownWhatJsonKeeps(data);
    const members =
      values === undefined ? undefined : { names: Object.keys(data), values, count: values.length };
    return new Snapshot(members, JSON.stringify(data));
  }

  static ofJson(json: string): Snapshot {
    return new Snapshot(undefined, json);
  }

  /** The data in canonical form, made when somebody first needs it. */
  get json(): string {
    return (this.#json ??= JSON.stringify(objectOf(this.members as Members)));
  }

  /** Whether JSON says the same of what is kept here and of what `session` holds now. */
  isStill(session: object): boolean {
    return this.members === undefined
      ? this.json === JSON.stringify(dataOf(session))
      : areMembersOf(this.members, session);
  }
}
