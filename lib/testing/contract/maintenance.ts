import assert from 'node:assert/strict';
import { isOwnedStore } from '../../session/store.js';
import { range } from './bench.js';
import type { Claims } from './bench.js';

/** What `clear` promises. @internal */
export const clearClaims: Claims = {
  'clear ends every session, and the store works on': async (bench) => {
    const owner = `cleared-${bench.key()}`;
    const keys = range(30).map(() => bench.key());
    await Promise.all(keys.map((key) => bench.set(key, { _owner: owner })));
    await bench.store.clear();
    for (const key of keys) await bench.assertMissing(key, 'the store was cleared');
    if (isOwnedStore(bench.store)) assert.deepEqual(await bench.store.listByOwner(owner), []);
    const key = bench.key();
    await bench.set(key, { n: 1 });
    assert.deepEqual(await bench.get(key), { n: 1 });
  },

  'clear of an empty store is no error': async (bench) => {
    await bench.store.clear();
    await bench.store.clear();
  },
};

/** What `prune` promises. @internal */
export const pruneClaims: Claims = {
  'prune removes expired records, says how many, and leaves the others': async (bench) => {
    const alive = bench.key();
    await bench.set(alive, { alive: true });
    for (const _ of range(7)) await bench.set(bench.key(), { alive: false }, bench.short);
    await bench.pass(bench.short);
    const removed = await bench.store.prune();
    assert.ok(removed <= 7, `prune removed ${removed} of 7`);
    assert.equal(await bench.store.prune(), 0);
    assert.deepEqual(await bench.get(alive), { alive: true });
  },

  'parallel calls of prune count no record twice': async (bench) => {
    for (const _ of range(7)) await bench.set(bench.key(), { alive: false }, bench.short);
    await bench.pass(bench.short);
    const counts = await Promise.all(range(4).map(() => bench.store.prune()));
    const sum = counts.reduce((total, count) => total + count, 0);
    assert.ok(sum <= 7, `four parallel calls removed ${sum} of 7`);
  },
};

/** What `close` promises. @internal */
export const closeClaims: Claims = {
  'a second close does nothing': async (bench) => {
    await bench.store.close();
    await bench.store.close();
  },
};
