import { RESERVED_KEYS } from '../session.js';
import { CHANGED, isCopyOf, keptCopyOf, MOST_KEPT } from './json-copy.js';
import type { Members } from './members.js';

/**
 * The JSON of data, a text for each member. A request changes one of them, as a rule: the others'
 * texts and copies are there from the commit before.
 *
 * @internal
 */
export class JsonMembers {
  readonly members: Members;
  /** What stands before each value: `{"name":`, or `,"name":`. */
  readonly #starts: readonly string[];
  /** Each member, with what stands before its value. */
  readonly #texts: readonly string[];

  private constructor(members: Members, starts: readonly string[], texts: readonly string[]) {
    this.members = members;
    this.#starts = starts;
    this.#texts = texts;
  }

  /**
   * @param members whose values are replaced by copies, which are never to be changed.
   * @param before of an earlier state of the data.
   * @returns `undefined` where JSON does not give back all of it as it is (there is a date, an
   * `undefined`, a `NaN`, a reserved name), and where there is much of it.
   */
  static of(members: Members, before: JsonMembers | undefined): JsonMembers | undefined {
    const { names, values, count } = members;
    // Where all objects have a `toJSON`, each is asked what to say of it.
    if (count > MOST_KEPT || 'toJSON' in Object.prototype) return undefined;
    const starts = new Array<string>(count);
    const texts = new Array<string>(count);
    for (let i = 0; i < count; i++) {
      const name = names[i] as string;
      const isNamedAlike = before !== undefined && before.#isNamed(i, name);
      const start = isNamedAlike ? (before.#starts[i] as string) : startOf(name, i);
      if (start === undefined) return undefined;
      starts[i] = start;
      if (isNamedAlike && isCopyOf(before.members.values[i], values[i])) {
        values[i] = before.members.values[i];
        texts[i] = before.#texts[i] as string;
        continue;
      }
      // First the copy: what a getter gives may be another value each time.
      const copy = keptCopyOf(values[i]);
      if (copy === CHANGED) return undefined;
      values[i] = copy;
      texts[i] = start + (typeof copy === 'number' ? copy : JSON.stringify(copy));
    }
    return new JsonMembers(members, starts, texts);
  }

  #isNamed(at: number, name: string): boolean {
    return at < this.members.count && this.members.names[at] === name;
  }

  /** The same as `JSON.stringify` makes of an object of them. */
  toText(): string {
    let text = '';
    for (const each of this.#texts) text += each;
    return text === '' ? '{}' : `${text}}`;
  }
}

function startOf(name: string, at: number): string | undefined {
  if (RESERVED_KEYS.has(name)) return undefined;
  return `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`;
}
