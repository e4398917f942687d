import { encode as encodeSigned } from '../codec.js';
import type { CodecContext, SessionCodec } from '../codec.js';
import { FreshNonces } from './fresh-nonces.js';
import { deriveKey } from './key-derivation.js';
import { KnownTexts, PROOF_CHARS } from './known-texts.js';
import { checkSealedOptions } from './sealed-options.js';
import type { SealedOptions, SealedSettings, SealRefusal } from './sealed-options.js';
import type { SessionRecord } from '../store.js';
import { NONCE_BYTES, TAG_BYTES, Xaes } from './xaes.js';

export type { Instant, SealedOptions, SealRefusal } from './sealed-options.js';

/**
 * The codec that {@link sealed} makes.
 *
 * @publicApi
 */
export interface SealedCodec extends SessionCodec {
  /** Seals authenticate themselves. */
  readonly authenticates: true;
  /**
   * Whether `encode` gives koa-session's plain value, which must be sent with its `.sig` cookie
   * whatever the option `signed` says. True in the step back only.
   */
  readonly writesSigned: boolean;
  encode(record: SessionRecord, context: CodecContext): string;
  decode(text: string, context: CodecContext): SessionRecord | undefined;
  acceptsSigned(now: number): boolean;
}

/** The first byte of every seal. Another format gets another number. */
const FORMAT = 0x01;
/** Format, key id, nonce; then the ciphertext and the tag. */
const HEADER_BYTES = 2 + NONCE_BYTES;
/** Before the JSON: when it was sealed and when it ends, 48 bits of epoch milliseconds each. */
const TIMES_BYTES = 12;
const MIN_SEAL_BYTES = HEADER_BYTES + TIMES_BYTES + TAG_BYTES;
const MAX_TIME = 2 ** 48 - 1;
const MAX_NAMES = 16;

/** One of `keys`, with what is derived from it. */
class SealKey {
  /** One byte, to try one key and not all of them; two keys may share it. */
  readonly id: number;
  readonly cipher: Xaes;
  readonly nonces: FreshNonces;
  readonly #purpose: string;
  readonly #additional = new Map<string, Buffer>();

  constructor(secret: Buffer, purpose: string) {
    const derived = deriveKey(secret, 'seal', 33);
    this.id = derived.readUInt8(32);
    this.cipher = new Xaes(derived.subarray(0, 32));
    this.nonces = new FreshNonces(this.cipher);
    this.#purpose = purpose;
  }

  /** What is authenticated with a cookie of this name, beside its content. */
  additional(name: string): Buffer {
    let bytes = this.#additional.get(name);
    if (bytes === undefined) {
      // No cookie name has a zero byte in it, so no two pairs of name and purpose look alike.
      bytes = Buffer.concat([Buffer.of(FORMAT, this.id), Buffer.from(`${name}\0${this.#purpose}`)]);
      if (this.#additional.size < MAX_NAMES) this.#additional.set(name, bytes);
    }
    return bytes;
  }
}

/**
 * A codec whose cookies nobody but the server can read or make: XAES-256-GCM with a key derived
 * from a secret, a new random nonce for each cookie, and the cookie's name and the purpose in
 * what is authenticated. It needs no `app.keys` and sends no `.sig` cookie. What is in the last 128 seals that were made is
 * remembered, and in up to 2,048 that clients sent more than once (of at most 1,024 characters).
 *
 * The record's own end (`_expire`) is inside the seal and checked by the session, which tells
 * `session:expired`. Data is not compressed: the length would tell an attacker who may write part
 * of the session what is in the rest. A seal that was copied stays good until its end; keep
 * sessions that must end at once in a store.
 *
 * @example
 * ```ts
 * app.use(session({ codec: sealed({ keys: [process.env.SESSION_SECRET!] }) }, app));
 * // Coming from koa-session, for the time that its sessions last:
 * sealed({ keys, acceptSigned: '2027-03-01' });
 * // And back again:
 * sealed({ keys, write: 'signed' });
 * ```
 * @throws SessionOptionsError ERR_SESSION_KEYS_MISSING for missing or short keys,
 * ERR_SESSION_OPTION for any other option.
 * @publicApi
 */
export function sealed(options: SealedOptions): SealedCodec {
  const settings = checkSealedOptions(options);
  const { until, writesSigned } = settings;
  const keys = settings.secrets.map((secret) => new SealKey(secret, settings.purpose));
  const [newest] = keys as [SealKey];
  const keysById = new Map<number, SealKey[]>();
  for (const key of keys) keysById.set(key.id, [...(keysById.get(key.id) ?? []), key]);
  const known = new KnownTexts();

  function refused(reason: SealRefusal, context: CodecContext): undefined {
    options.onRefused?.(reason, context);
  }

  /** What is in a seal, or why it is refused. */
  function contentOf(text: string, name: string): Content | SealRefusal {
    const proof = text.slice(-PROOF_CHARS);
    const content = known.find(text, proof)?.content as Content | undefined;
    if (content?.name === name) return content;
    const opened = openText(text, name, keysById);
    if (typeof opened !== 'string') known.addSent(text, proof, opened);
    return opened;
  }

  return {
    authenticates: true,
    writesSigned,
    acceptsSigned: (now) => writesSigned || now < until,
    encode(record, { name }) {
      if (writesSigned) return encodeSigned(record);
      const content = contentFor(record, name, settings);
      const text = seal(content, newest, settings.padding);
      known.addMade(text, text.slice(-PROOF_CHARS), content);
      return text;
    },
    decode(text, context) {
      const content = contentOf(text, context.name);
      if (typeof content === 'string') return refused(content, context);
      if (content.sealedAt < settings.notBefore()) return refused('revoked', context);
      const record = parseRecord(content.json);
      if (record === undefined) return refused('malformed', context);
      const isDated = typeof record['_expire'] === 'number';
      if (!isDated && content.end <= Date.now()) return refused('expired', context);
      return record;
    },
  };
}

/** What a seal holds, and the cookie that it is for. */
interface Content {
  readonly name: string;
  readonly json: string;
  /** When it was sealed and when it ends, epoch milliseconds. */
  readonly sealedAt: number;
  readonly end: number;
}

function contentFor(record: SessionRecord, name: string, settings: SealedSettings): Content {
  const now = Date.now();
  const expire = record['_expire'];
  const end = typeof expire === 'number' ? expire : now + settings.sessionMaxAge;
  return { name, json: JSON.stringify(record), sealedAt: timeBits(now), end: timeBits(end) };
}

function openText(
  text: string,
  name: string,
  keysById: ReadonlyMap<number, readonly SealKey[]>,
): Content | SealRefusal {
  const bytes = scratchOf(text.length);
  const length = bytes.write(text, 'base64url');
  // Node skips what is not base64url. Only the one true spelling of a seal is taken.
  if (length < MIN_SEAL_BYTES || bytes.toString('base64url', 0, length) !== text) {
    return 'malformed';
  }
  if (bytes[0] !== FORMAT) return 'malformed';
  const candidates = keysById.get(bytes.readUInt8(1));
  if (candidates === undefined) return 'unknown-kid';
  const plaintext = open(bytes, length, name, candidates);
  if (plaintext === undefined) return 'bad-tag';
  return {
    name,
    json: plaintext.toString('utf8', TIMES_BYTES),
    sealedAt: plaintext.readUIntBE(0, 6),
    end: plaintext.readUIntBE(6, 6),
  };
}

function seal({ name, json, sealedAt, end }: Content, key: SealKey, padding: number): string {
  // A character takes at most three bytes.
  const bytes = scratchOf(MIN_SEAL_BYTES + 3 * json.length + padding);
  bytes[0] = FORMAT;
  bytes[1] = key.id;
  bytes.writeUIntBE(sealedAt, HEADER_BYTES, 6);
  bytes.writeUIntBE(end, HEADER_BYTES + 6, 6);
  const bare = TIMES_BYTES + bytes.write(json, HEADER_BYTES + TIMES_BYTES);
  const length = Math.ceil(bare / padding) * padding;
  const tagAt = HEADER_BYTES + length;
  // Spaces behind JSON mean nothing to its reader.
  if (length > bare) bytes.fill(' ', HEADER_BYTES + bare, tagAt);

  const fresh = key.nonces.next();
  const plaintext = bytes.subarray(HEADER_BYTES, tagAt);
  const [ciphertext, tag] = key.cipher.seal(
    fresh.nonce,
    plaintext,
    key.additional(name),
    fresh.key,
  );
  bytes.set(fresh.nonce, 2);
  // The ciphertext is as long as the plaintext, and takes its place.
  bytes.set(ciphertext, HEADER_BYTES);
  bytes.set(tag, tagAt);
  return bytes.toString('base64url', 0, tagAt + TAG_BYTES);
}

/** Three times what a cookie can hold; only longer texts need memory of their own. */
const scratch = Buffer.alloc(3 * 4_096);

/** Memory for one seal. It is shared: nothing awaits while it is in use. */
function scratchOf(length: number): Buffer {
  return length <= scratch.length ? scratch : Buffer.allocUnsafe(length);
}

function timeBits(time: number): number {
  return Math.min(Math.max(Math.trunc(time) || 0, 0), MAX_TIME);
}

function open(
  bytes: Buffer,
  length: number,
  name: string,
  candidates: readonly SealKey[],
): Buffer | undefined {
  const nonce = bytes.subarray(2, HEADER_BYTES);
  const ciphertext = bytes.subarray(HEADER_BYTES, length - TAG_BYTES);
  const tag = bytes.subarray(length - TAG_BYTES, length);
  for (const key of candidates) {
    const plaintext = key.cipher.open(nonce, ciphertext, tag, key.additional(name));
    if (plaintext !== undefined) return plaintext;
  }
  return undefined;
}

/** Sealed by this application, but perhaps for something that is no session. */
function parseRecord(json: string): SessionRecord | undefined {
  try {
    const value: unknown = JSON.parse(json);
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRecord ? (value as SessionRecord) : undefined;
  } catch {
    return undefined;
  }
}
