import fc from 'fast-check';
import {
  copyOf,
  KnownTexts,
  placeOf,
  PROOF_CHARS,
} from '../../../../lib/session/crypto/known-texts.js';

describe('known texts', () => {
  const proofs = fc.base64String({ minLength: PROOF_CHARS, maxLength: 40 }).map((text) => {
    return text.slice(0, PROOF_CHARS);
  });
  const pairs = fc.array(fc.tuple(fc.string({ maxLength: 40 }), proofs), { minLength: 1 });

  it('finds the last one added, and nothing that was not added', () => {
    fc.assert(
      fc.property(pairs, fc.string(), proofs, (added, text, proof) => {
        const known = new KnownTexts();
        for (const pair of added) {
          const place = known.add(...pair);
          expect(known.find(...pair)).toBe(place);
        }
        const isAdded = added.some(([eachText, each]) => eachText === text && each === proof);
        if (!isAdded) expect(known.find(text, proof)).toBeUndefined();
        for (const [eachText, eachProof] of added) {
          expect(known.find(`${eachText}.`, eachProof)).toBeUndefined();
          const other = (eachProof.startsWith('A') ? 'B' : 'A') + eachProof.slice(1);
          expect(known.find(eachText, other)).toBeUndefined();
        }
      }),
    );
  });

  it('keeps two that have the same place, so that two users do not take it from each other', () => {
    const known = new KnownTexts();
    const [one, two, three] = ['a', 'b', 'c'].map((start) => start.padEnd(PROOF_CHARS, 'x')) as [
      string,
      string,
      string,
    ];
    expect(placeOf(one)).toBe(placeOf(two));
    known.add('one', one);
    known.add('two', two);
    expect(known.find('one', one)).toBeDefined();
    expect(known.find('two', two)).toBeDefined();
    known.add('three', three);
    expect(known.find('one', one)).toBeUndefined();
    expect(known.find('two', two)).toBeDefined();
  });

  it('takes no proof for another that has the same bytes in Latin-1', () => {
    const known = new KnownTexts();
    const proof = 'A'.padEnd(PROOF_CHARS, 'x');
    known.add('text', proof);
    expect(known.find('text', `\u0141${proof.slice(1)}`)).toBeUndefined();
    expect(known.find('text', proof.slice(1))).toBeUndefined();
  });

  it('copies a text as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(copyOf(text)).toBe(text);
      }),
    );
  });

  it('keeps no long text', () => {
    const known = new KnownTexts();
    const proof = 'A'.padEnd(PROOF_CHARS, 'x');
    expect(known.add('x'.repeat(1_025), proof)).toBeUndefined();
    expect(known.find('x'.repeat(1_025), proof)).toBeUndefined();
  });
});
