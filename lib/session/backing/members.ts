import { UNDERSCORE } from '../session.js';
import { copyOf, isCopyOf, isNested, isOmitted } from './json-copy.js';

/**
 * The members of an object side by side, in their order. Sessions have many shapes: to put a member
 * on one more object takes ten times what it takes to put it into a list.
 *
 * @internal
 */
export interface Members {
  readonly names: readonly string[];
  readonly values: unknown[];
  /** How many of them there are; what stands behind them means nothing. */
  readonly count: number;
}

/**
 * The members of a session, or of a record, that are data.
 *
 * @see dataOf
 * @internal
 */
export function membersOf(session: object): Members {
  const names = Object.keys(session);
  const values = new Array<unknown>(names.length);
  let count = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (name.charCodeAt(0) === UNDERSCORE) continue;
    const value = (session as Record<string, unknown>)[name];
    if (typeof value === 'function') continue;
    names[count] = name;
    values[count++] = value;
  }
  return { names, values, count };
}

/** An object of them. @internal */
export function objectOf({ names, values, count }: Members): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) data[names[i] as string] = values[i];
  return data;
}

/** Puts a {@link copyOf} each nested value in its place. @internal */
export function ownNested({ values, count }: Members): void {
  for (let i = 0; i < count; i++) {
    if (isNested(values[i])) values[i] = copyOf(values[i], 1);
  }
}

/**
 * Whether a session holds the data, and nothing else, that `members` were copied from. Members
 * count in their order, and without those that JSON leaves out.
 *
 * @internal
 */
export function areMembersOf({ names, values, count }: Members, session: object): boolean {
  let at = 0;
  for (const name of Object.keys(session)) {
    const member = (session as Record<string, unknown>)[name];
    if (isOmitted(member) || name.charCodeAt(0) === UNDERSCORE) continue;
    while (at < count && isOmitted(values[at])) at++;
    if (at === count || names[at] !== name || !isCopyOf(values[at], member)) return false;
    at++;
  }
  while (at < count && isOmitted(values[at])) at++;
  return at === count;
}
