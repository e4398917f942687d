import fc from 'fast-check';
import { decodeJson, encodeJson } from '../../../lib/session/codec.js';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 2_000);

describe("koa-session's cookie value", () => {
  it('is the base64 of any text in UTF-8', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json());
    fc.assert(
      fc.property(text, (json) => {
        expect(encodeJson(json)).toBe(Buffer.from(json).toString('base64'));
        expect(decodeJson(encodeJson(json))).toBe(Buffer.from(json).toString());
      }),
      { numRuns: RUNS },
    );
  });

  it('is read as Buffer reads it, whatever a client made of it', () => {
    const letters = fc.constantFrom(...'AZaz09+/=-_ \t\n\f\r.;"\u00e9\u0100');
    const value = fc.oneof(
      fc.base64String(),
      fc.string({ unit: letters, maxLength: 12 }),
      fc.string(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(
      fc.property(value, (text) => {
        expect(decodeJson(text)).toBe(Buffer.from(text, 'base64').toString());
      }),
      { numRuns: 5 * RUNS },
    );
  });
});
