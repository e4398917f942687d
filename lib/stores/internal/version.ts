import { createHash, randomBytes } from 'node:crypto';

/** Apart from every other process's, without asking anyone. */
const PROCESS = randomBytes(9).toString('base64url');

let writes = 0;

/**
 * The version that a write gives its record. Every write has a name of its own, so the name is
 * the version: it cannot come back with a record that is destroyed and made anew, as a count
 * would, and a repeated write is known by it.
 *
 * @param writeId the caller's name for the write, if there is one. Names that a backend may trip
 * over are hashed.
 * @returns 1 to 64 characters without white space.
 * @internal
 */
export function versionFor(writeId: string | undefined): string {
  if (writeId === undefined) return `${PROCESS}.${(++writes).toString(36)}`;
  if (/^[\w.:-]{1,64}$/.test(writeId)) return writeId;
  return createHash('sha256').update(writeId).digest('base64url');
}
