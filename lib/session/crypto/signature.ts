import { hash } from 'node:crypto';
import {
  copyOf,
  hashOf,
  isSameProof,
  type KnownText,
  KnownTexts,
  REMEMBERED,
} from './known-texts.js';

/**
 * Signs cookies and finds the key that signed one: the part of `keygrip` that cookies need.
 * `app.keys` may be any object of this shape; the genuine Keygrip is one.
 *
 * @publicApi
 */
export interface CookieSigner {
  /** The signature of `data` under the newest key. */
  sign(data: string): string;
  /** Which key made `signature`: 0 is the newest, -1 means none. */
  index(data: string, signature: string): number;
}

/** A key of `app.keys` that the fast signer takes. */
type SigningKey = string | Uint8Array<ArrayBuffer>;

const BLOCK_BYTES = 64;
const SHA1_BYTES = 20;

/** One key's HMAC state: the two padded blocks of RFC 2104, worked out once. */
interface Pads {
  /** As text, where each byte of it is a character of its own in UTF-8. */
  readonly inner: string | Buffer;
  /** The outer block, followed by room for the inner digest. */
  readonly outer: Buffer;
  readonly signed: KnownTexts;
  readonly short: ShortTexts;
}

/** The longest text whose signature is found by the text itself: a cookie with a session is longer. */
const MAX_SHORT_CHARS = 80;

/** Signatures of texts such as ids, for answers that send the same cookie again. */
class ShortTexts {
  readonly #texts = new Array<string>(REMEMBERED).fill('');
  readonly #signatures = new Array<string>(REMEMBERED).fill('');

  signatureOf(text: string): string | undefined {
    if (text.length > MAX_SHORT_CHARS) return undefined;
    const place = hashOf(text) & (REMEMBERED - 1);
    return this.#texts[place] === text ? this.#signatures[place] : undefined;
  }

  add(text: string, signature: string): void {
    if (text.length > MAX_SHORT_CHARS) return;
    const place = hashOf(text) & (REMEMBERED - 1);
    this.#texts[place] = copyOf(text);
    this.#signatures[place] = signature;
  }
}

/** More keys than any rotation has; when an application goes beyond it, the cache starts anew. */
const MAX_CACHED_KEYS = 64;
const padsOfText = new Map<string, Pads>();
const padsOfBytes = new Map<string, Pads>();

function makePads(key: Buffer): Pads {
  const block = Buffer.alloc(BLOCK_BYTES);
  (key.length > BLOCK_BYTES ? hash('sha1', key, 'buffer') : key).copy(block);
  const inner = Buffer.alloc(BLOCK_BYTES);
  const outer = Buffer.alloc(BLOCK_BYTES + SHA1_BYTES);
  for (const [i, byte] of block.entries()) {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  const isAscii = inner.every((byte) => byte < 0x80);
  return {
    inner: isAscii ? inner.toString('latin1') : inner,
    outer,
    signed: new KnownTexts(),
    short: new ShortTexts(),
  };
}

// The look-up is by the key's content, so a key array that is edited in place, or a key buffer
// that is overwritten, takes effect with the next cookie.
function padsOf(key: SigningKey): Pads {
  const isText = typeof key === 'string';
  const cache = isText ? padsOfText : padsOfBytes;
  const bytes = isText ? undefined : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  const name = bytes === undefined ? (key as string) : bytes.toString('latin1');
  let pads = cache.get(name);
  if (pads === undefined) {
    if (cache.size >= MAX_CACHED_KEYS) cache.clear();
    pads = makePads(bytes ?? Buffer.from(name));
    cache.set(name, pads);
  }
  return pads;
}

/**
 * The HMAC-SHA1 of `data` in base64url without padding: `keygrip`'s signature, byte for byte.
 *
 * Two one-shot hashes over prepared blocks take less than half the time of an `Hmac` object; the
 * first takes text as it is where the block is text too.
 *
 * @internal
 */
export function signCookie(data: string, key: SigningKey): string {
  const { inner, outer } = padsOf(key);
  const text = typeof inner === 'string' ? inner + data : Buffer.concat([inner, Buffer.from(data)]);
  outer.write(hash('sha1', text, 'binary'), BLOCK_BYTES, 'latin1');
  return hash('sha1', outer, 'base64url');
}

/** A signature that is right: which key made it (0 is the newest). @internal */
export interface Verified {
  readonly index: number;
  /** `undefined` where nothing is remembered. */
  readonly known: KnownText | undefined;
}

class KeyList implements CookieSigner {
  constructor(private readonly keys: readonly SigningKey[]) {}

  sign(data: string, content?: unknown): string {
    const key = this.keys[0] as SigningKey;
    const pads = padsOf(key);
    const remembered = pads.short.signatureOf(data);
    if (remembered !== undefined) return remembered;
    const signature = signCookie(data, key);
    pads.short.add(data, signature);
    pads.signed.addMade(data, signature, content);
    return signature;
  }

  index(data: string, signature: string): number {
    return this.verify(data, signature)?.index ?? -1;
  }

  verify(data: string, signature: string): Verified | undefined {
    for (let index = 0; index < this.keys.length; index++) {
      const key = this.keys[index] as SigningKey;
      const pads = padsOf(key);
      const known = pads.signed.find(data, signature);
      if (known !== undefined) return { index, known };
      const expected = signCookie(data, key);
      if (isSameProof(expected, signature)) {
        pads.short.add(data, expected);
        return { index, known: pads.signed.addSent(data, expected) };
      }
    }
    return undefined;
  }
}

/**
 * Signs what is made here.
 *
 * @param content what {@link verify} is to find noted beside it, where that is remembered.
 * @internal
 */
export function sign(signer: CookieSigner, data: string, content: unknown): string {
  return signer instanceof KeyList ? signer.sign(data, content) : signer.sign(data);
}

/** Which key made a signature; `undefined` where none did. @internal */
export function verify(
  signer: CookieSigner,
  data: string,
  signature: string,
): Verified | undefined {
  if (signer instanceof KeyList) return signer.verify(data, signature);
  const index = signer.index(data, signature);
  return index < 0 ? undefined : { index, known: undefined };
}

const keyLists = new WeakMap<readonly unknown[], KeyList>();

function isKeyArray(keys: readonly unknown[]): keys is readonly SigningKey[] {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (typeof key !== 'string' && !(key instanceof Uint8Array)) return false;
  }
  return keys.length > 0;
}

/**
 * What signs with `app.keys`, as `cookies` and `keygrip` would:
 * - an array of strings or buffers gives the fast signer above, which reads the array anew for
 *   each signature, so that a rotation in place is seen;
 * - any other object is a Keygrip, or made in its likeness, and is returned as it is;
 * - no keys give `undefined`;
 * - `'unusual'` for an array that the fast signer does not take (empty, or with a `KeyObject` in
 *   it): the caller leaves it to `ctx.cookies`, and so do its errors.
 *
 * @internal
 */
export function signerOf(keys: unknown): CookieSigner | undefined | 'unusual' {
  if (!keys) return undefined;
  if (!Array.isArray(keys)) return keys as CookieSigner;
  if (!isKeyArray(keys)) return 'unusual';
  let list = keyLists.get(keys);
  if (list === undefined) keyLists.set(keys, (list = new KeyList(keys)));
  return list;
}
