import { createHash } from 'node:crypto';

/** 128 bits: two records that are mixed up by accident never share it. */
const TAG_CHARS = 22;

/**
 * What a record says of the key it belongs to, so that one that is handed out for another key is
 * found out. A hash, since a key may be an id; not a keyed one, since who can write to the store
 * can write anything.
 *
 * @internal
 */
export function recordTag(key: string): string {
  return createHash('sha256').update(`record.${key}`).digest('base64url').slice(0, TAG_CHARS);
}
