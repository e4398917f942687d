import { isDeepStrictEqual } from 'node:util';

type Data = Readonly<Record<string, unknown>>;

/**
 * Merges two edits of one session, key by key: what this request changed since `base` (a value
 * set, a key removed) is laid over what another request has stored meanwhile.
 *
 * Where both changed the same key, this request wins: it is the later one. Values are compared
 * deeply and taken whole; nothing is merged inside a value.
 *
 * @returns a new object; keys keep the order of `theirs`, new ones follow.
 * @internal
 */
export function merge(base: Data, mine: Data, theirs: Data): Record<string, unknown> {
  const merged: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(theirs)) {
    if (Object.hasOwn(mine, key)) {
      merged[key] = unchanged(base, mine, key) ? theirs[key] : mine[key];
    } else if (!Object.hasOwn(base, key)) {
      merged[key] = theirs[key];
    } // else: this request removed it
  }
  for (const key of Object.keys(mine)) {
    // A key that this request left alone and the other removed stays removed.
    if (!Object.hasOwn(theirs, key) && !unchanged(base, mine, key)) merged[key] = mine[key];
  }
  return merged;
}

function unchanged(base: Data, mine: Data, key: string): boolean {
  return Object.hasOwn(base, key) && isDeepStrictEqual(base[key], mine[key]);
}
