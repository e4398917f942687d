import { hash } from 'node:crypto';
import fc from 'fast-check';
import {
  copyOf,
  hashOf,
  KnownTexts,
  PROOF_CHARS,
  REMEMBERED,
} from '../../../../lib/session/crypto/known-texts.js';

describe('known texts', () => {
  const proofs = fc.base64String({ minLength: PROOF_CHARS, maxLength: 40 }).map((text) => {
    return text.slice(0, PROOF_CHARS);
  });
  const texts = fc.tuple(fc.string({ maxLength: 40 }), proofs, fc.boolean());
  const pairs = fc.array(texts, { minLength: 1 });
  const proofOf = (number: number) => hash('sha1', String(number), 'base64url');
  const sendTwice = (known: KnownTexts, text: string, proof: string) => {
    for (let i = 0; i < 2; i++) {
      if (known.find(text, proof) === undefined) known.addSent(text, proof, text);
    }
  };

  it('finds the last one added, and nothing that was not added', () => {
    fc.assert(
      fc.property(pairs, fc.string(), proofs, (added, text, proof) => {
        const known = new KnownTexts();
        for (const [eachText, eachProof, isMade] of added) {
          if (isMade) known.addMade(eachText, eachProof, eachText);
          else sendTwice(known, eachText, eachProof);
          expect(known.find(eachText, eachProof)?.content).toBe(eachText);
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
    expect(hashOf(one)).toBe(hashOf(two));
    sendTwice(known, 'one', one);
    sendTwice(known, 'two', two);
    expect(known.find('one', one)).toBeDefined();
    expect(known.find('two', two)).toBeDefined();
    sendTwice(known, 'three', three);
    expect(known.find('one', one)).toBeUndefined();
    expect(known.find('two', two)).toBeDefined();
  });

  it('keeps what a client sent when it is sent again', () => {
    const known = new KnownTexts();
    expect(known.addSent('text', proofOf(0))).toBeUndefined();
    expect(known.find('text', proofOf(0))).toBeUndefined();
    const kept = known.addSent('text', proofOf(0));
    expect(kept).toBeDefined();
    expect(known.find('text', proofOf(0))).toBe(kept);
  });

  it('keeps what clients sent, however much is made meanwhile', () => {
    const known = new KnownTexts();
    sendTwice(known, 'sent', proofOf(0));
    known.addMade('made', proofOf(1));
    for (let i = 2; i < 2 * REMEMBERED; i++) known.addMade('made', proofOf(i));
    expect(known.find('sent', proofOf(0))).toBeDefined();
    expect(known.find('made', proofOf(1))).toBeUndefined();
  });

  it('keeps no more than it has places for', () => {
    const known = new KnownTexts();
    const count = 20_000;
    for (let i = 0; i < count; i++) sendTwice(known, 'sent', proofOf(i));
    for (let i = 0; i < count; i++) known.addMade('made', proofOf(count + i));
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (known.find('sent', proofOf(i)) !== undefined) kept++;
      if (known.find('made', proofOf(count + i)) !== undefined) kept++;
    }
    expect(kept).toBeGreaterThan(REMEMBERED / 2);
    expect(kept).toBeLessThanOrEqual(REMEMBERED + 128);
  });

  it('takes no proof for another that has the same bytes in Latin-1', () => {
    const known = new KnownTexts();
    const proof = 'A'.padEnd(PROOF_CHARS, 'x');
    sendTwice(known, 'text', proof);
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
    sendTwice(known, 'x'.repeat(1_025), proof);
    known.addMade('x'.repeat(1_025), proof);
    expect(known.find('x'.repeat(1_025), proof)).toBeUndefined();
  });
});
