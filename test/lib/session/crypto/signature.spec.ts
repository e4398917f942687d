import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import Keygrip from 'keygrip';
import { signCookie, signerOf } from '../../../../lib/session/crypto/signature.js';
import type { CookieSigner } from '../../../../lib/session/crypto/signature.js';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1_000);

/** 0 to 200 bytes, on both sides of SHA-1's block size; as text (with any Unicode) or as bytes. */
const key = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 66 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('k'.repeat(63), 'k'.repeat(64), 'k'.repeat(65), 'é'.repeat(32), 'é'.repeat(33)),
);
const data = fc.oneof(
  fc.constantFrom('x'.repeat(20_000), '€'.repeat(5_000)),
  fc.string({ maxLength: 100 }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.tuple(fc.string(), fc.integer({ min: 0, max: 6_000 })).map(([s, n]) => s + 'x'.repeat(n)),
  fc.tuple(fc.string(), fc.integer({ min: 4_340, max: 4_360 })).map(([s, n]) => s + 'é'.repeat(n)),
);

function fastSigner(keys: unknown): CookieSigner {
  const signer = signerOf(keys);
  if (signer === undefined || signer === 'unusual') throw new Error('no signer');
  return signer;
}

const keygripOf = (keys: readonly unknown[]): Keygrip => new Keygrip(keys as string[]);

describe('a cookie signature', () => {
  it('equals keygrip for every key and every text', () => {
    fc.assert(
      fc.property(key, data, (k, d) => {
        expect(signCookie(d, k)).toBe(keygripOf([k]).sign(d));
      }),
      { numRuns: RUNS },
    );
  });

  it('is found under the same key as keygrip finds it, whichever key made it', () => {
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 5 }),
        fc.nat(5),
        data,
        (keys, maker, d) => {
          const signature = keygripOf([keys[maker] ?? 'a key that was taken out']).sign(d);
          expect(fastSigner(keys).index(d, signature)).toBe(keygripOf(keys).index(d, signature));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('is refused after any change of one character', () => {
    const keys = ['new', 'old'];
    fc.assert(
      fc.property(
        fc.nat(26),
        fc.oneof(
          fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
          // Characters whose low byte is a letter: a careless copy to bytes would take them.
          fc.integer({ min: 0x141, max: 0x17a }).map((code) => String.fromCharCode(code)),
        ),
        (position, character) => {
          const signature = signCookie('a=1', 'new');
          fc.pre(signature[position] !== character);
          const forged = signature.slice(0, position) + character + signature.slice(position + 1);
          expect(fastSigner(keys).index('a=1', forged)).toBe(-1);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('of another length is refused: shorter, longer, padded, empty', () => {
    const signature = signCookie('a=1', 'new');
    for (const forged of [signature.slice(1), `${signature}A`, `${signature}=`, '']) {
      expect(fastSigner(['new']).index('a=1', forged)).toBe(-1);
    }
  });
});

describe('the signer of app.keys', () => {
  it('sees keys that were rotated in place, also inside a buffer', () => {
    const bytes = Buffer.from('first');
    const keys: (string | Buffer)[] = ['one', bytes];
    const signer = fastSigner(keys);
    expect(signer.sign('a=1')).toBe(signCookie('a=1', 'one'));
    keys.unshift('two');
    expect(fastSigner(keys)).toBe(signer);
    expect(signer.sign('a=1')).toBe(signCookie('a=1', 'two'));
    expect(signer.index('a=1', signCookie('a=1', 'one'))).toBe(1);
    bytes.write('other');
    expect(signer.index('a=1', signCookie('a=1', 'first'))).toBe(-1);
    expect(signer.index('a=1', signCookie('a=1', 'other'))).toBe(2);
  });

  it('is not taken for another text that was signed before, nor a text for it', () => {
    const keys = ['a key for tests', 'an older key'];
    const signer = signerOf(keys) as CookieSigner;
    const [mine, theirs] = ['koa.sess=mine', 'koa.sess=theirs'];
    const [signed, other] = [signer.sign(mine), signer.sign(theirs)];
    // Both are remembered by now, and found.
    expect([signer.index(mine, signed), signer.index(theirs, other)]).toEqual([0, 0]);
    expect(signer.index(mine, other)).toBe(-1);
    expect(signer.index(theirs, signed)).toBe(-1);
    expect(signer.index(signed, mine)).toBe(-1);
    expect(signer.index(mine, mine)).toBe(-1);
    expect(signer.index(mine, theirs)).toBe(-1);
    expect(signer.index(other, theirs)).toBe(-1);
  });

  it('is worth nothing once its key was taken out, remembered as it is', () => {
    const keys = ['a key that goes', 'a key that stays'];
    const signer = signerOf(keys) as CookieSigner;
    const signed = signer.sign('koa.sess=mine');
    expect(signer.index('koa.sess=mine', signed)).toBe(0);
    keys[0] = 'a new key';
    expect(signer.index('koa.sess=mine', signed)).toBe(-1);
    keys.push('a key that goes');
    expect(signer.index('koa.sess=mine', signed)).toBe(2);
  });

  it('stays right when an application uses more keys than are remembered', () => {
    for (let i = 0; i < 500; i++) {
      expect(signCookie('a=1', `key ${i}`)).toBe(keygripOf([`key ${i}`]).sign('a=1'));
    }
    expect(signCookie('a=1', 'key 0')).toBe(keygripOf(['key 0']).sign('a=1'));
  });

  it('takes a text and its bytes for the same key', () => {
    expect(signCookie('a=1', 'clé')).toBe(signCookie('a=1', Buffer.from('clé')));
  });

  it('is the object itself for a Keygrip, and nothing for no keys', () => {
    const keygrip = new Keygrip(['a'], 'sha256');
    expect(signerOf(keygrip)).toBe(keygrip);
    expect(signerOf(undefined)).toBeUndefined();
    expect(signerOf(null)).toBeUndefined();
  });

  it('is left to ctx.cookies for arrays that hold no text and no bytes', () => {
    expect(signerOf([])).toBe('unusual');
    expect(signerOf([createSecretKey(Buffer.from('k'))])).toBe('unusual');
    expect(signerOf(['a', 1])).toBe('unusual');
    expect(signerOf(new Array(1))).toBe('unusual');
  });
});
