import { hash, timingSafeEqual } from 'node:crypto';

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
const SIGNATURE_CHARS = 27;

/** One key's HMAC state: the two padded blocks of RFC 2104, worked out once. */
interface Pads {
  /** As text, where each byte of it is a character of its own in UTF-8. */
  readonly inner: string | Buffer;
  /** The outer block, followed by room for the inner digest. */
  readonly outer: Buffer;
  readonly signatures: RecentSignatures;
}

/** How many signatures of a key are remembered at most; a power of two. */
const REMEMBERED = 2_048;

/** The longest text whose signature is remembered. */
const MAX_REMEMBERED_CHARS = 1_024;

/** The longest text that is looked up by itself. */
const MAX_SHORT_CHARS = 128;

/**
 * A signature that was made, or found right, not long ago. Whoever reads its text may note here what
 * came of it, for the next request that brings the same.
 *
 * @internal
 */
export class KnownSignature {
  content: unknown;
  readonly #text: string;
  readonly #signature: string;

  constructor(text: string, signature: string) {
    this.#text = text;
    this.#signature = signature;
  }

  isOf(text: string, signature: string): boolean {
    return isSameSignature(this.#signature, signature) && this.#text === text;
  }
}

/** A signature that is right: which key made it (0 is the newest). @internal */
export interface Verified {
  readonly index: number;
  /** `undefined` where nothing is remembered. */
  readonly known: KnownSignature | undefined;
}

/**
 * Signatures that were made with one key, or found right, not long ago, and the text that each is
 * of: a user's requests come in bursts, each with the same cookie. A signature depends on key and
 * text alone, so what is remembered can never be wrong, and what a client makes up is never
 * remembered. The same must hold for what is noted with it.
 *
 * A table in which a newcomer takes the place of whatever stood there: a `Map` would hash the whole
 * text, which costs half of what signing does, and grow. A text that is short itself, such as an
 * id, is found by its end, for answers that send the same cookie again.
 */
class RecentSignatures {
  readonly #known = new Array<KnownSignature | undefined>(REMEMBERED).fill(undefined);
  readonly #ofShort = new Array<string>(REMEMBERED).fill('');
  readonly #shorts = new Array<string>(REMEMBERED).fill('');

  find(data: string, signature: string): KnownSignature | undefined {
    const known = this.#known[placeOf(signature)];
    // What a client sends meets another's signature here, and only who knows that learns more.
    return known?.isOf(data, signature) ? known : undefined;
  }

  of(data: string): string | undefined {
    if (data.length > MAX_SHORT_CHARS) return undefined;
    const at = placeOf(data);
    return this.#shorts[at] === data ? this.#ofShort[at] : undefined;
  }

  add(text: string, signature: string): KnownSignature | undefined {
    if (text.length > MAX_REMEMBERED_CHARS) return undefined;
    const known = new KnownSignature(text, signature);
    this.#known[placeOf(signature)] = known;
    if (text.length <= MAX_SHORT_CHARS) {
      const place = placeOf(text);
      this.#shorts[place] = text;
      this.#ofShort[place] = signature;
    }
    return known;
  }
}

/** A place in the table, by the last characters, in which signatures and ids differ. */
function placeOf(text: string): number {
  const end = text.length;
  let hash = 0;
  for (let at = end > 4 ? end - 4 : 0; at < end; at++) hash = hash * 31 + text.charCodeAt(at);
  return hash & (REMEMBERED - 1);
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
    signatures: new RecentSignatures(),
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

const expectedBytes = Buffer.alloc(SIGNATURE_CHARS);
const receivedBytes = Buffer.alloc(SIGNATURE_CHARS);

/** Compares in a time that tells nothing about how much of a forged signature was right. */
function isSameSignature(expected: string, received: string): boolean {
  if (received.length !== SIGNATURE_CHARS) return false;
  expectedBytes.write(expected, 'latin1');
  receivedBytes.write(received, 'latin1');
  // The bytes of other characters may be the same in Latin-1.
  return timingSafeEqual(expectedBytes, receivedBytes) && expected === received;
}

class KeyList implements CookieSigner {
  constructor(private readonly keys: readonly SigningKey[]) {}

  sign(data: string): string {
    const [key] = this.keys as [SigningKey];
    const { signatures } = padsOf(key);
    const remembered = signatures.of(data);
    if (remembered !== undefined) return remembered;
    const signature = signCookie(data, key);
    signatures.add(data, signature);
    return signature;
  }

  index(data: string, signature: string): number {
    return this.verify(data, signature)?.index ?? -1;
  }

  verify(data: string, signature: string): Verified | undefined {
    for (let index = 0; index < this.keys.length; index++) {
      const key = this.keys[index] as SigningKey;
      const { signatures } = padsOf(key);
      const known = signatures.find(data, signature);
      if (known !== undefined) return { index, known };
      const expected = signCookie(data, key);
      if (isSameSignature(expected, signature)) {
        return { index, known: signatures.add(data, expected) };
      }
    }
    return undefined;
  }
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
