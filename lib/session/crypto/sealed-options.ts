import { SessionOptionsError, typeName } from '../../errors.js';
import type { CodecContext } from '../codec.js';
import { secretBytes } from './key-derivation.js';
import type { Secret } from './key-derivation.js';

const DAY = 86_400_000;
const MAX_KEYS = 16;

/**
 * Why a cookie was not opened.
 *
 * - `malformed`: not a seal at all, or of a format this version does not know;
 * - `unknown-kid`: sealed with a key that is not (or no longer) in `keys`;
 * - `bad-tag`: changed, or made for another cookie name or purpose;
 * - `expired`: its time was over;
 * - `revoked`: made before `notBefore`.
 *
 * @publicApi
 */
export type SealRefusal = 'malformed' | 'unknown-kid' | 'bad-tag' | 'expired' | 'revoked';

/** A point in time: a date, epoch milliseconds, or a text that `Date` reads. @publicApi */
export type Instant = Date | number | string;

/** What {@link sealed} takes. @publicApi */
export interface SealedOptions {
  /**
   * Secrets of at least 32 random bytes each. The first one seals, all of them open: to rotate,
   * put a new one in front, and take the last one out when the sessions sealed with it are over.
   * Instances may know them in different orders while a new one is rolled out.
   */
  keys: Secret | readonly Secret[];

  /**
   * What the seal is for. A cookie sealed for one purpose is worth nothing for another, also
   * under the same keys. Default: `'session'`.
   */
  purpose?: string;

  /**
   * Until when koa-session's signed cookies are still read. They are checked against `app.keys`
   * as ever, and every write makes a sealed one of them. Default: they are not read.
   */
  acceptSigned?: Instant;

  /**
   * What is written. `'signed'` is the step back: sealed and signed cookies are both read, and
   * koa-session's signed ones are written, so that koa-session can take over again. Default:
   * `'sealed'`.
   */
  write?: 'sealed' | 'signed';

  /**
   * How long, in milliseconds, a seal is good that holds a session with `maxAge: 'session'`,
   * which has no end of its own. Default: one day.
   */
  sessionMaxAge?: number;

  /**
   * Seals made before this moment are refused: it ends every session at once, without a change of
   * keys. A function is asked for every cookie. Signed cookies tell no such time: they are taken
   * as long as `acceptSigned` lets them. Default: none.
   */
  notBefore?: Instant | (() => Instant | undefined);

  /**
   * Makes what is sealed a multiple of this many bytes long, so that the cookie's length tells
   * less about what is in it. Default: 0, no padding.
   */
  padding?: number;

  /** Is told when a cookie is refused, and why; the client sees no difference. */
  onRefused?: (reason: SealRefusal, context: CodecContext) => void;
}

/** {@link SealedOptions}, checked and with the defaults. @internal */
export interface SealedSettings {
  /** The newest first; at least one. */
  readonly secrets: readonly Buffer<ArrayBuffer>[];
  readonly purpose: string;
  /** Until when signed cookies are read, epoch milliseconds. */
  readonly until: number;
  readonly writesSigned: boolean;
  readonly sessionMaxAge: number;
  /** At least 1. */
  readonly padding: number;
  /** Epoch milliseconds. */
  readonly notBefore: () => number;
}

/** @throws SessionOptionsError @internal */
export function checkSealedOptions(options: SealedOptions): SealedSettings {
  if (typeof options !== 'object' || options === null) {
    throw new SessionOptionsError(
      'sealed',
      `sealed() must be given an object with "keys", received ${typeName(options)}`,
    );
  }
  const { purpose = 'session', write = 'sealed', sessionMaxAge = DAY, padding = 0 } = options;
  if (typeof purpose !== 'string') throw invalid('purpose', 'a string', purpose);
  if (write !== 'sealed' && write !== 'signed') {
    throw invalid('write', "'sealed' or 'signed'", write);
  }
  if (!Number.isFinite(sessionMaxAge) || sessionMaxAge <= 0) {
    throw invalid('sessionMaxAge', 'a number of milliseconds above 0', sessionMaxAge);
  }
  if (!Number.isInteger(padding) || padding < 0 || padding > 1_024) {
    throw invalid('padding', 'a whole number of bytes from 0 to 1024', padding);
  }
  if (options.onRefused !== undefined && typeof options.onRefused !== 'function') {
    throw invalid('onRefused', 'a function', options.onRefused);
  }
  const { notBefore } = options;
  const fixed = typeof notBefore === 'function' ? 0 : instant('notBefore', notBefore, 0);
  return {
    secrets: checkKeys(options.keys),
    purpose,
    until: instant('acceptSigned', options.acceptSigned, -Infinity),
    writesSigned: write === 'signed',
    sessionMaxAge,
    padding: Math.max(padding, 1),
    notBefore:
      typeof notBefore === 'function' ? () => instant('notBefore', notBefore(), 0) : () => fixed,
  };
}

function checkKeys(keys: unknown): Buffer<ArrayBuffer>[] {
  const list: readonly unknown[] = Array.isArray(keys) ? keys : [keys];
  if (keys === undefined || list.length === 0) {
    throw new SessionOptionsError(
      'sealed.keys',
      '"sealed.keys" must hold at least one secret of 32 random bytes: make one with `openssl rand -base64 32`',
      'ERR_SESSION_KEYS_MISSING',
    );
  }
  if (list.length > MAX_KEYS) throw invalid('keys', `at most ${MAX_KEYS} secrets`, keys);
  return list.map((secret, i) =>
    secretBytes(Array.isArray(keys) ? `sealed.keys[${i}]` : 'sealed.keys', secret),
  );
}

function instant(option: string, value: Instant | undefined, unset: number): number {
  if (value === undefined) return unset;
  const isReadable =
    value instanceof Date || typeof value === 'number' || typeof value === 'string';
  const time = isReadable ? new Date(value).getTime() : NaN;
  if (Number.isNaN(time)) throw invalid(option, 'a date', value);
  return time;
}

function invalid(option: string, expected: string, received: unknown): SessionOptionsError {
  return new SessionOptionsError(
    `sealed.${option}`,
    `"sealed.${option}" must be ${expected}, received ${typeName(received)}`,
  );
}
