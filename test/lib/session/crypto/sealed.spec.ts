import { randomBytes } from 'node:crypto';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { SessionOptionsError } from '../../../../lib/errors.js';
import { decode as decodeSigned } from '../../../../lib/session/codec.js';
import { deriveKey } from '../../../../lib/session/crypto/key-derivation.js';
import { sealed } from '../../../../lib/session/crypto/sealed.js';
import type { SealedOptions, SealRefusal } from '../../../../lib/session/crypto/sealed.js';
import { Xaes } from '../../../../lib/session/crypto/xaes.js';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1_000);
const NOW = Date.UTC(2026, 10, 23);
const name = 'koa.sess';
const secret = (): string => randomBytes(32).toString('base64');
const keys = [secret()];
const record = { user: 'alice', _expire: NOW + 60_000, _maxAge: 60_000 };

/** A codec that remembers why it refused. */
function watched(options: Partial<SealedOptions> = {}): {
  codec: ReturnType<typeof sealed>;
  reasons: SealRefusal[];
} {
  const reasons: SealRefusal[] = [];
  const codec = sealed({ keys, onRefused: (reason) => reasons.push(reason), ...options });
  return { codec, reasons };
}

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a sealed cookie', () => {
  it('opens to what was sealed, for any JSON record', () => {
    const codec = sealed({ keys, padding: 64 });
    const records = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
    fc.assert(
      fc.property(records, (data) => {
        const plain = JSON.parse(JSON.stringify({ ...data, _expire: NOW + 1 })) as unknown;
        const text = codec.encode(plain as Record<string, unknown>, { name });
        expect(text).toMatch(/^[\w-]+$/);
        expect(codec.decode(text, { name })).toEqual(plain);
      }),
      { numRuns: RUNS },
    );
  });

  it('is another text each time, and shows nothing of what is in it', () => {
    const codec = sealed({ keys });
    const texts = Array.from({ length: 300 }, () => codec.encode(record, { name }));
    expect(new Set(texts).size).toBe(300);
    const nonces = texts.map((text) => Buffer.from(text, 'base64url').toString('hex', 2, 26));
    expect(new Set(nonces).size).toBe(300);
    for (const text of texts) {
      expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('alice');
    }
  });

  it('holds however much there is, whatever was sealed or opened before it', () => {
    const codec = sealed({ keys });
    const records = [
      '\u{1f511}'.repeat(9_000),
      'a',
      '\u20ac'.repeat(1_000),
      '',
      'b'.repeat(4_000),
    ].map((user) => ({ user, _expire: NOW + 1 }));
    const texts = records.map((data) => codec.encode(data, { name }));
    for (const order of [texts.keys(), [3, 0, 4, 1, 2]]) {
      for (const i of order) expect(codec.decode(texts[i]!, { name })).toEqual(records[i]);
    }
    // The bytes of the seal before it are no part of one that was cut.
    expect(codec.decode(texts[2]!.slice(0, -4), { name })).toBeUndefined();
  });

  it('has the documented layout: format, key id, nonce, times and JSON, tag', () => {
    const text = sealed({ keys, purpose: 'p' }).encode(record, { name });
    const bytes = Buffer.from(text, 'base64url');
    const derived = deriveKey(Buffer.from(keys[0]!), 'seal', 33);
    expect([...bytes.subarray(0, 2)]).toEqual([1, derived[32]]);
    const plaintext = new Xaes(derived.subarray(0, 32)).open(
      bytes.subarray(2, 26),
      bytes.subarray(26, -16),
      bytes.subarray(-16),
      Buffer.concat([bytes.subarray(0, 2), Buffer.from('koa.sess\0p')]),
    );
    expect(plaintext?.readUIntBE(0, 6)).toBe(NOW);
    expect(plaintext?.readUIntBE(6, 6)).toBe(record._expire);
    expect(plaintext?.toString('utf8', 12)).toBe(JSON.stringify(record));
  });

  it('is absent after any change: a flipped bit, a cut, an addition, another letter', () => {
    const { codec, reasons } = watched();
    const flip = (n: number) => (text: string) => {
      const bytes = Buffer.from(text, 'base64url');
      bytes[(n >> 3) % bytes.length]! ^= 1 << (n & 7);
      return bytes.toString('base64url');
    };
    const change = fc.oneof(
      fc.nat().map(flip),
      fc.nat(40).map((n) => (text: string) => text.slice(0, -1 - n)),
      fc.nat(40).map((n) => (text: string) => text.slice(1 + n)),
      fc.string({ minLength: 1, unit: 'binary' }).map((extra) => (text: string) => text + extra),
      fc.base64String({ minLength: 4 }).map((extra) => (text: string) => text + extra),
      fc.tuple(fc.nat(), fc.string({ maxLength: 1 })).map(([n, letter]) => (text: string) => {
        const at = n % text.length;
        return text.slice(0, at) + letter + text.slice(at + 1);
      }),
    );
    let refused = 0;
    fc.assert(
      fc.property(change, (mutate) => {
        const text = codec.encode(record, { name });
        const mutated = mutate(text);
        fc.pre(mutated !== text);
        expect(codec.decode(mutated, { name })).toBeUndefined();
        expect(reasons).toHaveLength(++refused);
      }),
      // Of the format, of the key's id, of the nonce: each reason comes up whatever chance brings.
      { numRuns: RUNS, examples: [[flip(0)], [flip(8)], [flip(16)]] },
    );
    expect(new Set(reasons)).toEqual(new Set(['malformed', 'unknown-kid', 'bad-tag']));
  });

  it('is absent for anything that was never sealed, also a session that koa-session encoded', () => {
    const codec = sealed({ keys });
    const text = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc
        .uint8Array({ minLength: 60, maxLength: 100 })
        .map((bytes) => Buffer.of(1, ...bytes).toString('base64url')),
      fc.constant(Buffer.from(JSON.stringify(record)).toString('base64')),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(codec.decode(value, { name })).toBeUndefined();
      }),
      { numRuns: RUNS },
    );
  });

  it('has one spelling: padding, spaces, standard base64 and spare bits are refused', () => {
    const { codec, reasons } = watched();
    // Three lengths, so that one leaves two spare bits, one four, and one none.
    for (const user of ['a', 'ab', 'abc']) {
      const text = codec.encode({ ...record, user }, { name });
      const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const spellings = [
        `${text}=`,
        ` ${text}`,
        `${text}\n`,
        `${text.slice(0, 9)} ${text.slice(9)}`,
        text.replace(/-/g, '+').replace(/_/g, '/'),
        ...[...last].map((letter) => text.slice(0, -1) + letter),
      ].filter((spelling) => spelling !== text);
      const same = spellings.filter((spelling) =>
        Buffer.from(spelling, 'base64url').equals(Buffer.from(text, 'base64url')),
      );
      expect(same.length).toBeGreaterThanOrEqual(4);
      for (const spelling of spellings) expect(codec.decode(spelling, { name })).toBeUndefined();
      reasons.length = 0;
      for (const spelling of same) codec.decode(spelling, { name });
      expect(reasons).toEqual(same.map(() => 'malformed'));
    }
  });

  it('is worth nothing under another name, purpose or key', () => {
    const { codec, reasons } = watched();
    const text = codec.encode(record, { name });
    expect(codec.decode(text, { name: 'other' })).toBeUndefined();
    expect(codec.decode(text, { name: 'koa.ses' })).toBeUndefined();
    const other = watched({ purpose: 'invitation' });
    expect(other.codec.decode(text, { name })).toBeUndefined();
    expect([...reasons, ...other.reasons]).toEqual(['bad-tag', 'bad-tag', 'bad-tag']);
    expect(sealed({ keys: [secret()] }).decode(text, { name })).toBeUndefined();
  });

  it('cannot be moved between a name and a purpose that read alike when joined', () => {
    const text = sealed({ keys, purpose: 'bc' }).encode(record, { name: 'a' });
    expect(sealed({ keys, purpose: 'c' }).decode(text, { name: 'ab' })).toBeUndefined();
    expect(sealed({ keys, purpose: 'bc' }).decode(text, { name: 'a' })).toEqual(record);
  });

  it('that bears the id of no key is refused without deriving or decrypting anything', () => {
    const { codec, reasons } = watched();
    const bytes = Buffer.from(codec.encode(record, { name }), 'base64url');
    bytes[1]! ^= 0xff;
    const open = jest.spyOn(Xaes.prototype, 'open');
    try {
      expect(codec.decode(bytes.toString('base64url'), { name })).toBeUndefined();
      expect(open).not.toHaveBeenCalled();
    } finally {
      open.mockRestore();
    }
    expect(reasons).toEqual(['unknown-kid']);
  });

  it('that holds something else than a record is refused, although we sealed it', () => {
    const { codec, reasons } = watched();
    for (const value of [[], 'text', 5, null]) {
      const text = codec.encode({ toJSON: () => value } as unknown as Record<string, unknown>, {
        name,
      });
      expect(codec.decode(text, { name })).toBeUndefined();
    }
    expect(reasons).toEqual(Array(4).fill('malformed'));
  });
});

describe('the keys of sealed cookies', () => {
  it('rotate: the first seals, all open, one that was taken out opens nothing', () => {
    const [a, b] = [secret(), secret()];
    const old = sealed({ keys: [a] }).encode(record, { name });
    const both = sealed({ keys: [b, a] });
    expect(both.decode(old, { name })).toEqual(record);
    const fresh = both.encode(record, { name });
    expect(sealed({ keys: b }).decode(fresh, { name })).toEqual(record);
    expect(sealed({ keys: [b] }).decode(old, { name })).toBeUndefined();
    expect(sealed({ keys: [a, b] }).decode(fresh, { name })).toEqual(record);
  });

  it('are all tried among those that share an id', () => {
    const idOf = (key: string): number => deriveKey(Buffer.from(key), 'seal', 33)[32]!;
    const first = secret();
    let second = secret();
    while (idOf(second) !== idOf(first)) second = secret();
    const codec = sealed({ keys: [first, second] });
    for (const key of [first, second]) {
      expect(codec.decode(sealed({ keys: key }).encode(record, { name }), { name })).toEqual(
        record,
      );
    }
  });

  it('may be text or bytes, which are the same key', () => {
    const text = secret();
    const seal = sealed({ keys: text }).encode(record, { name });
    expect(sealed({ keys: [Buffer.from(text)] }).decode(seal, { name })).toEqual(record);
  });

  it.each([
    ['none', undefined],
    ['an empty list', []],
    ['a short text', 'short'],
    ['31 bytes', randomBytes(31)],
    ['a typed text', 'x'.repeat(40)],
    ['a number', 5],
    ['a list with nothing in it', [undefined]],
  ])('are refused at start-up: %s', (_title, bad) => {
    const make = (): unknown => sealed({ keys: bad as never });
    expect(make).toThrow(SessionOptionsError);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_SESSION_KEYS_MISSING' }));
  });
});

describe('the time of a sealed cookie', () => {
  it('is left to the session when the record has an end, so that session:expired is told', () => {
    const { codec, reasons } = watched();
    const text = codec.encode(record, { name });
    jest.setSystemTime(record._expire + 1);
    expect(codec.decode(text, { name })).toEqual(record);
    expect(reasons).toEqual([]);
  });

  it('ends a day after sealing, or as set, for a session that ends with the browser', () => {
    for (const [options, end] of [
      [{}, 86_400_000],
      [{ sessionMaxAge: 5_000 }, 5_000],
    ] as const) {
      jest.setSystemTime(NOW);
      const { codec, reasons } = watched(options);
      const text = codec.encode({ user: 'alice', _session: true }, { name });
      jest.setSystemTime(NOW + end - 1);
      expect(codec.decode(text, { name })).toEqual({ user: 'alice', _session: true });
      jest.setSystemTime(NOW + end);
      expect(codec.decode(text, { name })).toBeUndefined();
      expect(reasons).toEqual(['expired']);
    }
  });

  it('is over for all that were sealed before notBefore, fixed or asked each time', () => {
    const text = sealed({ keys }).encode(record, { name });
    let limit: number | undefined;
    const { codec, reasons } = watched({ notBefore: () => limit });
    expect(codec.decode(text, { name })).toEqual(record);
    limit = NOW;
    expect(codec.decode(text, { name })).toEqual(record);
    limit = NOW + 1;
    expect(codec.decode(text, { name })).toBeUndefined();
    expect(reasons).toEqual(['revoked']);
    expect(watched({ notBefore: new Date(NOW + 1) }).codec.decode(text, { name })).toBeUndefined();
  });
});

describe('the move from signed to sealed cookies', () => {
  it('reads signed cookies until the day given, and never without one', () => {
    expect(sealed({ keys }).acceptsSigned(NOW)).toBe(false);
    for (const acceptSigned of ['2026-11-24', new Date(NOW + 86_400_000), NOW + 86_400_000]) {
      const codec = sealed({ keys, acceptSigned });
      expect(codec.acceptsSigned(NOW)).toBe(true);
      expect(codec.acceptsSigned(NOW + 86_400_000)).toBe(false);
    }
  });

  it('never takes the signed value itself for a seal', () => {
    const codec = sealed({ keys, acceptSigned: NOW + 1_000 });
    const plain = Buffer.from(JSON.stringify(record)).toString('base64');
    expect(codec.decode(plain, { name })).toBeUndefined();
  });

  it('has a way back, which reads both and writes what koa-session reads', () => {
    const seal = sealed({ keys }).encode(record, { name });
    const back = sealed({ keys, write: 'signed' });
    expect(back.writesSigned).toBe(true);
    expect(back.acceptsSigned(NOW)).toBe(true);
    expect(back.decode(seal, { name })).toEqual(record);
    expect(decodeSigned(back.encode(record, { name }))).toEqual(record);
    expect(sealed({ keys }).writesSigned).toBe(false);
  });
});

describe('the options of sealed()', () => {
  it('pads to a multiple of the bytes given, so that small differences do not show', () => {
    const codec = sealed({ keys, padding: 64 });
    const lengths = ['', 'a', 'alice', 'a'.repeat(20)].map((user) => {
      const text = codec.encode({ user }, { name });
      expect(codec.decode(text, { name })).toEqual({ user });
      return Buffer.from(text, 'base64url').length - 2 - 24 - 16;
    });
    expect(lengths).toEqual([64, 64, 64, 64]);
  });

  it.each([
    ['purpose', 5],
    ['write', 'plain'],
    ['sessionMaxAge', 0],
    ['sessionMaxAge', Infinity],
    ['sessionMaxAge', '1d'],
    ['padding', -1],
    ['padding', 1.5],
    ['acceptSigned', true],
    ['acceptSigned', null],
    ['acceptSigned', 'some day'],
    ['notBefore', NaN],
    ['onRefused', 'log'],
    ['keys', Array(17).fill(secret())],
  ])('are refused at start-up, naming the option: %s = %p', (option, value) => {
    const make = (): unknown => sealed({ keys, [option]: value });
    expect(make).toThrow(expect.objectContaining({ option: `sealed.${option}` }));
    expect(make).toThrow(SessionOptionsError);
  });

  it('must be an object', () => {
    expect(() => sealed(undefined as never)).toThrow(SessionOptionsError);
  });
});
