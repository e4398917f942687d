import fc from 'fast-check';
import { MemoryStore } from '../../lib/stores/memory.js';
import { ours, theirs } from './engines.js';
import type { Op } from './steps.js';
import { clock, Host } from './host.js';
import { type LooseContext, PLAIN, type Setup, World } from './world.js';

/** A user behind a load balancer with servers of both engines. */
interface Visit {
  server: 'koa-session' | 'here';
  ops: Op[];
  waits: number;
}

const key = fc.constantFrom('user', 'cart', 'views', '0', 'ünïcode');
const value = fc
  .jsonValue({ maxDepth: 2, stringUnit: 'binary' })
  .map((any) => JSON.parse(JSON.stringify(any)) as unknown)
  .filter((any) => JSON.stringify(any).length < 300);

const EDITS: ReadonlySet<Op['do']> = new Set<Op['do']>(['set', 'delete', 'replace']);

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), key, value }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  {
    weight: 1,
    arbitrary: fc
      .dictionary(key, value, { maxKeys: 3, noNullPrototype: true })
      .map((data): Op => ({ do: 'replace', value: data })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('save' as const, 'regenerate' as const, 'commit' as const)
      .map((what): Op => ({ do: what })),
  },
  { weight: 1, arbitrary: fc.constant<Op>({ do: 'maxAge', value: 7_200_000 }) },
  { weight: 1, arbitrary: fc.constant<Op>({ do: 'throw', status: 418 }) },
);

const visits: fc.Arbitrary<Visit[]> = fc.array(
  fc.record({
    server: fc.constantFrom('koa-session' as const, 'here' as const),
    // koa-session itself loses a change that is taken back after save(): edits come first here.
    ops: fc
      .array(op, { maxLength: 4 })
      .map((ops) => [
        ...ops.filter(({ do: what }) => EDITS.has(what)),
        ...ops.filter(({ do: what }) => !EDITS.has(what)),
      ]),
    waits: fc.constantFrom(0, 1000, 300_000),
  }),
  { minLength: 2, maxLength: 10 },
);

const setup = fc.record({
  rolling: fc.boolean(),
  renew: fc.boolean(),
  maxAge: fc.constantFrom(undefined, 3_600_000, 'session' as const),
});

/** What the user's session holds after `ops`: a plain object is the model. */
function expected(data: Record<string, unknown>, ops: readonly Op[]): Record<string, unknown> {
  let model = { ...data };
  for (const each of ops) {
    if (each.do === 'set') model[each.key] = each.value;
    if (each.do === 'delete') delete model[each.key];
    if (each.do === 'replace') model = { ...(each.value as object) };
    if (each.do === 'throw') break;
  }
  return model;
}

describe('a rolling migration from koa-session, and back', () => {
  const host = new Host();

  beforeAll(async () => {
    await host.open();
    clock.freeze();
  });

  afterAll(async () => {
    clock.release();
    await host.close();
  });

  const stores = {
    'in cookies': (): Partial<Setup> => ({ backing: 'cookie' }),
    "over one store with koa-session's methods": (): Partial<Setup> => ({ backing: 'store' }),
    'over one store that can do more': (): Partial<Setup> => ({
      backing: 'cookie',
      options: { store: new MemoryStore() },
    }),
  };

  it.each(Object.entries(stores))('loses no value %s', async (_name, backing) => {
    const law = fc.asyncProperty(setup, visits, async (options, journey) => {
      const shared = { records: new Map<string, string>(), jar: new Map<string, string>() };
      const base = backing();
      const both: Setup = {
        ...PLAIN,
        ...base,
        options: { ...base.options, ...options, ...(options.maxAge ? {} : { maxAge: 86_400_000 }) },
        genid: 'default',
        catches: true,
      };
      const servers = {
        'koa-session': new World(theirs, both, host, shared),
        here: new World(ours, both, host, shared),
      };
      let model: Record<string, unknown> = {};
      for (const { server, ops, waits } of journey) {
        const seen: unknown[] = [];
        const look = ({ session }: LooseContext): unknown => seen.push({ ...session.toJSON() });
        await servers[server].visit(look);
        expect(seen).toEqual([model]);
        // In cookies, emptying a session nobody read does nothing, in koa-session and here: read it.
        await servers[server].request([{ do: 'read' }, ...ops]);
        model = expected(model, ops);
        clock.now += waits;
      }
    });
    await fc.assert(law, { numRuns: Number(process.env.MIGRATION_RUNS ?? 300) });
  });

  it.each(['koa-session', 'here'] as const)('a logout on %s is one on both', async (place) => {
    const shared = { records: new Map<string, string>(), jar: new Map<string, string>() };
    const both: Setup = { ...PLAIN, backing: 'store', genid: 'default' };
    const servers = {
      'koa-session': new World(theirs, both, host, shared),
      here: new World(ours, both, host, shared),
    };
    const other = place === 'here' ? 'koa-session' : 'here';
    await servers[other].request([{ do: 'set', key: 'user', value: 'alice' }]);
    const stolen = new Map(shared.jar);
    await servers[place].request([{ do: 'replace', value: null }]);
    expect([...shared.records]).toEqual([]);
    for (const [name, text] of stolen) shared.jar.set(name, text);
    const { seen } = await servers[other].request([{ do: 'read' }]);
    expect(seen).toMatchObject([{ isNew: true, data: {} }]);
  });
});
