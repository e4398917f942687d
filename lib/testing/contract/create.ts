import assert from 'node:assert/strict';
import { LONG, range } from './bench.js';
import type { Claims } from './bench.js';

/** What `create` promises. @internal */
export const createClaims: Claims = {
  'create keeps a record under a free key': async (bench) => {
    const key = bench.key();
    assert.equal(await bench.create(key, { user: 1 }), true);
    assert.deepEqual(await bench.get(key), { user: 1 });
  },

  'create never overwrites': async (bench) => {
    const key = bench.key();
    await bench.set(key, { user: 'first' });
    assert.equal(await bench.create(key, { user: 'second' }), false);
    assert.deepEqual(await bench.get(key), { user: 'first' });
  },

  'of 100 parallel creations of one key, exactly one succeeds, and its record stays': async (
    bench,
  ) => {
    const key = bench.key();
    const results = await Promise.all(range(100).map((n) => bench.create(key, { n })));
    assert.equal(results.filter(Boolean).length, 1);
    assert.deepEqual(await bench.get(key), { n: results.indexOf(true) });
  },

  'an expired or destroyed key is free': async (bench) => {
    const [expired, destroyed] = [bench.key(), bench.key()];
    await bench.create(expired, { n: 1 }, bench.short);
    await bench.create(destroyed, { n: 1 });
    await bench.store.destroy(destroyed, {});
    assert.equal(await bench.create(destroyed, { n: 2 }), true);
    await bench.pass(bench.short);
    assert.equal(await bench.create(expired, { n: 2 }), true);
    assert.deepEqual(await bench.get(expired), { n: 2 });
  },

  'create gives the record its lifetime': async (bench) => {
    const key = bench.key();
    await bench.create(key, { user: 1 }, bench.short);
    await bench.pass(bench.short);
    await bench.assertMissing(key, 'the lifetime given to create is over');
  },

  'create keeps no reference to the record': async (bench) => {
    const key = bench.key();
    const record = { list: [1] };
    await bench.create(key, record);
    record.list.push(2);
    assert.deepEqual(await bench.get(key), { list: [1] });
  },

  'a creation sent twice with one write id is answered as the first': async (bench) => {
    const key = bench.key();
    const send = (writeId: string, n: number) =>
      bench.store.create(key, { n }, LONG, { changed: true, writeId });
    assert.equal(await send('write-one', 1), true);
    assert.equal(await send('write-one', 1), true);
    assert.equal(await send('write-two', 2), false);
    assert.deepEqual(await bench.get(key), { n: 1 });
  },
};
