import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const SALT_BYTES = 12;

/**
 * What a record keeps of the text a session is bound to: a salted hash, since the text (a user
 * agent, an address) is the user's own.
 *
 * @internal
 */
export function bind(text: string, salt = randomBytes(SALT_BYTES).toString('base64url')): string {
  return `${salt}.${createHash('sha256').update(`${salt}.${text}`).digest('base64url')}`;
}

/** Whether `bound` was made of the same text. @internal */
export function isBoundTo(bound: string, text: string): boolean {
  const expected = Buffer.from(bind(text, bound.slice(0, bound.indexOf('.'))));
  const actual = Buffer.from(bound);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
