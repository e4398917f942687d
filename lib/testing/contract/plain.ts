import assert from 'node:assert/strict';
import { LONG, range } from './bench.js';
import type { Claims } from './bench.js';

/** What koa-session expects of every store. @internal */
export const plainClaims: Claims = {
  'get of a missing key is undefined': async (bench) => {
    await bench.assertMissing(bench.key(), 'a key that was never written');
  },

  'get gives what set kept': async (bench) => {
    const key = bench.key();
    const record = {
      text: 'caf\u00e9 \u4f60\u597d \u{1f36a} "quoted" \\ \u0000 \u2028',
      number: -12.5e-7,
      yes: true,
      nothing: null,
      list: [1, [2, { three: 3 }], []],
      nested: { empty: {}, '': 'empty name' },
      _expire: 4_102_444_800_000,
      _maxAge: 86_400_000,
    };
    await bench.set(key, record);
    assert.deepEqual(await bench.get(key), record);
  },

  'an empty record is a record': async (bench) => {
    const key = bench.key();
    await bench.set(key, {});
    assert.deepEqual(await bench.get(key), {});
  },

  'a record of 200,000 characters comes back whole': async (bench) => {
    const key = bench.key();
    const record = { text: 'x\u00e9'.repeat(100_000) };
    await bench.set(key, record);
    assert.deepEqual(await bench.get(key), record);
  },

  'names that JavaScript objects inherit are data like any other': async (bench) => {
    const key = bench.key();
    const json = '{"__proto__":{"admin":true},"constructor":1,"toString":"text"}';
    await bench.set(key, JSON.parse(json) as Record<string, unknown>);
    const record = await bench.get(key);
    assert.equal(JSON.stringify(record), json);
    assert.equal((record as { admin?: unknown }).admin, undefined);
  },

  'set replaces the whole record': async (bench) => {
    const key = bench.key();
    await bench.set(key, { a: 1, b: 2 });
    await bench.set(key, { b: 3 });
    assert.deepEqual(await bench.get(key), { b: 3 });
  },

  'set keeps no reference to the record': async (bench) => {
    const key = bench.key();
    const record = { list: [1] };
    await bench.set(key, record);
    record.list.push(2);
    assert.deepEqual(await bench.get(key), { list: [1] });
  },

  'get hands out a copy': async (bench) => {
    const key = bench.key();
    await bench.set(key, { list: [1] });
    const first = await bench.get(key);
    (first as { list: number[] }).list.push(2);
    assert.deepEqual(await bench.get(key), { list: [1] });
  },

  'keys are apart by every character, letter case and trailing space included': async (bench) => {
    const key = bench.key();
    const others = [`${key}A`, `${key}a`, `${key} `, `${key}*`, `${key}:x`, `{${key}}`, `${key}%`];
    for (const other of others) await bench.set(other, { other });
    await bench.assertMissing(key, 'a key of which others are extensions');
    for (const other of others) assert.deepEqual(await bench.get(other), { other });
    await bench.store.destroy(`${key}*`, {});
    await bench.assertMissing(`${key}*`, 'the destroyed key');
    assert.deepEqual(await bench.get(`${key}A`), { other: `${key}A` });
    for (const other of others) await bench.store.destroy(other, {});
  },

  'destroy removes the record': async (bench) => {
    const key = bench.key();
    await bench.set(key, { user: 1 });
    await bench.store.destroy(key, {});
    await bench.assertMissing(key, 'a destroyed key');
  },

  'destroy of a missing key is no error': async (bench) => {
    await bench.store.destroy(bench.key(), {});
  },

  'a record whose lifetime is over is missing': async (bench) => {
    const key = bench.key();
    await bench.set(key, { user: 1 }, bench.short);
    await bench.pass(bench.short);
    await bench.assertMissing(key, 'an expired key');
  },

  'set gives the record a new lifetime': async (bench) => {
    const [longer, shorter] = [bench.key(), bench.key()];
    await bench.set(longer, { n: 1 }, bench.short);
    await bench.set(longer, { n: 2 }, LONG);
    await bench.set(shorter, { n: 1 }, LONG);
    await bench.set(shorter, { n: 2 }, bench.short);
    await bench.pass(bench.short);
    assert.deepEqual(await bench.get(longer), { n: 2 });
    await bench.assertMissing(shorter, 'the second lifetime is over');
  },

  'a lifetime may be "session", undefined or a fraction': async (bench) => {
    for (const maxAge of ['session', undefined, 60_000.5] as const) {
      const key = bench.key();
      await bench.store.set(key, { maxAge: String(maxAge) }, maxAge, { changed: true });
      assert.deepEqual(await bench.store.get(key, maxAge, {}), { maxAge: String(maxAge) });
    }
  },

  'a lifetime of 0 or less is over at once, and is no error': async (bench) => {
    for (const maxAge of [0, -1]) {
      const key = bench.key();
      await bench.set(key, { old: true });
      await bench.set(key, { user: 1 }, maxAge);
      await bench.pass(1);
      await bench.assertMissing(key, `written with a lifetime of ${maxAge}`);
    }
  },

  'parallel calls on many keys do not mix them up': async (bench) => {
    const keys = range(100).map(() => bench.key());
    await Promise.all(keys.map((key, n) => bench.set(key, { n })));
    const records = await Promise.all(keys.map((key) => bench.get(key)));
    assert.deepEqual(
      records,
      keys.map((_, n) => ({ n })),
    );
  },
};
