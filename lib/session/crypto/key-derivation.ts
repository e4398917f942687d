import { hkdfSync } from 'node:crypto';
import { SessionOptionsError, typeName } from '../../errors.js';

/**
 * A secret of the application: at least 32 bytes from a random source, as text (its UTF-8 bytes
 * count) or as bytes. `openssl rand -base64 32` makes one.
 *
 * @publicApi
 */
export type Secret = string | Uint8Array;

/** The fewest bytes of a secret: as many as the keys derived from it have. @internal */
export const MIN_SECRET_BYTES = 32;

/** Random bytes, hex or base64 of this length have more different bytes than this by far. */
const MIN_DIFFERENT_BYTES = 8;

/**
 * The secret's bytes, if it can be one.
 *
 * @param option the option it came from, for the error.
 * @throws SessionOptionsError ERR_SESSION_KEYS_MISSING when it is too short, or one that people
 * type (`'x'.repeat(32)`).
 * @internal
 */
export function secretBytes(option: string, secret: unknown): Buffer<ArrayBuffer> {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) {
    throw new SessionOptionsError(
      option,
      `"${option}" must be a string or bytes, received ${typeName(secret)}`,
      'ERR_SESSION_KEYS_MISSING',
    );
  }
  const bytes = typeof secret === 'string' ? Buffer.from(secret) : Buffer.from(secret);
  if (bytes.length < MIN_SECRET_BYTES) {
    throw new SessionOptionsError(
      option,
      `"${option}" must have at least ${MIN_SECRET_BYTES} bytes, but it has ${bytes.length}: make one with \`openssl rand -base64 32\``,
      'ERR_SESSION_KEYS_MISSING',
    );
  }
  if (new Set(bytes).size < MIN_DIFFERENT_BYTES) {
    throw new SessionOptionsError(
      option,
      `"${option}" must be random, but it repeats a few characters: make one with \`openssl rand -base64 32\``,
      'ERR_SESSION_KEYS_MISSING',
    );
  }
  return bytes;
}

/**
 * A key for one use, made from a secret by HKDF-SHA256 (RFC 5869). Keys of different uses tell
 * nothing about each other, so one secret serves for sealing, for tokens and for hashed ids.
 *
 * @param use what the key is for; it never changes, or what was made with the key is lost.
 * @internal
 */
export function deriveKey(secret: Uint8Array, use: string, length = 32): Buffer<ArrayBuffer> {
  return Buffer.from(hkdfSync('sha256', secret, 'nestjs-koa-session', `v1|${use}`, length));
}

/** More secrets and uses than an application has; beyond it the cache starts anew. */
const MAX_CACHED = 64;
const derived = new Map<string, Buffer<ArrayBuffer>>();

/**
 * The same as {@link deriveKey} for secrets that come up at every request, such as those in
 * `app.keys`: a derivation takes as long as ten signatures. Secrets of any length are taken.
 *
 * @internal
 */
export function cachedKey(secret: Secret, use: string): Buffer<ArrayBuffer> {
  const text =
    typeof secret === 'string' ? `t${secret}` : `b${Buffer.from(secret).toString('hex')}`;
  const name = `${use}\0${text}`;
  let key = derived.get(name);
  if (key === undefined) {
    if (derived.size >= MAX_CACHED) derived.clear();
    key = deriveKey(Buffer.from(secret as string), use);
    derived.set(name, key);
  }
  return key;
}
