import { createHmac } from 'node:crypto';
import {
  cachedKey,
  deriveKey,
  secretBytes,
} from '../../../../lib/session/crypto/key-derivation.js';

/** RFC 5869 in its own words, one block of output. */
function hkdf(secret: Buffer, info: string): Buffer {
  const extracted = createHmac('sha256', 'nestjs-koa-session').update(secret).digest();
  return createHmac('sha256', extracted).update(`${info}\u0001`).digest();
}

describe('a derived key', () => {
  const secret = Buffer.from('correct horse battery staple, at length');

  it('is HKDF-SHA256 of the secret and the use', () => {
    expect(deriveKey(secret, 'seal')).toEqual(hkdf(secret, 'v1|seal'));
    expect(deriveKey(secret, 'csrf')).not.toEqual(deriveKey(secret, 'seal'));
  });

  it('is the same from the cache, for text and bytes, and beyond what the cache holds', () => {
    expect(cachedKey(secret, 'seal')).toEqual(deriveKey(secret, 'seal'));
    expect(cachedKey(secret.toString(), 'seal')).toEqual(deriveKey(secret, 'seal'));
    for (let i = 0; i < 200; i++) {
      expect(cachedKey(`${i}`, 'a')).toEqual(deriveKey(Buffer.from(`${i}`), 'a'));
    }
    expect(cachedKey(secret, 'seal')).toEqual(deriveKey(secret, 'seal'));
  });

  it('follows a secret whose bytes were overwritten', () => {
    const bytes = Buffer.from(secret);
    cachedKey(bytes, 'seal');
    bytes.fill(7);
    expect(cachedKey(bytes, 'seal')).toEqual(deriveKey(bytes, 'seal'));
  });
});

describe('a secret', () => {
  it('is copied, so that what the caller does to its bytes changes no key', () => {
    const bytes = Buffer.from('correct horse battery staple, at length');
    const copy = secretBytes('keys', bytes);
    bytes.fill(0);
    expect(copy.toString()).toBe('correct horse battery staple, at length');
  });

  it('that is refused is not in the message', () => {
    const short = 'hunter2 hunter2';
    expect(() => secretBytes('keys[0]', short)).toThrow(
      '"keys[0]" must have at least 32 bytes, but it has 15: make one with `openssl rand -base64 32`',
    );
    expect(() => secretBytes('keys[0]', 'hunter2'.repeat(6))).toThrow(
      '"keys[0]" must be random, but it repeats a few characters: make one with `openssl rand -base64 32`',
    );
    expect(() => secretBytes('keys[0]', 12)).toThrow(
      '"keys[0]" must be a string or bytes, received number',
    );
  });
});
