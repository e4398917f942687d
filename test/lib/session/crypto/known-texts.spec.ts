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

  const sameProofs = [...'abcdef'].map((start) => start.padEnd(PROOF_CHARS, 'x'));

  it('keeps four that have the same place, so that users do not take it from each other', () => {
    expect(new Set(sameProofs.map(hashOf)).size).toBe(1);
    const known = new KnownTexts();
    const isKept = (proof: string) => known.find('text', proof) !== undefined;
    for (const proof of sameProofs.slice(0, 4)) sendTwice(known, 'text', proof);
    expect(sameProofs.map(isKept)).toEqual([true, true, true, true, false, false]);
    sendTwice(known, 'text', sameProofs[4] as string);
    expect(sameProofs.map(isKept)).toEqual([false, true, true, true, true, false]);
  });

  it('keeps what was made and has not come back, before what has', () => {
    const known = new KnownTexts();
    const isKept = (proof: string) => known.find('text', proof) !== undefined;
    for (const proof of sameProofs.slice(0, 4)) known.addMade('text', proof);
    expect(isKept(sameProofs[2] as string)).toBe(true);
    known.addMade('text', sameProofs[4] as string);
    expect(sameProofs.map(isKept)).toEqual([true, true, false, true, true, false]);
  });

  it('finds what was made as often as it comes back, whatever is made meanwhile', () => {
    const known = new KnownTexts();
    known.addMade('text', proofOf(0), 'content');
    for (let i = 0; i < 2; i++) expect(known.find('text', proofOf(0))?.content).toBe('content');
    for (let i = 1; i < REMEMBERED; i++) known.addMade('text', proofOf(i));
    for (let i = 0; i < 3; i++) expect(known.find('text', proofOf(0))?.content).toBe('content');
  });

  it('loses few of thirty-two that each come back once', () => {
    const known = new KnownTexts();
    let lost = 0;
    const users = 32;
    for (let i = 0; i < 100 * users; i++) {
      if (i >= users && known.find('text', proofOf(i - users)) === undefined) lost++;
      known.addMade('text', proofOf(i));
    }
    expect(lost).toBeLessThan(4 * users);
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
