import { dataOf } from '../session.js';
import { JsonMembers } from './json-members.js';
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
  readonly #texts: JsonMembers | undefined;

  private constructor(members: Members | undefined, json?: string, texts?: JsonMembers) {
    this.members = members;
    this.#json = json;
    this.#texts = texts;
  }

  /** @param members the snapshot's own from here on; what is nested in them is copied. */
  static of(members: Members): Snapshot {
    ownNested(members);
    return new Snapshot(members);
  }

  /** @param members read from JSON, and never changed from here on. */
  static ofJsonMembers(members: Members): Snapshot {
    return new Snapshot(members);
  }

  /**
   * The data that is made to JSON now.
   *
   * @param members the snapshot's own from here on; what is nested in them is copied. Kept where
   * they are what the JSON gives back.
   * @param before an earlier state of the data, if there is one.
   */
  static withJson(members: Members, before: Snapshot | undefined): Snapshot {
    const texts = JsonMembers.of(members, before === undefined ? undefined : before.#texts);
    return texts === undefined
      ? new Snapshot(undefined, JSON.stringify(objectOf(members)))
      : new Snapshot(members, texts.toText(), texts);
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
