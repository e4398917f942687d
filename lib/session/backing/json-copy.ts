/** Deeper than any session's data; a circle ends here too, in `JSON.stringify`'s own error. */
const MAX_DEPTH = 100;

/** What JSON says of a value that is no plain data: a date, an instance of a class, a bigint. */
class Opaque {
  constructor(readonly json: string | undefined) {}

  toJSON(): unknown {
    return this.json === undefined ? undefined : JSON.parse(this.json);
  }
}

/**
 * A deep copy of data, to compare it with later: what JSON would keep of it, for a sixth of what
 * `JSON.stringify` takes.
 *
 * @throws TypeError for what JSON cannot hold, as `JSON.stringify` does.
 * @internal
 */
export function copyOf(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'bigint' ? new Opaque(JSON.stringify(value)) : value;
  }
  if (!isPlain(value) || depth === MAX_DEPTH) return new Opaque(JSON.stringify(value));
  return Array.isArray(value) ? copyOfItems(value, depth + 1) : copyOfMembers(value, depth + 1);
}

function copyOfItems(items: unknown[], depth: number): unknown[] {
  const copy = items.slice();
  for (let i = 0; i < copy.length; i++) {
    if (isNested(copy[i])) copy[i] = copyOf(copy[i], depth);
  }
  return copy;
}

function copyOfMembers(members: object, depth: number): object {
  const copy: Record<string, unknown> = { ...members };
  copyNested(copy, depth);
  return copy;
}

/** A deep copy of what was read from JSON, where {@link copyOf} is only there to be compared with. @internal */
export function cloneOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneOf);
  const clone: Record<string, unknown> = { ...value };
  for (const name in clone) {
    if (isNested(clone[name]) && Object.hasOwn(clone, name)) clone[name] = cloneOf(clone[name]);
  }
  return clone;
}

function copyNested(members: Record<string, unknown>, depth: number): void {
  // Half the time of a list of the names; what all objects inherit is in it too.
  for (const name in members) {
    if (isNested(members[name]) && Object.hasOwn(members, name)) {
      members[name] = copyOf(members[name], depth);
    }
  }
}

/** In place of a copy of what JSON does not give back as it is. @internal */
export const CHANGED = Symbol('changed by JSON');

/**
 * The most members of a session, and values in one, that are copied: a cookie that is short enough to
 * be remembered hardly has more.
 *
 * @internal
 */
export const MOST_KEPT = 100;

/**
 * A copy of what JSON gives back as it is.
 *
 * @returns {@link CHANGED} for anything else (a date, an `undefined`, a `NaN`), and where there is
 * much of it.
 * @internal
 */
export function keptCopyOf(value: unknown): unknown {
  return isSimple(value) ? value : keptNestedCopyOf(value, 1, { left: MOST_KEPT });
}

function keptNestedCopyOf(value: unknown, depth: number, room: { left: number }): unknown {
  if (--room.left < 0) return CHANGED;
  if (isSimple(value)) return value;
  if (!isPlain(value) || depth === MAX_DEPTH) return CHANGED;
  if (!Array.isArray(value)) {
    const copy: Record<string, unknown> = { ...value };
    for (const name of Object.keys(copy)) {
      const member = keptNestedCopyOf(copy[name], depth + 1, room);
      if (member === CHANGED) return CHANGED;
      copy[name] = member;
    }
    return copy;
  }
  // An array may have a method or a kind of its own, which JSON does not ask for.
  const copy: unknown[] = [];
  for (let i = 0; i < value.length; i++) {
    const item = keptNestedCopyOf(value[i], depth + 1, room);
    if (item === CHANGED) return CHANGED;
    copy.push(item);
  }
  return copy;
}

/** @internal */
export function isNested(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'bigint';
}

/** Whether JSON would say the same of `value` as of what `copy` was made from. @internal */
export function isCopyOf(copy: unknown, value: unknown): boolean {
  if (copy === value) return true;
  if (isPlain(copy) && isPlain(value)) {
    const isArray = Array.isArray(value);
    if (isArray !== Array.isArray(copy)) return false;
    return isArray ? haveSameItems(copy as unknown[], value) : haveSameMembers(copy, value);
  }
  // JSON has one text for each of these, and they are not the same.
  if (isSimple(copy) && isSimple(value)) return false;
  return JSON.stringify(copy) === JSON.stringify(value);
}

/** Whether JSON gives back `value` as it is, and has nothing to ask it for. */
function isSimple(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === 'string' || typeof value === 'boolean' || value === null;
}

function haveSameItems(copy: unknown[], value: unknown[]): boolean {
  if (copy.length !== value.length) return false;
  for (let i = 0; i < value.length; i++) {
    if (!isCopyOf(itemOf(copy[i]), itemOf(value[i]))) return false;
  }
  return true;
}

/** What JSON makes of an item. */
function itemOf(value: unknown): unknown {
  return isOmitted(value) ? null : value;
}

/** Members count in their order, and without those that JSON leaves out. */
function haveSameMembers(copy: object, value: object): boolean {
  const [ours, theirs] = [copy as Record<string, unknown>, value as Record<string, unknown>];
  const names = Object.keys(ours);
  let at = 0;
  for (const name of Object.keys(theirs)) {
    const member = theirs[name];
    if (isOmitted(member)) continue;
    while (at < names.length && isOmitted(ours[names[at] as string])) at++;
    if (names[at] !== name || !isCopyOf(ours[name], member)) return false;
    at++;
  }
  while (at < names.length && isOmitted(ours[names[at] as string])) at++;
  return at === names.length;
}

/** Whether JSON leaves a member with this value out. @internal */
export function isOmitted(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol';
}

/** Whether a value is an array or object that JSON takes as it is. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) {
    return false;
  }
  return typeof (value as { toJSON?: unknown }).toJSON !== 'function';
}
