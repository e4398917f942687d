import { MemoryStore } from '../../lib/stores/memory.js';
import { noting } from '../support/noting-store.js';
import type { Lab, Scenario } from './lab.js';
import { failingStore } from './agreements.js';
import type { Op } from './steps.js';
import type { Exchange, World } from './world.js';

const SET: Op = { do: 'set', key: 'a', value: 1 };
const REMOVE: Op = { do: 'replace', value: null };

/** The names of the calls that a request made. */
export function calls({ calls: all }: Exchange): unknown[] {
  return (all as unknown[][]).map(([name, key]) =>
    typeof key === 'string' ? `${String(name)} ${key}` : name,
  );
}

/** Where the engines differ in what they write, and in how they use a store. */
export const DIFFERENT_WRITES: readonly Scenario[] = [
  {
    name: 'a value changes to another with the same CRC-32',
    differs: { id: 'exact-change-detection', koaSession: ['v7zlyhppv'], here: ['ve9efd2b9'] },
    run: async (lab) => {
      const world = lab.world({ backing: 'store' });
      await world.request([{ do: 'set', key: 'v', value: 'v7zlyhppv' }]);
      await world.request([{ do: 'set', key: 'v', value: 've9efd2b9' }]);
      return stored(world).map(({ v }) => v);
    },
  },
  {
    name: 'a request saves, and ends',
    differs: { id: 'no-second-write', koaSession: ['set id1', 'set id1'], here: ['set id1'] },
    run: async (lab) => {
      const world = lab.world({ backing: 'store' });
      return calls(await world.request([SET, { do: 'save' }])).slice(1);
    },
  },
  {
    name: 'a request saves a change, then takes it back',
    differs: { id: 'no-second-write', koaSession: [2], here: [1] },
    run: async (lab) => {
      const world = lab.world({ backing: 'store' });
      await world.request([SET]);
      await world.request([{ do: 'set', key: 'a', value: 2 }, { do: 'save' }, SET]);
      return stored(world).map(({ a }) => a);
    },
  },
  {
    name: 'a removal is committed by hand',
    differs: {
      id: 'removed-once',
      koaSession: ['get id1', 'destroy id1', 'destroy id1'],
      here: ['get id1', 'destroy id1'],
    },
    run: async (lab) => {
      const world = lab.world({ backing: 'store' });
      await world.request([SET]);
      return calls(await world.request([{ do: 'hold' }, REMOVE, { do: 'held.save' }]));
    },
  },
  {
    name: 'an equal session follows one that was removed by hand',
    differs: { id: 'removed-once', koaSession: [], here: [{ a: 1 }] },
    run: async (lab) => {
      const world = lab.world({ backing: 'store' });
      await world.request([SET]);
      const again: Op = { do: 'replace', value: { a: 1 } };
      await world.request([{ do: 'hold' }, REMOVE, { do: 'held.save' }, again]);
      return stored(world).map(({ a }) => ({ a }));
    },
  },
  {
    name: "a session with maxAge 'session' is saved twice in one request",
    differs: {
      id: 'session-max-age-holds',
      koaSession: [{ a: 2, _expire: 1_700_086_400_000, _maxAge: 86_400_000 }],
      here: [{ a: 2, _session: true }],
    },
    run: async (lab) => {
      const world = lab.world({ backing: 'store', options: { maxAge: 'session' } });
      await world.request([SET, { do: 'save' }, { do: 'set', key: 'a', value: 2 }]);
      return stored(world);
    },
  },
  {
    name: 'a handler sets maxAge to what is no lifetime',
    differs: {
      id: 'unusable-max-age-refused',
      koaSession: [
        [500, 'text'],
        [500, null],
        [500, 86_400_000],
        [500, [1]],
        [200, 9e15],
      ],
      here: Array(5).fill([200, 86_400_000]),
    },
    run: async (lab) => {
      const answers = [];
      for (const maxAge of ['text', Infinity, NaN, [1], 9e15]) {
        const world = lab.world({ backing: 'store' });
        await world.request([SET]);
        const { status } = await world.visit(({ session }) => (session.maxAge = maxAge));
        answers.push([status, stored(world)[0]?._maxAge]);
      }
      return answers;
    },
  },
  {
    name: 'the order of calls when a session gets a new id',
    differs: {
      id: 'regenerate-writes-first',
      koaSession: ['get id1', 'destroy id1', 'genid id2', 'beforeSave', 'set id2'],
      here: ['get id1', 'beforeSave', 'genid id2', 'set id2', 'destroy id1'],
    },
    run: async (lab) => {
      const hooks = { valid: false, beforeSave: true, codec: false };
      const world = lab.world({ backing: 'store', hooks, options: { autoCommit: false } });
      await world.request([SET, { do: 'save' }]);
      return calls(await world.request([{ do: 'regenerate' }]));
    },
  },
  {
    name: 'the store fails to write while a session gets a new id',
    differs: { id: 'regenerate-writes-first', koaSession: undefined, here: { a: 1 } },
    run: async (lab) => {
      const fails: string[] = [];
      const store = failingStore(fails) as { get(key: string): Promise<object | undefined> };
      const world = lab.world({ options: { store } });
      await world.request([SET]);
      fails.push('set');
      await world.visit(({ session }) => session.regenerate().catch(() => undefined));
      fails.pop();
      const record = (await store.get('id1')) as { a: number } | undefined;
      return record && { a: record.a };
    },
  },
  {
    name: 'a handler asks for the id it regenerated',
    differs: { id: 'regenerate-shows-new-id', koaSession: ['id1', 'id1'], here: ['id1', 'id2'] },
    run: async (lab) => {
      const ids: unknown[] = [];
      await lab.world({ backing: 'store' }).visit(async ({ session }) => {
        ids.push(session.externalKey);
        await session.regenerate();
        ids.push(session.externalKey);
      });
      return ids;
    },
  },
  {
    name: 'a client comes with an expired session, and with one that valid refuses',
    differs: {
      id: 'dead-records-destroyed',
      koaSession: [
        ['get id1', 'genid id2'],
        ['get id3', 'valid', 'genid id4'],
      ],
      here: [
        ['get id1', 'genid id2', 'destroy id1'],
        ['get id3', 'valid', 'genid id4', 'destroy id3'],
      ],
    },
    run: async (lab) => {
      const hooks = { valid: true, beforeSave: false, codec: false };
      const world = lab.world({ backing: 'store', hooks });
      await world.request([SET]);
      await world.take({ step: 'wait', ms: 86_400_001 });
      const expired = await world.request([]);
      await world.request([{ do: 'set', key: 'bad', value: 1 }]);
      return [calls(expired), calls(await world.request([]))];
    },
  },
  {
    name: 'a session whose id travels by other means is removed',
    differs: {
      id: 'carrier-told-of-removal',
      koaSession: [['externalKey.get id1', 'get id1', 'destroy id1'], 2],
      here: [['externalKey.get id1', 'get id1', 'destroy id1', 'externalKey.set'], 0],
    },
    run: async (lab) => {
      const world = lab.world({ backing: 'store', external: true });
      await world.request([SET]);
      const answer = await world.request([REMOVE]);
      return [calls(answer).map((call) => String(call).trim()), answer.setCookie.length];
    },
  },
  {
    name: 'genid gives an empty id, or none',
    differs: {
      id: 'empty-ids-refused',
      koaSession: [
        [200, 0, 2],
        [200, 0, 2],
      ],
      here: [
        [500, 0, 0],
        [500, 0, 0],
      ],
    },
    run: async (lab) => {
      const answers: unknown[] = [];
      for (const id of ['', undefined]) {
        const world = lab.world({ backing: 'store', options: { genid: () => id } });
        const answer = await world.request([SET]);
        answers.push([answer.status, calls(answer).length, answer.setCookie.length]);
      }
      return answers;
    },
  },
  {
    name: 'a client comes with ids that nobody made',
    differs: { id: 'malformed-ids-refused', koaSession: [1, 1, 1], here: [0, 0, 1] },
    run: async (lab) => {
      const asked: number[] = [];
      for (const id of ['x'.repeat(5000), 'a b', 'plausible']) {
        const world = lab.world({ backing: 'store', options: { signed: false } });
        world.jar.set('koa.sess', id);
        const made = calls(await world.request([]));
        asked.push(made.filter((call) => String(call).startsWith('get')).length);
      }
      return asked;
    },
  },
  {
    name: 'a store can do more than get, set and destroy',
    differs: {
      id: 'store-powers',
      koaSession: ['set', 'get', 'set', 'get', 'destroy'],
      here: ['create', 'read', 'update', 'read', 'update', 'destroy'],
    },
    run: async (lab) => {
      const used: string[] = [];
      const world = lab.world({
        options: { store: noting(new MemoryStore(), used), genid: uuids() },
      });
      await world.request([SET]);
      await world.request([{ do: 'set', key: 'a', value: 2 }]);
      await world.request([REMOVE]);
      return used;
    },
  },
  {
    name: 'the store cannot be read',
    differs: {
      id: 'store-failure-is-told',
      koaSession: [
        [500, undefined, 'Internal Server Error'],
        [500, undefined, 'Internal Server Error'],
      ],
      here: [
        [200, undefined, 'ok'],
        [503, '1', 'Service Unavailable'],
      ],
    },
    run: (lab) => withFailing(lab, 'get', [], [{ do: 'read' }]),
  },
  {
    name: 'the store cannot be written',
    differs: {
      id: 'store-failure-is-told',
      koaSession: [[500, undefined, 'Internal Server Error']],
      here: [[503, '1', 'Service Unavailable']],
    },
    run: (lab) => withFailing(lab, 'set', [{ do: 'set', key: 'a', value: 2 }]),
  },
  {
    name: 'the store gives no answer',
    differs: { id: 'store-timeout', koaSession: 'waits', here: 503 },
    run: async (lab) => {
      let release: (nothing?: undefined) => void = () => undefined;
      const hangs = new Promise((resolve) => (release = resolve));
      const store = { ...failingStore([]), get: () => hangs };
      const world = lab.world({ options: { store, storeTimeout: 20 } });
      await world.request([SET]);
      const answer = world.request([{ do: 'read' }]).then(({ status }) => status);
      // koa-session never answers: ten times the deadline shows it as well as an hour would.
      const waited = new Promise((resolve) => setTimeout(resolve, 200, 'waits'));
      const first = await Promise.race([answer, waited]);
      release();
      await answer;
      return first;
    },
  },
  {
    name: 'valid is async, and refuses',
    differs: { id: 'async-hooks', koaSession: 1, here: 0 },
    run: async (lab) => {
      const world = lab.world({ backing: 'store', options: { valid: () => later(false) } });
      await world.request([SET]);
      return ((await world.request([{ do: 'read' }])).seen[0] as { length: number }).length;
    },
  },
  {
    name: 'genid is async',
    differs: { id: 'async-hooks', koaSession: '[object Promise]', here: 'id' },
    run: async (lab) => {
      const options = { genid: () => later('id'), signed: false };
      const world = lab.world({ backing: 'store', options });
      await world.request([SET]);
      return world.jar.get('koa.sess');
    },
  },
  {
    name: 'beforeSave is async',
    differs: { id: 'async-hooks', koaSession: [undefined], here: [true] },
    run: async (lab) => {
      const beforeSave = async (_ctx: unknown, session: Record<string, unknown>): Promise<void> => {
        await later(1);
        session.late = true;
      };
      const world = lab.world({ backing: 'store', options: { beforeSave } });
      await world.request([SET]);
      return stored(world).map(({ late }) => late);
    },
  },
  {
    name: 'encode is async',
    differs: { id: 'async-hooks', koaSession: '[object Promise]', here: 'encoded' },
    run: async (lab) => {
      const world = lab.world({ options: { encode: () => later('encoded'), signed: false } });
      await world.request([SET]);
      return world.jar.get('koa.sess');
    },
  },
  {
    name: 'externalKey is async',
    differs: { id: 'async-hooks', koaSession: [0, 0], here: [0, 1] },
    run: async (lab) => {
      let carried: string | undefined;
      const externalKey = {
        get: () => later(carried),
        set: (_ctx: unknown, key: string) => later(key).then(() => void (carried = key)),
      };
      const world = lab.world({ backing: 'store', options: { externalKey } });
      const lengths = [];
      for (const ops of [[{ do: 'read' }, SET], [{ do: 'read' }]] satisfies Op[][]) {
        lengths.push(((await world.request(ops)).seen[0] as { length: number }).length);
      }
      return lengths;
    },
  },
  {
    name: 'decode is async',
    differs: { id: 'async-hooks', koaSession: 0, here: 1 },
    run: async (lab) => {
      const decode = (): Promise<object> => later({ a: 1 });
      const world = lab.world({ options: { decode, load: 'eager', signed: false } });
      world.jar.set('koa.sess', 'any');
      return ((await world.request([{ do: 'read' }])).seen[0] as { length: number }).length;
    },
  },
];

function stored(world: World): Record<string, unknown>[] {
  return [...world.records.values()].map((text) => JSON.parse(text) as Record<string, unknown>);
}

function uuids(): () => string {
  let next = 0;
  return () => `00000000-0000-4000-8000-${String(++next).padStart(12, '0')}`;
}

async function withFailing(lab: Lab, name: string, ...requests: Op[][]): Promise<unknown> {
  const fails: string[] = [];
  const world = lab.world({ options: { store: failingStore(fails) } });
  await world.request([SET]);
  fails.push(name);
  const answers = [];
  for (const ops of requests) {
    const { status, body } = await world.request(ops);
    answers.push([status, world.headers['retry-after'], body]);
  }
  return answers;
}

function later<T>(value: T): Promise<T> {
  return Promise.resolve(value);
}
