import fc from 'fast-check';
import type { CookieTrick, Op, Step } from './steps.js';
import type { Setup } from './world.js';

const MINUTE = 60_000;

const key = fc.constantFrom('a', 'b', 'views', 'bad', '0', 'é', 'update', 'destroy', 'constructor');

const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, 'text', 'ünïcode ☂', '', 1.5) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>([], {}, [1, 'two'], { deep: { er: [{}] } }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

const data = fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true });

const maxAge = fc.constantFrom<number | 'session'>(MINUTE, 2 * MINUTE, 1000, 0, -1, 'session');

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), key, value }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 4, arbitrary: fc.constant<Op>({ do: 'read' }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('replace' as const),
      value: fc.oneof(
        { weight: 3, arbitrary: fc.constant<unknown>(null) },
        { weight: 3, arbitrary: data },
        {
          weight: 1,
          arbitrary: fc.constantFrom<unknown>('text', 5, false, undefined, [1, 2], {
            maxAge: 5 * MINUTE,
            a: 1,
          }),
        },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('maxAge' as const), value: maxAge }) },
  { weight: 1, arbitrary: fc.constant<Op>({ do: 'sessionOptions.maxAge', value: 3 * MINUTE }) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(
        'save' as const,
        'regenerate' as const,
        'manuallyCommit' as const,
        'commit' as const,
        'save with callback' as const,
      )
      .map((what): Op => ({ do: what })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('hold' as const, 'held.save' as const, 'held.manuallyCommit' as const)
      .map((what): Op => ({ do: what })),
  },
  { weight: 1, arbitrary: fc.constant<Op>({ do: 'pause' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(400, 403, 500).map((status): Op => ({ do: 'throw', status })),
  },
);

const cookies: fc.Arbitrary<CookieTrick> = fc.oneof(
  { weight: 20, arbitrary: fc.constant<CookieTrick>('its own') },
  {
    weight: 5,
    arbitrary: fc.constantFrom<CookieTrick>(
      'none',
      'its first',
      'other value',
      'other signature',
      'no signature',
      'no value',
      'garbage',
    ),
  },
);

const rarely = (arbitrary: fc.Arbitrary<Op[]>): fc.Arbitrary<Op[]> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant<Op[]>([]) }, { weight: 1, arbitrary });

const request: fc.Arbitrary<Step> = fc.record({
  step: fc.constant('request' as const),
  before: rarely(fc.array(op, { minLength: 1, maxLength: 2 })),
  ops: fc.array(op, { maxLength: 5 }),
  after: rarely(fc.array(op, { minLength: 1, maxLength: 2 })),
  cookies,
});

/** What a client or a store may come with that no engine wrote. */
const foreign = fc.oneof(
  data,
  fc.constantFrom<unknown>(null, 0, 5, '', 'text', true, false, [], [1, 2], {}),
  fc.record({ a: fc.constant(1), _expire: fc.constantFrom<unknown>(0, 'never', 1e15) }),
  fc.record({ a: fc.constant(1), _maxAge: fc.constantFrom(1000, MINUTE) }),
  fc.record({ a: fc.constant(1), _session: fc.constantFrom(true, false) }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: request },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 999, 29_999, 30_001, 60_001, 86_400_001),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ step: 'rotate keys' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ step: 'lose records' }) },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constant('put record' as const), record: foreign }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constant('forge cookie' as const), payload: foreign }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>(
      { step: 'set option', name: 'rolling', value: true },
      { step: 'set option', name: 'autoCommit', value: true },
      { step: 'set option', name: 'maxAge', value: 3 * MINUTE },
    ),
  },
);

const sometimes = <T>(value: T): fc.Arbitrary<T | undefined> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant(value) },
  );

const options = fc
  .record({
    key: sometimes('sid'),
    maxAge: fc.option(maxAge, { nil: undefined, freq: 2 }),
    autoCommit: fc.constantFrom(undefined, undefined, undefined, true, false),
    overwrite: sometimes(false),
    httpOnly: sometimes(false),
    signed: sometimes(false),
    rolling: sometimes(true),
    renew: sometimes(true),
    sameSite: fc.constantFrom(undefined, undefined, 'strict', 'Lax'),
    domain: sometimes('example.com'),
    path: sometimes('/app'),
    priority: sometimes('High'),
    expires: sometimes(new Date(1_800_000_000_000)),
  })
  .chain((all) =>
    fc
      // A cookie that is partitioned without being secure is no cookie to browsers.
      .constantFrom<object>(
        {},
        {},
        { secure: false },
        { secure: true },
        { secure: true, partitioned: true },
      )
      .map((security) => ({ ...all, ...security })),
  )
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, set]) => set !== undefined)));

const setup: fc.Arbitrary<Setup> = fc
  .record({
    backing: fc.constantFrom('cookie' as const, 'store' as const, 'ContextStore' as const),
    external: fc.constantFrom(false, false, true),
    options,
    genid: fc.constantFrom('counter' as const, 'counter' as const, 'default' as const),
    hooks: fc.record({
      valid: fc.constantFrom(false, false, true),
      beforeSave: fc.constantFrom(false, false, true),
      codec: fc.constantFrom(false, false, true),
    }),
    keys: fc.constantFrom(['one key'], ['the newest key', 'an older key']),
    catches: fc.boolean(),
    https: fc.boolean(),
  })
  .map((all) => ({
    ...all,
    // The cookie mode has no id to carry; random ids are named by the default cookie's name.
    external: all.external && all.backing !== 'cookie',
    genid: all.backing === 'cookie' || 'key' in all.options ? ('counter' as const) : all.genid,
  }));

/** An application, and what its one client does. */
export interface Case {
  setup: Setup;
  steps: Step[];
}

export const cases: fc.Arbitrary<Case> = fc.record({
  setup,
  steps: fc.array(step, { minLength: 2, maxLength: 8 }),
});
