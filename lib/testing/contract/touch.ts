import assert from 'node:assert/strict';
import { LONG } from './bench.js';
import type { Claims } from './bench.js';
import { isVersionedStore } from '../../session/store.js';
import type { VersionedRecord } from '../../session/store.js';

/** What `touch`, and `read` with `touch`, promise. @internal */
export const touchClaims: Claims = {
  'touch prolongs the life of a record': async (bench) => {
    const key = bench.key();
    const lifetime = await bench.within(async (short) => {
      await bench.set(key, { user: 1 }, short);
      assert.equal(await bench.store.touch(key, LONG, {}), true);
    });
    await bench.pass(lifetime);
    assert.deepEqual(await bench.get(key), { user: 1 });
  },

  'touch shortens the life of a record': async (bench) => {
    const key = bench.key();
    await bench.set(key, { user: 1 }, LONG);
    await bench.store.touch(key, bench.short, {});
    await bench.pass(bench.short);
    await bench.assertMissing(key, 'the lifetime given to touch is over');
  },

  'touch of a missing key is false and creates nothing': async (bench) => {
    const key = bench.key();
    assert.equal(await bench.store.touch(key, LONG, {}), false);
    await bench.assertMissing(key, 'touch must not create');
    assert.equal(await bench.store.touch(key, 'session', {}), false);
  },

  'touch of a destroyed or expired key is false, and the key stays gone': async (bench) => {
    const [destroyed, expired] = [bench.key(), bench.key()];
    await bench.set(destroyed, { user: 1 });
    await bench.store.destroy(destroyed, {});
    assert.equal(await bench.store.touch(destroyed, LONG, {}), false);
    await bench.set(expired, { user: 1 }, bench.short);
    await bench.pass(bench.short);
    assert.equal(await bench.store.touch(expired, LONG, {}), false);
    await bench.assertMissing(destroyed, 'touch brought a destroyed session back');
    await bench.assertMissing(expired, 'touch brought an expired session back');
  },

  'touch of a record whose _expire is over is false, and does not bring it back': async (bench) => {
    const key = bench.key();
    const over = Date.now() - 1;
    await bench.set(key, { user: 1, _expire: over }, LONG);
    for (const time of ['first', 'second']) {
      assert.equal(await bench.store.touch(key, LONG * 2, {}), false, `the ${time} touch`);
      const expire = (await bench.get(key))?.['_expire'] ?? over;
      assert.ok((expire as number) <= Date.now(), `the ${time} touch brought it back`);
    }
  },

  'a parallel touch does not save a record from destroy': async (bench) => {
    const key = bench.key();
    await bench.set(key, { user: 1 });
    await Promise.all([
      bench.store.touch(key, LONG, {}),
      bench.store.destroy(key, {}),
      bench.store.touch(key, LONG, {}),
    ]);
    await bench.assertMissing(key, 'touch brought a destroyed session back');
  },

  'touch changes no data and no version': async (bench) => {
    const key = bench.key();
    await bench.set(key, { n: 1 });
    const before = isVersionedStore(bench.store) ? await bench.read(key) : undefined;
    await bench.store.touch(key, LONG * 2, {});
    assert.deepEqual(await bench.get(key), { n: 1 });
    if (before === undefined) return;
    const result = await bench.store.update(key, before.version, { n: 2 }, LONG, {});
    assert.equal(result.status, 'ok');
  },

  'the field _expire of a touched record moves by as much as the end of its life': async (
    bench,
  ) => {
    const key = bench.key();
    const start = Date.now();
    await bench.set(key, { user: 1, _expire: start + LONG - 10_000, _maxAge: LONG - 10_000 });
    assert.equal((await bench.get(key))?.['_expire'], start + LONG - 10_000);
    await bench.store.touch(key, LONG * 3, {});
    const touched = await bench.get(key);
    const moved = (touched?.['_expire'] as number) - (start + LONG - 10_000);
    assert.ok(Math.abs(moved - LONG * 2) < 30_000, `_expire moved by ${moved} ms`);
    assert.equal(touched?.['_maxAge'], LONG - 10_000);
  },

  'read with touch prolongs the life of a record': async (bench) => {
    if (!isVersionedStore(bench.store)) return;
    const key = bench.key();
    let first: VersionedRecord | undefined;
    const lifetime = await bench.within(async (short) => {
      await bench.set(key, { user: 1 }, short);
      first = await bench.store.read(key, LONG, { touch: LONG });
      assert.deepEqual(first?.record, { user: 1 });
    });
    await bench.pass(lifetime);
    const second = await bench.store.read(key, LONG, {});
    assert.deepEqual(second?.record, { user: 1 });
    assert.equal(second?.version, first?.version);
    if (first?.expires !== undefined && second?.expires !== undefined) {
      assert.ok(Math.abs(first.expires - second.expires) < 5_000, 'expires is as touched');
    }
  },

  'read with touch "session" prolongs the life of a record': async (bench) => {
    if (!isVersionedStore(bench.store)) return;
    const key = bench.key();
    const lifetime = await bench.within(async (short) => {
      await bench.set(key, { user: 1 }, short);
      assert.ok(await bench.store.read(key, 'session', { touch: 'session' }));
    });
    await bench.pass(lifetime);
    assert.deepEqual(await bench.get(key), { user: 1 });
  },

  'read with touch never shortens the life of a record': async (bench) => {
    if (!isVersionedStore(bench.store)) return;
    const key = bench.key();
    await bench.set(key, { user: 1 }, LONG);
    const found = await bench.store.read(key, LONG, { touch: bench.short });
    assert.deepEqual(found?.record, { user: 1 });
    if (found?.expires !== undefined) {
      assert.ok(found.expires > Date.now() + LONG / 2, 'expires is that of the longer life');
    }
    await bench.pass(bench.short);
    assert.deepEqual(await bench.get(key), { user: 1 });
  },

  'read with touch hands out _expire as it is after the renewal': async (bench) => {
    if (!isVersionedStore(bench.store)) return;
    const key = bench.key();
    const start = Date.now();
    await bench.set(key, { user: 1, _expire: start + LONG - 10_000 });
    const { record } = (await bench.store.read(key, LONG, { touch: LONG * 3 })) ?? {};
    const moved = (record?.['_expire'] as number) - (start + LONG - 10_000);
    assert.ok(Math.abs(moved - LONG * 2) < 30_000, `_expire moved by ${moved} ms`);
  },

  'read with touch does not bring back a record whose _expire is over': async (bench) => {
    if (!isVersionedStore(bench.store)) return;
    const key = bench.key();
    const over = Date.now() - 1;
    await bench.set(key, { user: 1, _expire: over }, LONG);
    for (const time of ['first', 'second']) {
      const found = await bench.store.read(key, LONG, { touch: LONG * 2 });
      const expire = found?.record['_expire'] ?? over;
      assert.ok((expire as number) <= Date.now(), `the ${time} read brought it back`);
    }
  },

  'read with touch of a missing key is undefined and creates nothing': async (bench) => {
    if (!isVersionedStore(bench.store)) return;
    const key = bench.key();
    assert.equal(await bench.store.read(key, LONG, { touch: LONG }), undefined);
    await bench.assertMissing(key, 'read must not create');
  },
};
