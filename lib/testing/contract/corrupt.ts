import assert from 'node:assert/strict';
import { isVersionedStore } from '../../session/store.js';
import { LONG } from './bench.js';
import type { Claims } from './bench.js';

/** What a store does with what it cannot read. @internal */
export const corruptClaims: Claims = {
  'what is stored but is no record reads as missing': async (bench) => {
    const key = bench.key();
    await bench.corrupt(key);
    await bench.assertMissing(key, 'a corrupt record');
    if (isVersionedStore(bench.store)) {
      assert.equal(await bench.store.read(key, LONG, {}), undefined);
    }
    await bench.store.destroy(key, {});
  },

  'set and destroy work on what is stored but is no record': async (bench) => {
    const [written, destroyed] = [bench.key(), bench.key()];
    await bench.corrupt(written);
    await bench.set(written, { fresh: true });
    assert.deepEqual(await bench.get(written), { fresh: true });
    await bench.corrupt(destroyed);
    await bench.store.destroy(destroyed, {});
    await bench.set(destroyed, { fresh: true });
    assert.deepEqual(await bench.get(destroyed), { fresh: true });
  },

  'a record that was corrupted meanwhile is "gone" for update': async (bench) => {
    if (!isVersionedStore(bench.store)) return;
    const key = bench.key();
    await bench.set(key, { n: 1 });
    const { version } = await bench.read(key);
    await bench.corrupt(key);
    assert.deepEqual(await bench.store.update(key, version, { n: 2 }, LONG, {}), {
      status: 'gone',
    });
    await bench.store.destroy(key, {});
  },
};
