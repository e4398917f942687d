import assert from 'node:assert/strict';
import { isCreatingStore, isTouchingStore, isVersionedStore } from '../../session/store.js';
import { LONG, range } from './bench.js';
import type { Claims, ContractBench } from './bench.js';

let owners = 0;

/** What `listByOwner` and `destroyByOwner` promise. @internal */
export const ownerClaims: Claims = {
  'the sessions of an owner are listed with their records': async (bench) => {
    const [alice, bob] = [newOwner('alice'), newOwner('bob')];
    const [one, two, other] = [bench.key(), bench.key(), bench.key()];
    await bench.set(one, { n: 1, _owner: alice });
    await bench.set(two, { n: 2, _owner: alice });
    await bench.set(other, { n: 3, _owner: bob });
    await bench.set(bench.key(), { n: 4 });
    const listed = await bench.store.listByOwner(alice);
    assert.deepEqual(Object.fromEntries(listed.map(({ key, record }) => [key, record])), {
      [one]: { n: 1, _owner: alice },
      [two]: { n: 2, _owner: alice },
    });
    for (const { expires } of listed) {
      if (expires !== undefined) assert.ok(Math.abs(expires - Date.now() - LONG) < 10_000);
    }
    assert.equal(await bench.store.destroyByOwner(bob), 1);
    assert.equal(await bench.store.destroyByOwner(alice), 2);
  },

  'an owner without sessions has an empty list, and none to end': async (bench) => {
    const nobody = newOwner('nobody');
    assert.deepEqual(await bench.store.listByOwner(nobody), []);
    assert.equal(await bench.store.destroyByOwner(nobody), 0);
  },

  'owners are apart by every character, letter case included': async (bench) => {
    const base = newOwner('o*{}');
    const names = [base, base.toUpperCase(), `${base} `, `${base}:x`, `${base}\u00e9`];
    const keys = names.map(() => bench.key());
    for (const [n, name] of names.entries()) await bench.set(keys[n] as string, { _owner: name });
    for (const [n, name] of names.entries()) {
      assert.deepEqual(await listed(bench, name), [keys[n]]);
    }
    for (const name of names) assert.equal(await bench.store.destroyByOwner(name), 1);
  },

  'all sessions of an owner end in one call, and those of others stay': async (bench) => {
    const [alice, bob] = [newOwner('alice'), newOwner('bob')];
    const keys = range(12).map(() => bench.key());
    const other = bench.key();
    await Promise.all(keys.map((key) => bench.set(key, { _owner: alice })));
    await bench.set(other, { _owner: bob });
    assert.equal(await bench.store.destroyByOwner(alice), 12);
    for (const key of keys) await bench.assertMissing(key, 'its owner was logged out');
    assert.deepEqual(await bench.store.listByOwner(alice), []);
    assert.deepEqual(await bench.get(other), { _owner: bob });
    await bench.store.destroy(other, {});
  },

  'the sessions listed as exceptions stay': async (bench) => {
    const alice = newOwner('alice');
    const keys = range(4).map(() => bench.key()) as [string, string, string, string];
    for (const key of keys) await bench.set(key, { _owner: alice });
    const except = [keys[0], keys[2], bench.key()];
    assert.equal(await bench.store.destroyByOwner(alice, { except }), 2);
    assert.deepEqual(await listed(bench, alice), [keys[0], keys[2]].sort());
    await bench.assertMissing(keys[1], 'not an exception');
    assert.equal(await bench.store.destroyByOwner(alice, { except: [] }), 2);
  },

  'a record that gets, changes or loses its owner is listed accordingly': async (bench) => {
    const [alice, bob] = [newOwner('alice'), newOwner('bob')];
    const key = bench.key();
    await bench.set(key, { n: 1 });
    const write = async (record: Record<string, unknown>): Promise<void> => {
      if (!isVersionedStore(bench.store)) return bench.set(key, record);
      const { version } = await bench.read(key);
      const { status } = await bench.store.update(key, version, record, LONG, {});
      assert.equal(status, 'ok');
    };
    await write({ n: 2, _owner: alice });
    assert.deepEqual(await listed(bench, alice), [key]);
    await write({ n: 3, _owner: bob });
    assert.deepEqual(await listed(bench, alice), []);
    assert.deepEqual(await listed(bench, bob), [key]);
    assert.equal(await bench.store.destroyByOwner(alice), 0);
    assert.deepEqual(await bench.get(key), { n: 3, _owner: bob });
    await write({ n: 4 });
    assert.deepEqual(await listed(bench, bob), []);
    assert.equal(await bench.store.destroyByOwner(bob), 0);
    assert.deepEqual(await bench.get(key), { n: 4 });
  },

  'a created record is listed': async (bench) => {
    if (!isCreatingStore(bench.store)) return;
    const alice = newOwner('alice');
    const key = bench.key();
    await bench.create(key, { _owner: alice });
    assert.deepEqual(await listed(bench, alice), [key]);
    assert.equal(await bench.store.destroyByOwner(alice), 1);
  },

  'destroyed and expired sessions are not listed': async (bench) => {
    const alice = newOwner('alice');
    const [destroyed, expired, alive] = [bench.key(), bench.key(), bench.key()];
    await bench.set(destroyed, { _owner: alice });
    await bench.set(expired, { _owner: alice }, bench.short);
    await bench.set(alive, { _owner: alice });
    await bench.store.destroy(destroyed, {});
    await bench.pass(bench.short);
    assert.deepEqual(await listed(bench, alice), [alive]);
    assert.equal(await bench.store.destroyByOwner(alice), 1);
  },

  'a touched session is listed after the end of its first lifetime': async (bench) => {
    if (!isTouchingStore(bench.store)) return;
    const alice = newOwner('alice');
    const key = bench.key();
    const lifetime = await bench.within(async (short) => {
      await bench.set(key, { _owner: alice }, short);
      assert.equal(await bench.store.touch(key, LONG, {}), true);
    });
    await bench.pass(lifetime * 3);
    assert.deepEqual(await listed(bench, alice), [key]);
    assert.equal(await bench.store.destroyByOwner(alice), 1);
  },

  'a session that is moved to another key meanwhile ends, too': async (bench) => {
    if (!isVersionedStore(bench.store) || !isCreatingStore(bench.store)) return;
    for (let round = 0; round < 20; round++) {
      const owner = newOwner('alice');
      const [from, to] = [bench.key(), bench.key()];
      await bench.set(from, { _owner: owner });
      const { version } = await bench.read(from);
      const move = async () => {
        await bench.create(to, { _owner: owner });
        const { status } = await bench.store.update(from, version, { movedTo: to }, LONG, {});
        if (status !== 'ok') await bench.store.destroy(to, {});
      };
      await Promise.all([bench.store.destroyByOwner(owner), move()]);
      assert.deepEqual(await bench.store.listByOwner(owner), [], `round ${round}`);
    }
  },

  'parallel sessions of one owner are all listed, and all end': async (bench) => {
    const alice = newOwner('alice');
    const keys = range(50).map(() => bench.key());
    await Promise.all(keys.map((key) => bench.set(key, { _owner: alice })));
    assert.deepEqual(await listed(bench, alice), [...keys].sort());
    assert.equal(await bench.store.destroyByOwner(alice), 50);
  },

  'an update that comes after its owner was logged out is "gone"': async (bench) => {
    if (!isVersionedStore(bench.store)) return;
    const alice = newOwner('alice');
    const key = bench.key();
    await bench.set(key, { _owner: alice });
    const { version } = await bench.read(key);
    await bench.store.destroyByOwner(alice);
    const result = await bench.store.update(key, version, { _owner: alice }, LONG, {});
    assert.deepEqual(result, { status: 'gone' });
    assert.deepEqual(await bench.store.listByOwner(alice), []);
  },
};

function newOwner(name: string): string {
  return `${name}-${process.pid}-${Date.now().toString(36)}-${++owners}`;
}

async function listed(bench: ContractBench, owner: string): Promise<string[]> {
  return (await bench.store.listByOwner(owner)).map(({ key }) => key).sort();
}
