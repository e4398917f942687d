import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  createCsrfToken,
  csrfField,
  isSafeMethod,
  readCsrfToken,
  verifyCsrfToken,
} from '../../../../lib/session/crypto/csrf-token.js';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1_000);
const keys = ['new key', 'old key'];

describe('a CSRF token', () => {
  it('is good for its own session, and for no other', () => {
    const id = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(id, id, (mine, other) => {
        const token = createCsrfToken(keys, mine);
        expect(token).toMatch(/^[\w-]{86}$/);
        expect(verifyCsrfToken(keys, mine, token)).toBe(true);
        expect(verifyCsrfToken(keys, other, token)).toBe(mine === other);
      }),
      { numRuns: RUNS },
    );
  });

  it('is another text each time, with no byte that stays', () => {
    const tokens = Array.from({ length: 200 }, () =>
      Buffer.from(createCsrfToken(keys, 'sid'), 'base64url'),
    );
    for (let at = 0; at < 64; at++) {
      expect(new Set(tokens.map((token) => token[at])).size).toBeGreaterThan(50);
    }
    for (const token of tokens) {
      expect(verifyCsrfToken(keys, 'sid', token.toString('base64url'))).toBe(true);
    }
  });

  it('is refused after any change', () => {
    const id = randomUUID();
    fc.assert(
      fc.property(fc.nat(511), (bit) => {
        const bytes = Buffer.from(createCsrfToken(keys, id), 'base64url');
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(verifyCsrfToken(keys, id, bytes.toString('base64url'))).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });

  it('is never thrown over: anything that is none is refused', () => {
    const token = createCsrfToken(keys, 'sid');
    const hostile = fc.oneof(
      fc.anything(),
      fc.string(),
      fc
        .uint8Array({ minLength: 64, maxLength: 64 })
        .map((b) => Buffer.from(b).toString('base64url')),
      fc.constantFrom('', `${token}=`, ` ${token}`, token.slice(1), `${token}A`, [token]),
    );
    fc.assert(
      fc.property(hostile, (value) => {
        expect(verifyCsrfToken(keys, 'sid', value)).toBe(false);
      }),
      { numRuns: RUNS },
    );
    expect(verifyCsrfToken(keys, '', token)).toBe(false);
    expect(verifyCsrfToken([], 'sid', token)).toBe(false);
  });

  it('stays good while its key is in the list', () => {
    const token = createCsrfToken(['old key'], 'sid');
    expect(verifyCsrfToken(keys, 'sid', token)).toBe(true);
    expect(verifyCsrfToken(['new key'], 'sid', token)).toBe(false);
  });

  it('needs a key and a session', () => {
    expect(() => createCsrfToken([], 'sid')).toThrow(RangeError);
    expect(() => createCsrfToken(keys, '')).toThrow(RangeError);
  });
});

describe('a request', () => {
  it('carries its token in the header, else in the body, under names that can be set', () => {
    expect(readCsrfToken({ headers: { 'x-csrf-token': 'h' }, body: { _csrf: 'b' } })).toBe('h');
    expect(readCsrfToken({ headers: {}, body: { _csrf: 'b' } })).toBe('b');
    const names = { header: 'x-xsrf-token', field: 'token' };
    expect(readCsrfToken({ headers: { 'x-xsrf-token': 'h' } }, names)).toBe('h');
    expect(readCsrfToken({ headers: { 'x-csrf-token': 'h' }, body: { token: 'b' } }, names)).toBe(
      'b',
    );
  });

  it('carries none when there is none, or nothing that is a text', () => {
    const bodies = [undefined, null, 'text', [], { _csrf: ['a'] }, { _csrf: '' }, { _csrf: {} }];
    for (const body of bodies) expect(readCsrfToken({ headers: {}, body })).toBeUndefined();
    expect(readCsrfToken({ headers: { 'x-csrf-token': ['a', 'b'] } })).toBeUndefined();
    const inherited = Object.create({ _csrf: 'polluted' }) as object;
    expect(readCsrfToken({ headers: {}, body: inherited })).toBeUndefined();
  });

  it('with a method that changes nothing needs none', () => {
    expect(['GET', 'HEAD', 'OPTIONS', 'TRACE'].every(isSafeMethod)).toBe(true);
    expect(['POST', 'PUT', 'PATCH', 'DELETE', 'get', ''].some(isSafeMethod)).toBe(false);
  });

  it('gets it from a form by a hidden field', () => {
    expect(csrfField('abc')).toBe('<input type="hidden" name="_csrf" value="abc">');
    expect(csrfField('"><', { field: 'a"b' })).toBe(
      '<input type="hidden" name="a&#34;b" value="&#34;&#62;&#60;">',
    );
  });
});
