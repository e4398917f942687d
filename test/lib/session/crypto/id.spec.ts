import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { SessionOptionsError } from '../../../../lib/errors.js';
import { hashId, isGeneratedId, isWellFormedId, newId } from '../../../../lib/session/crypto/id.js';
import { deriveKey } from '../../../../lib/session/crypto/key-derivation.js';

describe('a new id', () => {
  it('is a UUID of version 4, in the form of koa-session', () => {
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect(randomUUID()).toMatch(form);
    expect(newId()).toMatch(form);
    expect(newId({ prefix: 'app:' }).slice(4)).toMatch(form);
  });

  it('has the random bytes asked for', () => {
    expect(newId({ idBytes: 32 })).toMatch(/^[\w-]{43}$/);
    expect(newId({ idBytes: 16, prefix: 'p_' })).toMatch(/^p_[\w-]{22}$/);
  });

  it('is never made twice', () => {
    const ids = new Set<string>();
    for (let i = 0; i < 50_000; i++) ids.add(newId()).add(newId({ idBytes: 32 }));
    expect(ids.size).toBe(100_000);
  });

  it('differs in every bit from one to the next: each bit is set in about half of many', () => {
    const counts = new Uint32Array(256);
    const made = 4_000;
    for (let i = 0; i < made; i++) {
      const bytes = Buffer.from(newId({ idBytes: 32 }), 'base64url');
      for (let bit = 0; bit < 256; bit++) counts[bit]! += (bytes[bit >> 3]! >> (bit & 7)) & 1;
    }
    // Ten standard deviations: chance reaches that once in 10^20 runs.
    const spread = (10 * Math.sqrt(made)) / 2;
    for (const count of counts) expect(Math.abs(count - made / 2)).toBeLessThan(spread);
  });

  it('is well formed by both checks, for any prefix that a cookie can carry', () => {
    const prefix = fc.stringMatching(/^[\w:.~-]{0,20}$/);
    fc.assert(
      fc.property(
        prefix,
        fc.option(fc.integer({ min: 16, max: 256 }), { nil: undefined }),
        (p, n) => {
          const id = newId({ prefix: p, idBytes: n });
          expect(isWellFormedId(id)).toBe(true);
          expect(isGeneratedId(id, p)).toBe(true);
        },
      ),
    );
  });
});

describe('an id that a client sent', () => {
  it.each([
    ['nothing', ''],
    ['a space', 'a b'],
    ['a line break', 'a\nSet-Cookie: x'],
    ['a zero byte', 'a\0'],
    ['a semicolon', 'a;b'],
    ['a quote', '"a"'],
    ['a backslash', 'a\\b'],
    ['a letter beyond ASCII', 'é'],
    ['513 characters', 'a'.repeat(513)],
    ['no text', { toString: (): string => 'a' }],
    ['undefined', undefined],
  ])('does not reach a store when it is or has: %s', (_title, id) => {
    expect(isWellFormedId(id)).toBe(false);
    expect(isGeneratedId(id)).toBe(false);
  });

  it('passes the wide check in forms that a genid of the application may give it', () => {
    for (const id of [
      '1',
      '1700000000000-abc',
      'user@example.com/2',
      randomBytes(33).toString('base64'),
    ]) {
      expect(isWellFormedId(id)).toBe(true);
    }
  });

  it('passes the narrow check with the right prefix and form only', () => {
    const id = newId({ prefix: 'app:' });
    expect(isGeneratedId(id, 'app:')).toBe(true);
    expect(isGeneratedId(id, 'other:')).toBe(false);
    expect(isGeneratedId(id)).toBe(false);
    expect(isGeneratedId('../../etc/passwd')).toBe(false);
    expect(isGeneratedId('short')).toBe(false);
    expect(isGeneratedId(`${newId()}\n`)).toBe(false);
  });
});

describe('a hashed id', () => {
  const secret = randomBytes(32).toString('base64');

  it('is an HMAC under a key made for ids, the same for the same id', () => {
    const hash = hashId(secret);
    const key = deriveKey(Buffer.from(secret), 'id');
    expect(hash('abc')).toBe(createHmac('sha256', key).update('abc').digest('base64url'));
    expect(hashId(Buffer.from(secret))('abc')).toBe(hash('abc'));
    expect(hash('abc')).toMatch(/^[\w-]{43}$/);
    expect(hash('abd')).not.toBe(hash('abc'));
    expect(hashId(randomBytes(32))('abc')).not.toBe(hash('abc'));
  });

  it('needs a secret of 32 bytes, and says which option lacks it', () => {
    expect(() => hashId('short')).toThrow(SessionOptionsError);
    expect(() => hashId('short')).toThrow('"hashIds.key" must have at least 32 bytes');
  });
});
