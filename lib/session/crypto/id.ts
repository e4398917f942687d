import { createHmac, randomBytes } from 'node:crypto';
import { v4 as uuid } from 'uuid';
import { deriveKey, secretBytes } from './key-derivation.js';
import type { Secret } from './key-derivation.js';

/** How ids are made. */
export interface IdOptions {
  /** Goes before each id. Default: nothing. */
  prefix?: string | undefined;
  /** Random bytes of an id, written in base64url. Default: none, ids are UUIDs. */
  idBytes?: number | undefined;
}

/**
 * A new id: a random UUID (version 4) as koa-session makes it, or, with `idBytes`, that many
 * random bytes in base64url. A UUID has 122 random bits; OWASP ASVS 5.0 asks for 128 (7.2.3), so
 * `strict()` sets 32 bytes.
 *
 * @example newId({ prefix: 'app:' }) // 'app:9b2f4f0e-5d0e-4c37-9f33-0f2f0f0b7f57'
 * @internal
 */
export function newId({ prefix = '', idBytes }: IdOptions = {}): string {
  return prefix + (idBytes === undefined ? uuid() : randomBytes(idBytes).toString('base64url'));
}

/** Longer than any id with a sensible prefix, and short enough for the key of any store. */
const MAX_ID_CHARS = 512;
/** What a cookie's value may hold (`cookie-octet`, RFC 6265 section 4.1.1). */
const ID = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const BASE64URL = /^[\w-]{22,342}$/;

/**
 * Whether what a client sent can be an id at all, whoever made it: 1 to 512 characters that a
 * cookie may hold. No space, quote, comma, semicolon, backslash, control character or letter
 * beyond ASCII ever reaches a store.
 *
 * @internal
 */
export function isWellFormedId(id: unknown): id is string {
  return typeof id === 'string' && id.length <= MAX_ID_CHARS && ID.test(id);
}

/**
 * Whether an id has the form that {@link newId} gives it: the prefix, and then a UUID or 16 to 256
 * bytes in base64url. Both forms pass, so that a change of `idBytes` ends no session. For
 * applications without a `genid` of their own.
 *
 * @internal
 */
export function isGeneratedId(id: unknown, prefix = ''): id is string {
  if (typeof id !== 'string' || !id.startsWith(prefix)) return false;
  const bare = id.slice(prefix.length);
  return UUID.test(bare) || BASE64URL.test(bare);
}

/**
 * Makes a function that turns an id into the key of its record: HMAC-SHA256 under a key derived
 * from `secret`, in base64url (43 characters). Who reads the store cannot make a cookie of it.
 *
 * @param option the option the secret came from, for the error.
 * @throws SessionOptionsError ERR_SESSION_KEYS_MISSING when the secret is shorter than 32 bytes.
 * @internal
 */
export function hashId(secret: Secret, option = 'hashIds.key'): (id: string) => string {
  const key = deriveKey(secretBytes(option, secret), 'id');
  return (id) => createHmac('sha256', key).update(id).digest('base64url');
}
