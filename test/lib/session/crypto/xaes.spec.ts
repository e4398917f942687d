import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Xaes } from '../../../../lib/session/crypto/xaes.js';

const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX');
const none = Buffer.alloc(0);

describe('XAES-256-GCM', () => {
  // https://c2sp.org/XAES-256-GCM, "Test vectors": one for each value of the subkey's top bit.
  it.each([
    [0x01, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
    [0x03, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
  ])('gives the published bytes for the key %i', (byte, additional, expected) => {
    const xaes = new Xaes(Buffer.alloc(32, byte));
    const sealed = Buffer.concat(xaes.seal(nonce, 'XAES-256-GCM', Buffer.from(additional)));
    expect(sealed.toString('hex')).toBe(expected);
    const [ciphertext, tag] = [sealed.subarray(0, -16), sealed.subarray(-16)];
    expect(xaes.open(nonce, ciphertext, tag, Buffer.from(additional))?.toString()).toBe(
      'XAES-256-GCM',
    );
  });

  it('gives the published hash over 10,000 random messages', () => {
    // Each message is at most 32 + 24 + 1 + 255 + 1 + 255 bytes of the random stream.
    const stream = createHash('shake128', { outputLength: 10_000 * 568 }).digest();
    const sum = createHash('shake128', { outputLength: 32 });
    let at = 0;
    const take = (length: number): Buffer => stream.subarray(at, (at += length));
    for (let i = 0; i < 10_000; i++) {
      const xaes = new Xaes(take(32));
      const messageNonce = take(24);
      const plaintext = take(take(1)[0]!);
      const additional = take(take(1)[0]!);
      const [ciphertext, tag] = xaes.seal(messageNonce, plaintext, additional);
      sum.update(ciphertext).update(tag);
      const opened = xaes.open(messageNonce, ciphertext, tag, additional);
      if (!opened?.equals(plaintext)) throw new Error(`message ${i} did not open`);
    }
    expect(sum.digest('hex')).toBe(
      'e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939',
    );
  });

  it('opens nothing with a tag that is not 16 bytes long, right as its bytes may be', () => {
    const xaes = new Xaes(Buffer.alloc(32, 1));
    const [ciphertext, tag] = xaes.seal(nonce, 'text', none);
    for (let length = 0; length < 16; length++) {
      expect(xaes.open(nonce, ciphertext, tag.subarray(0, length), none)).toBeUndefined();
    }
    expect(xaes.open(nonce, ciphertext, Buffer.concat([tag, tag]), none)).toBeUndefined();
    expect(xaes.open(nonce, ciphertext, tag, none)?.toString()).toBe('text');
  });

  it('opens nothing after a change of one bit of nonce, text, tag or additional data', () => {
    const xaes = new Xaes(Buffer.alloc(32, 7));
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, fc.nat(3), fc.nat(), (plaintext, additional, part, bit) => {
        const [ciphertext, tag] = xaes.seal(nonce, plaintext, additional);
        const parts = [nonce, ciphertext, tag, additional].map((bytesOf) => Buffer.from(bytesOf));
        const changed = parts[part]!;
        changed[Math.floor(bit / 8) % changed.length]! ^= 1 << (bit % 8);
        expect(xaes.open(parts[0]!, parts[1]!, parts[2]!, parts[3]!)).toBeUndefined();
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1_000) },
    );
  });

  it('derives the keys of many nonces at once as it does one by one', () => {
    const xaes = new Xaes(randomBytes(32));
    const nonces = randomBytes(24 * 9);
    const keys = xaes.messageKeys(nonces);
    expect(keys).toHaveLength(32 * 9);
    for (let i = 0; i < 9; i++) {
      const own = nonces.subarray(i * 24, (i + 1) * 24);
      const key = keys.subarray(i * 32, (i + 1) * 32);
      const [ciphertext, tag] = xaes.seal(own, 'text', none, key);
      expect(xaes.open(own, ciphertext, tag, none)?.toString()).toBe('text');
    }
  });

  it('takes a key of 32 bytes only', () => {
    expect(() => new Xaes(Buffer.alloc(16))).toThrow(RangeError);
  });
});
