import { randomBytes } from 'node:crypto';
import { KEY_BYTES, NONCE_BYTES } from './xaes.js';
import type { Xaes } from './xaes.js';

const AT_ONCE = 64;

/**
 * Nonces for the messages of one cipher, each handed out once, with the key derived from it.
 *
 * Several are drawn and derived at once, which takes a fifth off a seal. None is drawn before the
 * first is asked for, so a process image that is copied before it serves holds none.
 *
 * @internal
 */
export class FreshNonces {
  readonly #cipher: Xaes;
  #nonces: Buffer = Buffer.alloc(0);
  #keys: Buffer = Buffer.alloc(0);
  #left = 0;

  constructor(cipher: Xaes) {
    this.#cipher = cipher;
  }

  next(): { nonce: Buffer; key: Buffer } {
    if (this.#left === 0) {
      this.#nonces = randomBytes(AT_ONCE * NONCE_BYTES);
      this.#keys = this.#cipher.messageKeys(this.#nonces);
      this.#left = AT_ONCE;
    }
    const i = --this.#left;
    return {
      nonce: this.#nonces.subarray(i * NONCE_BYTES, (i + 1) * NONCE_BYTES),
      key: this.#keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES),
    };
  }
}
