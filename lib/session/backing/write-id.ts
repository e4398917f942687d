import { randomBytes } from 'node:crypto';

/** Apart from every other process's, without asking anyone. */
const PROCESS = randomBytes(9).toString('base64url');

let writes = 0;

/**
 * A name for one write to a store, which no other write has, of this process or another.
 *
 * @returns 14 to 24 characters without white space.
 * @internal
 */
export function newWriteId(): string {
  return `${PROCESS}.${(++writes).toString(36)}`;
}
