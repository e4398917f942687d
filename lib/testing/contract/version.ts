import assert from 'node:assert/strict';
import { LONG, range } from './bench.js';
import type { Claims, ContractBench } from './bench.js';

/** What `read` and `update` promise. @internal */
export const versionClaims: Claims = {
  'read of a missing key is undefined': async (bench) => {
    assert.equal(await bench.store.read(bench.key(), LONG, {}), undefined);
  },

  'read gives the record, a copy, and a version that reading does not change': async (bench) => {
    const key = bench.key();
    await bench.set(key, { list: [1] });
    const first = await bench.read(key);
    assert.deepEqual(first.record, { list: [1] });
    (first.record as { list: number[] }).list.push(2);
    const second = await bench.read(key);
    assert.deepEqual(second.record, { list: [1] });
    assert.equal(second.version, first.version);
  },

  'read of an expired key is undefined': async (bench) => {
    const key = bench.key();
    await bench.set(key, { user: 1 }, bench.short);
    await bench.pass(bench.short);
    assert.equal(await bench.store.read(key, LONG, {}), undefined);
  },

  'what read says about the end of the lifetime is so': async (bench) => {
    const key = bench.key();
    const before = Date.now();
    await bench.set(key, { user: 1 }, LONG);
    const { expires } = (await bench.store.read(key, LONG, {})) ?? {};
    if (expires === undefined) return;
    assert.ok(expires > before + LONG - 5_000, 'expires is too early');
    assert.ok(expires < Date.now() + LONG + 5_000, 'expires is too late');
  },

  'update with the version that was read replaces the record and gives the new version': async (
    bench,
  ) => {
    const key = bench.key();
    await bench.set(key, { n: 1, old: true });
    const { version } = await bench.read(key);
    const result = await bench.store.update(key, version, { n: 2 }, LONG, {});
    assert.equal(result.status, 'ok');
    const after = await bench.read(key);
    assert.deepEqual(after.record, { n: 2 });
    assert.notEqual(after.version, version);
    assert.equal(result.status === 'ok' && result.version, after.version);
  },

  'update gives the record a new lifetime': async (bench) => {
    const key = bench.key();
    await bench.set(key, { n: 1 });
    const { version } = await bench.read(key);
    await bench.store.update(key, version, { n: 2 }, bench.short, {});
    await bench.pass(bench.short);
    await bench.assertMissing(key, 'the lifetime given to update is over');
  },

  'update with an old version is a conflict, changes nothing and says what is there': async (
    bench,
  ) => {
    const key = bench.key();
    await bench.set(key, { n: 1 });
    const { version } = await bench.read(key);
    await bench.set(key, { n: 2 });
    const now = await bench.read(key);
    assert.notEqual(now.version, version, 'set gives a new version');
    const result = await bench.store.update(key, version, { n: 3 }, LONG, {});
    assert.equal(result.status, 'conflict');
    if (result.status === 'conflict') {
      assert.deepEqual(result.record, { n: 2 });
      assert.equal(result.version, now.version);
    }
    assert.deepEqual(await bench.get(key), { n: 2 });
  },

  'update of a missing key is "gone" and creates nothing': async (bench) => {
    const [key, other] = [bench.key(), bench.key()];
    await bench.set(other, { n: 1 });
    const { version } = await bench.read(other);
    const result = await bench.store.update(key, version, { n: 2 }, LONG, {});
    assert.deepEqual(result, { status: 'gone' });
    await bench.assertMissing(key, 'update must not create');
  },

  'update of a destroyed key is "gone", and the key stays gone': async (bench) => {
    const key = bench.key();
    await bench.set(key, { user: 1 });
    const { version } = await bench.read(key);
    await bench.store.destroy(key, {});
    const result = await bench.store.update(key, version, { user: 1, late: true }, LONG, {});
    assert.deepEqual(result, { status: 'gone' });
    await bench.assertMissing(key, 'a late write brought the session back');
  },

  'update of an expired key is "gone"': async (bench) => {
    const key = bench.key();
    let version: string | number = '';
    const lifetime = await bench.within(async (short) => {
      await bench.set(key, { user: 1 }, short);
      version = (await bench.read(key)).version;
    });
    await bench.pass(lifetime);
    const result = await bench.store.update(key, version, { user: 1 }, LONG, {});
    assert.deepEqual(result, { status: 'gone' });
    await bench.assertMissing(key, 'a late write brought the session back');
  },

  'a version does not come back with a key that is destroyed and made anew': async (bench) => {
    const key = bench.key();
    await bench.set(key, { user: 'first' });
    const { version } = await bench.read(key);
    await bench.store.destroy(key, {});
    await bench.set(key, { user: 'second' });
    const result = await bench.store.update(key, version, { user: 'first' }, LONG, {});
    assert.equal(result.status, 'conflict');
    assert.deepEqual(await bench.get(key), { user: 'second' });
  },

  'of 100 parallel updates of one version, exactly one succeeds': async (bench) => {
    const key = bench.key();
    await bench.set(key, { n: -1 });
    const { version } = await bench.read(key);
    const results = await Promise.all(
      range(100).map((n) =>
        bench.store.update(key, version, { n }, LONG, { writeId: `parallel-${key}-${n}` }),
      ),
    );
    const winners = results.filter(({ status }) => status === 'ok');
    assert.equal(winners.length, 1);
    const winner = results.findIndex(({ status }) => status === 'ok');
    assert.deepEqual(await bench.get(key), { n: winner });
    for (const result of results) {
      if (result.status === 'ok') continue;
      assert.equal(result.status, 'conflict');
      if (result.status === 'conflict') assert.deepEqual(result.record, { n: winner });
    }
  },

  '20 parallel writers that try again on a conflict lose no write': async (bench) => {
    const key = bench.key();
    await bench.set(key, { count: 0 });
    await Promise.all(range(20).map((n) => increment(bench, key, n)));
    const { record } = await bench.read(key);
    assert.deepEqual(
      Object.keys(record).sort(),
      ['count', ...range(20).map((n) => `writer${n}`)].sort(),
    );
    assert.equal(record['count'], 20);
  },

  'whichever of a parallel update and destroy comes first, the record is gone': async (bench) => {
    for (const round of range(30)) {
      const key = bench.key();
      await bench.set(key, { user: 1 });
      const { version } = await bench.read(key);
      const update = () => bench.store.update(key, version, { user: 1, round }, LONG, {});
      const destroy = () => bench.store.destroy(key, {});
      const calls = round % 2 === 0 ? [update, destroy] : [destroy, update];
      await Promise.all(calls.map((call) => call()));
      await bench.assertMissing(key, `round ${round}: a write outlived the logout`);
    }
  },

  'an update sent twice with one write id is no conflict': async (bench) => {
    const key = bench.key();
    await bench.set(key, { n: 1 });
    const { version } = await bench.read(key);
    const send = () =>
      bench.store.update(key, version, { n: 2 }, LONG, { changed: true, writeId: `once-${key}` });
    const first = await send();
    assert.equal(first.status, 'ok');
    assert.deepEqual(await send(), first);
    assert.deepEqual(await bench.get(key), { n: 2 });
  },

  'an update sent again after somebody else wrote is a conflict': async (bench) => {
    const key = bench.key();
    await bench.set(key, { n: 1 });
    const { version } = await bench.read(key);
    const send = () =>
      bench.store.update(key, version, { n: 2 }, LONG, { changed: true, writeId: `late-${key}` });
    await send();
    await bench.set(key, { n: 3 });
    assert.equal((await send()).status, 'conflict');
    assert.deepEqual(await bench.get(key), { n: 3 });
  },

  'an update sent again after the logout is "gone"': async (bench) => {
    const key = bench.key();
    await bench.set(key, { n: 1 });
    const { version } = await bench.read(key);
    const send = () =>
      bench.store.update(key, version, { n: 2 }, LONG, { changed: true, writeId: `gone-${key}` });
    await send();
    await bench.store.destroy(key, {});
    assert.deepEqual(await send(), { status: 'gone' });
    await bench.assertMissing(key, 'a repeated write brought the session back');
  },
};

async function increment(bench: ContractBench, key: string, writer: number): Promise<void> {
  let current = await bench.read(key);
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const record = {
      ...current.record,
      count: (current.record['count'] as number) + 1,
      [`writer${writer}`]: true,
    };
    const writeId = `${key}-${writer}-${attempt}`;
    const result = await bench.store.update(key, current.version, record, LONG, { writeId });
    if (result.status === 'ok') return;
    assert.equal(result.status, 'conflict');
    if (result.status === 'conflict') current = result;
  }
  assert.fail('1,000 conflicts in a row');
}
