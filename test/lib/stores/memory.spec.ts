import { jest } from '@jest/globals';
import fc from 'fast-check';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { SessionOptionsError, StoreError } from '../../../lib/errors.js';
import { storeContract } from '../../../lib/testing/index.js';

const HOUR = 3_600_000;

storeContract({
  name: 'MemoryStore',
  create: () => new MemoryStore(),
  capabilities: ['create', 'version', 'touch', 'owner', 'clear', 'prune', 'close'],
});

describe('MemoryStore', () => {
  it('keeps at most maxRecords, and drops the least recently used first', () => {
    const store = new MemoryStore({ maxRecords: 3 });
    for (const key of ['a', 'b', 'c']) store.set(key, { key }, HOUR);
    store.get('a');
    store.set('d', { key: 'd' }, HOUR);
    expect(store.size).toBe(3);
    expect(store.get('b')).toBeUndefined();
    expect(['a', 'c', 'd'].map((key) => store.get(key))).toEqual([
      { key: 'a' },
      { key: 'c' },
      { key: 'd' },
    ]);
  });

  it('counts a write as a use', () => {
    const store = new MemoryStore({ maxRecords: 2 });
    store.set('a', { n: 1 }, HOUR);
    store.set('b', { n: 1 }, HOUR);
    store.set('a', { n: 2 }, HOUR);
    store.set('c', { n: 1 }, HOUR);
    expect(store.get('a')).toEqual({ n: 2 });
    expect(store.get('b')).toBeUndefined();
  });

  it('keeps at most maxBytes, counted as UTF-8', () => {
    const record = { text: 'é'.repeat(500) };
    const each = 1 + Buffer.byteLength(JSON.stringify(record)) + MemoryStore.RECORD_OVERHEAD;
    const store = new MemoryStore({ maxBytes: 3 * each });
    for (const key of ['a', 'b', 'c', 'd']) store.set(key, record, HOUR);
    expect(store.bytes).toBe(3 * each);
    expect(store.get('a')).toBeUndefined();
    store.destroy('b');
    store.set('c', { text: '' }, HOUR);
    expect(store.bytes).toBeLessThan(2 * each);
  });

  it('refuses one record larger than everything it may keep, and leaves the others', () => {
    const store = new MemoryStore({ maxBytes: 2_000 });
    store.set('a', { n: 1 }, HOUR);
    expect(() => store.set('b', { text: 'x'.repeat(4_000) }, HOUR)).toThrow(StoreError);
    expect(store.get('a')).toEqual({ n: 1 });
    expect(store.size).toBe(1);
  });

  it('does not grow while sessions come and expire, without any timer', () => {
    jest.useFakeTimers({ now: 0 });
    try {
      const store = new MemoryStore();
      for (let n = 0; n < 20_000; n++) {
        jest.setSystemTime(n * 10);
        store.set(`visitor-${n}`, { n }, 1_000);
        expect(store.size).toBeLessThanOrEqual(250);
      }
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('prunes every expired record and lets other work run in between', async () => {
    jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate'] });
    try {
      const store = new MemoryStore();
      for (let n = 0; n < 5_000; n++) store.set(`k${n}`, { n }, n % 5 === 0 ? HOUR : 1_000);
      jest.setSystemTime(2_000);
      let turns = 0;
      const ticking = setImmediate(function tick() {
        turns++;
        setImmediate(tick).unref();
      });
      expect(await store.prune()).toBe(4_000);
      clearImmediate(ticking);
      expect(turns).toBeGreaterThan(3);
      expect(store.size).toBe(1_000);
    } finally {
      jest.useRealTimers();
    }
  });

  it('keeps a record of maxAge "session" for sessionMaxAge', () => {
    jest.useFakeTimers({ now: 0 });
    try {
      const store = new MemoryStore({ sessionMaxAge: 5_000 });
      store.set('a', { n: 1 }, 'session');
      jest.setSystemTime(4_999);
      expect(store.get('a')).toEqual({ n: 1 });
      jest.setSystemTime(5_000);
      expect(store.get('a')).toBeUndefined();
    } finally {
      jest.useRealTimers();
    }
  });

  it('keeps what a list ordered by last use keeps, whatever is done to it', () => {
    const operation = fc.record({
      kind: fc.constantFrom('get' as const, 'set' as const, 'destroy' as const),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      n: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const store = new MemoryStore({ maxRecords: 4 });
        /** The oldest use first. */
        let model: { key: string; n: number }[] = [];
        for (const { kind, key, n } of operations) {
          const kept = model.find((entry) => entry.key === key);
          const others = model.filter((entry) => entry.key !== key);
          if (kind === 'destroy') store.destroy(key);
          else if (kind === 'set') store.set(key, { n }, HOUR);
          else expect(store.get(key)).toEqual(kept && { n: kept.n });
          if (kind === 'destroy') model = others;
          else if (kind === 'set') model = [...others, { key, n }].slice(-4);
          else if (kept !== undefined) model = [...others, kept];
          const bytes = model.map((entry) => entry.key.length + `{"n":${entry.n}}`.length);
          const overhead = model.length * MemoryStore.RECORD_OVERHEAD;
          expect(store.size).toBe(model.length);
          expect(store.bytes).toBe(bytes.reduce((sum, size) => sum + size, overhead));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('finds what it has among thousands of keys, and nothing else', () => {
    const store = new MemoryStore({ maxRecords: Infinity });
    const model = new Map<string, number>();
    const random = fc.sample(fc.nat({ max: 2 ** 30 }), { numRuns: 60_000, seed: 7 });
    for (const [n, number] of random.entries()) {
      const key = `key-${number % 8_000}`;
      if (number % 3 === 0) {
        store.destroy(key);
        model.delete(key);
      } else {
        store.set(key, { n }, HOUR);
        model.set(key, n);
      }
    }
    expect(store.size).toBe(model.size);
    for (let number = 0; number < 8_000; number++) {
      const n = model.get(`key-${number}`);
      expect(store.get(`key-${number}`)).toEqual(n === undefined ? undefined : { n });
    }
  });

  it('knows a repeated write among hundreds of others, and never by the number it has', async () => {
    const store = new MemoryStore();
    await store.create('a', { n: 1 }, HOUR, { writeId: 'one' });
    for (let n = 0; n < 200; n++) store.set(`other-${n}`, { n }, HOUR);
    expect(await store.create('a', { n: 2 }, HOUR, { writeId: 'one' })).toBe(true);
    for (let n = 0; n < 600; n++) {
      await store.create(`more-${n}`, { n }, HOUR, { writeId: `write-${n}` });
      expect(await store.create('a', { n: 2 }, HOUR, { writeId: `write-${n}` })).toBe(false);
    }
    expect(store.get('a')).toEqual({ n: 1 });
  });

  it.each([
    ['maxRecords', 0, /"maxRecords" option of MemoryStore must be a whole number above 0/],
    ['maxBytes', '1', /"maxBytes".*got string/],
    ['sessionMaxAge', Number.NaN, /"sessionMaxAge".*got NaN/],
    ['maxRecord', 5, /no option "maxRecord": use one of maxRecords/],
  ])('refuses a wrong %s when it is built', (option, value, message) => {
    const build = () => new MemoryStore({ [option]: value });
    expect(build).toThrow(SessionOptionsError);
    expect(build).toThrow(message);
  });
});
