import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Cipher } from 'node:crypto';

/** @internal */
export const KEY_BYTES = 32;
/** Long enough that random nonces never meet, however many seals one key makes. @internal */
export const NONCE_BYTES = 24;
/** @internal */
export const TAG_BYTES = 16;

const BLOCK_BYTES = 16;
/** Half of the nonce goes into the derived key, the other half is AES-GCM's own nonce. */
const HALF_NONCE_BYTES = 12;
/** `X` and a zero byte, behind the two bytes of the counter. */
const LABEL = 0x5800;
/** Where in a block the first half of the nonce stands: behind the counter and the label. */
const CONTEXT_AT = 4;
const GCM = { authTagLength: TAG_BYTES };

/**
 * XAES-256-GCM: AES-256-GCM under a key derived, for each message, from the first half of a
 * 24-byte nonce. Random nonces are safe for some 2^80 messages, where AES-GCM alone has to change
 * its key after 2^32.
 *
 * @see https://c2sp.org/XAES-256-GCM
 * @internal
 */
export class Xaes {
  // AES-ECB keeps no state between blocks, so one cipher serves for every derivation.
  readonly #aes: Cipher;
  /** The two blocks that CMAC encrypts for a nonce of zeros; a nonce is added by XOR. */
  readonly #template: Buffer;
  /** The same for the nonce at hand: nothing awaits while they are in use. */
  readonly #blocks: Buffer;

  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new RangeError('an XAES-256-GCM key has 32 bytes');
    this.#aes = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    const subkey = doubled(this.#aes.update(Buffer.alloc(BLOCK_BYTES)));
    this.#template = Buffer.concat([subkey, subkey]);
    for (const counter of [1, 2]) {
      const start = (counter - 1) * BLOCK_BYTES;
      this.#template.writeInt32BE(
        this.#template.readInt32BE(start) ^ ((counter << 16) | LABEL),
        start,
      );
    }
    this.#blocks = Buffer.from(this.#template);
  }

  /**
   * The message keys for one nonce or several, one after the other: SP 800-108r1 in counter mode
   * with CMAC, where the first half of the nonce is the context.
   */
  messageKeys(nonces: Buffer): Buffer {
    const count = nonces.length / NONCE_BYTES;
    const blocks = count === 1 ? this.#blocks : Buffer.alloc(count * KEY_BYTES, this.#template);
    for (let n = 0; n < count; n++) {
      const at = n * KEY_BYTES;
      for (let i = 0; i < HALF_NONCE_BYTES; i++) {
        const byte =
          (this.#template[CONTEXT_AT + i] as number) ^ (nonces[n * NONCE_BYTES + i] as number);
        blocks[at + CONTEXT_AT + i] = byte;
        blocks[at + BLOCK_BYTES + CONTEXT_AT + i] = byte;
      }
    }
    return this.#aes.update(blocks);
  }

  /**
   * Encrypts: `[ciphertext, tag]`. A nonce must never be used twice; take a random one.
   * @param key what {@link messageKeys} gave for the nonce, where it is known already.
   */
  seal(
    nonce: Buffer,
    plaintext: Uint8Array | string,
    additional: Uint8Array,
    key = this.messageKeys(nonce),
  ): [Buffer, Buffer] {
    const cipher = createCipheriv('aes-256-gcm', key, nonce.subarray(HALF_NONCE_BYTES), GCM);
    cipher.setAAD(additional);
    const ciphertext =
      typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
    cipher.final();
    return [ciphertext, cipher.getAuthTag()];
  }

  /** Decrypts; `undefined` when anything was changed. */
  open(
    nonce: Buffer,
    ciphertext: Uint8Array,
    tag: Uint8Array,
    additional: Uint8Array,
  ): Buffer | undefined {
    // Without the fixed length Node takes tags of four bytes, which can be guessed.
    if (tag.length !== TAG_BYTES) return undefined;
    const decipher = createDecipheriv(
      'aes-256-gcm',
      this.messageKeys(nonce),
      nonce.subarray(HALF_NONCE_BYTES),
      GCM,
    );
    decipher.setAAD(additional);
    decipher.setAuthTag(tag);
    const plaintext = decipher.update(ciphertext);
    try {
      decipher.final();
      return plaintext;
    } catch {
      return undefined;
    }
  }
}

/** Doubling in GF(2^128), which makes CMAC's subkey K1 (NIST SP 800-38B section 6.1). */
function doubled(block: Buffer): Buffer {
  const value = BigInt(`0x${block.toString('hex')}`);
  const shifted = BigInt.asUintN(128, value << 1n) ^ (value >> 127n ? 0x87n : 0n);
  return Buffer.from(shifted.toString(16).padStart(32, '0'), 'hex');
}
