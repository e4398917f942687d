import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { cachedKey } from './key-derivation.js';
import type { Secret } from './key-derivation.js';

const MAC_BYTES = 32;
const TOKEN_BYTES = 2 * MAC_BYTES;

/**
 * A token that shows that a request comes from a page of the application: bound to one session,
 * another text each time, good as long as the session is.
 *
 * It is an HMAC-SHA256 of what only this session has, under a key derived from the secret, so
 * nothing is stored. It is written over with a random mask, so that a page compressed together
 * with a guess gives nothing away (BREACH).
 *
 * @param secrets the application's secrets, newest first; `app.keys` will do.
 * @param binding what only this session has: its id, or a random text kept in it. A token made
 * before the id changed is refused afterwards, so renew the page's token at login.
 * @returns 86 characters of base64url.
 * @throws RangeError when there is no secret or no binding.
 * @see OWASP Cross-Site Request Forgery Prevention Cheat Sheet, "Signed Double-Submit Cookie"
 * @internal
 */
export function createCsrfToken(secrets: readonly Secret[], binding: string): string {
  const [newest] = secrets;
  if (newest === undefined) throw new RangeError('a CSRF token needs a secret: set app.keys');
  if (binding === '') throw new RangeError('a CSRF token needs a session to be bound to');
  const token = randomBytes(TOKEN_BYTES);
  const mac = macOf(newest, binding);
  for (const [i, byte] of mac.entries()) token[MAC_BYTES + i] = byte ^ token.readUInt8(i);
  return token.toString('base64url');
}

/**
 * Whether `token` was made for this session under one of the secrets. Takes the same time
 * whichever part of a forged token is wrong.
 *
 * @internal
 */
export function verifyCsrfToken(
  secrets: readonly Secret[],
  binding: string,
  token: unknown,
): boolean {
  if (typeof token !== 'string' || binding === '') return false;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== TOKEN_BYTES || bytes.toString('base64url') !== token) return false;
  const received = Buffer.alloc(MAC_BYTES);
  for (let i = 0; i < MAC_BYTES; i++) {
    received[i] = bytes.readUInt8(i) ^ bytes.readUInt8(MAC_BYTES + i);
  }
  let isValid = false;
  for (const secret of secrets) {
    if (timingSafeEqual(macOf(secret, binding), received)) isValid = true;
  }
  return isValid;
}

function macOf(secret: Secret, binding: string): Buffer {
  return createHmac('sha256', cachedKey(secret, 'csrf')).update(binding).digest();
}

/** Where a request carries its token. @publicApi */
export interface CsrfTokenNames {
  /** The header that scripts send it in, lower case. Default: `'x-csrf-token'`. */
  header?: string;
  /** The field of a form that holds it. Default: `'_csrf'`. */
  field?: string;
}

/** What of a request can carry a token; Node's and Koa's requests fit. @internal */
export interface CsrfRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body?: unknown;
}

const DEFAULT_HEADER = 'x-csrf-token';
const DEFAULT_FIELD = '_csrf';

/**
 * The token that a request carries: in its header, else in its parsed body. Never taken from the
 * URL, which ends up in logs, nor from a cookie, which an attacker's page sends too.
 *
 * @internal
 */
export function readCsrfToken(
  request: CsrfRequest,
  { header = DEFAULT_HEADER, field = DEFAULT_FIELD }: CsrfTokenNames = {},
): string | undefined {
  const sent = request.headers[header];
  if (typeof sent === 'string' && sent !== '') return sent;
  const { body } = request;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, field)) return undefined;
  const value = (body as Record<string, unknown>)[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * The token as a hidden field, to be put into an HTML form as it is.
 *
 * @example csrfField(token) // '<input type="hidden" name="_csrf" value="...">'
 * @internal
 */
export function csrfField(token: string, { field = DEFAULT_FIELD }: CsrfTokenNames = {}): string {
  return `<input type="hidden" name="${escapeHtml(field)}" value="${escapeHtml(token)}">`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Whether a request with this method changes nothing and so needs no token (RFC 9110 section
 * 9.2.1).
 *
 * @internal
 */
export function isSafeMethod(method: string): boolean {
  return SAFE_METHODS.has(method);
}
