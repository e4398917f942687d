import type { SessionRecord } from '../store.js';

/**
 * The fields of a record that this engine's own powers need. koa-session ignores them, and does
 * not keep them. Times are epoch milliseconds.
 *
 * @internal
 */
export interface Marks {
  /** When the session began (its last login, if there was one): what `absoluteMaxAge` counts from. */
  _created?: number;
  /** When its user was last authenticated. */
  _auth?: number;
  /** When its id was last renewed. */
  _renewed?: number;
  /** Whose session it is; stores keep an index of it. */
  _owner?: string;
  /** It lies under a hash of its id, and is nobody's who sends that hash as an id. */
  _hashed?: boolean;
  /** A keyed hash of what the option `binding` gave when the session began. */
  _bound?: string;
  /** A random text that CSRF tokens are bound to. */
  _csrf?: string;
  /** From which device it is used, if the option `device` is on. */
  _device?: Record<string, unknown>;
}

const TYPES = {
  _created: 'number',
  _auth: 'number',
  _renewed: 'number',
  _owner: 'string',
  _hashed: 'boolean',
  _bound: 'string',
  _csrf: 'string',
  _device: 'object',
} satisfies Record<keyof Marks, string>;

const MARK_TYPES: ReadonlyMap<string, string> = new Map(Object.entries(TYPES));
const MARKS = Object.keys(TYPES) as (keyof Marks)[];

/** @internal */
export const NO_MARKS: Marks = Object.freeze({});

/** The marks in a record; one of the wrong type is left out. @internal */
export function marksOf(record: SessionRecord): Marks {
  let marks: Record<string, unknown> | undefined;
  for (const name in record) {
    if (!name.startsWith('_')) continue;
    const type = MARK_TYPES.get(name);
    if (type === undefined) continue;
    const value = record[name];
    if (value !== null && typeof value === type) {
      marks ??= {};
      marks[name] = value;
    }
  }
  return marks ?? NO_MARKS;
}

/** This request's marks laid over those stored meanwhile: what it did not set stays theirs. @internal */
export function mergeMarks(base: Marks, mine: Marks, theirs: Marks): Marks {
  const merged: Record<string, unknown> = { ...theirs };
  for (const name of MARKS) {
    if (mine[name] !== base[name]) merged[name] = mine[name];
    if (merged[name] === undefined) delete merged[name];
  }
  return merged;
}
