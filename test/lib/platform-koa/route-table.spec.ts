import fc from 'fast-check';
import { match } from 'path-to-regexp';
import { RouteTable, createStep } from '../../../lib/platform-koa/route-table.js';
import type { StepOptions } from '../../../lib/platform-koa/route-table.js';

type Declared = Pick<StepOptions, 'path' | 'method' | 'mount'> & { path: string };

interface Found {
  readonly at: number;
  readonly params: Record<string, unknown>;
}

const METHODS = ['GET', 'POST', undefined];
const WORDS = ['users', 'Users', 'posts', 'a', 'a.b', 'files', 'x-y', 'us', 'ß', 'caf\u00e9'];
const RULES = [
  { caseSensitive: false, strict: false },
  { caseSensitive: true, strict: false },
  { caseSensitive: false, strict: true },
];

const word = fc.constantFrom(...WORDS);
const segment = fc.oneof(
  { weight: 5, arbitrary: word.map((text) => `/${text}`) },
  { weight: 3, arbitrary: fc.constantFrom('/:p', '/:q', '/v-:p', '/:p.json', '/:p,:q') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('{/:o}', '{/opt}', '{.:ext}', '/*w', '/{*w}', '/*w/end'),
  },
);
const path = fc
  .array(segment, { minLength: 0, maxLength: 4 })
  .map((parts) => (parts.length === 0 ? '/' : parts.join('')))
  .chain((text) => fc.constantFrom(text, text, text, `${text === '/' ? '' : text}/`))
  .filter(isValid);
const declared: fc.Arbitrary<Declared> = fc.record({
  path,
  method: fc.constantFrom(...METHODS),
  mount: fc.boolean(),
});

const requested = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: word },
      {
        weight: 1,
        arbitrary: fc.constantFrom('', '7', 'v-1', 'x.json', '1,2', 'end', 'opt', '%20', 'USERS'),
      },
    ),
    { minLength: 0, maxLength: 5 },
  )
  .map((parts) => `/${parts.join('/')}`);

function isValid(text: string): boolean {
  try {
    match(text);
    const names = [...text.matchAll(/[:*](\w+)/g)].map(([, name]) => name);
    return new Set(names).size === names.length;
  } catch {
    return false;
  }
}

/** What path-to-regexp says, asked route by route. */
function inOrder(routes: readonly Declared[], rules: (typeof RULES)[number]) {
  const tried = routes.map(({ path: text, method, mount }) => {
    const isStrict = rules.strict && !mount;
    const loose = isStrict || text === '/' ? text : text.replace(/\/+$/, '');
    const matches = match(loose, {
      sensitive: rules.caseSensitive,
      trailing: !isStrict,
      end: !mount,
    });
    return { method, matches: mount && text === '/' ? () => ({ params: {} }) : matches };
  });
  return (method: string, url: string): Found[] =>
    tried.flatMap((route, at) => {
      const serves =
        route.method === undefined ||
        route.method === method ||
        (method === 'HEAD' && route.method === 'GET');
      const found = serves && route.matches(url);
      return found ? [{ at, params: { ...found.params } }] : [];
    });
}

function inTable(routes: readonly Declared[], rules: (typeof RULES)[number]) {
  const table = new RouteTable(rules);
  routes.forEach((route, at) => {
    table.add(createStep({ ...route, handler: () => undefined }, at, rules));
  });
  return (method: string, url: string): Found[] =>
    table.candidates(method, url).flatMap((step) => {
      const found = step.matches(url);
      return found ? [{ at: step.order, params: { ...found.params } }] : [];
    });
}

describe('RouteTable', () => {
  const [usual, ...others] = RULES;
  const cases = [
    ...[5, 50, 500].map((size) => [size, usual!] as const),
    ...others.map((rules) => [50, rules] as const),
  ];

  it.each(cases)('finds in %i routes what path-to-regexp finds in order (%j)', (size, rules) => {
    let compared = 0;
    let matched = 0;
    const tables = 10;
    fc.assert(
      fc.property(
        fc.array(declared, { minLength: size, maxLength: size, size: 'max' }),
        fc.array(fc.tuple(fc.constantFrom('GET', 'POST', 'HEAD', 'PUT'), requested), {
          minLength: 1000,
          maxLength: 1000,
          size: 'max',
        }),
        (routes, urls) => {
          const expected = inOrder(routes, rules);
          const actual = inTable(routes, rules);
          for (const [method, url] of urls) {
            const found = actual(method, url);
            compared += 1;
            if (found.length > 0) matched += 1;
            const wanted = expected(method, url);
            // Far cheaper than 10,000 expectations, and read only when it fails.
            if (JSON.stringify(found) !== JSON.stringify(wanted)) expect(found).toEqual(wanted);
          }
        },
      ),
      { numRuns: tables, endOnFailure: true },
    );
    expect(compared).toBeGreaterThanOrEqual(10_000);
    expect(matched).toBeGreaterThan(0);
  });

  it('keeps the routes that follow a place when it is divided there', () => {
    const rules = { caseSensitive: false, strict: false };
    const table = new RouteTable(rules);
    for (const [at, text] of ['/a', '/:b', '/a'].entries()) {
      table.add(createStep({ path: text, handler: () => undefined }, at, rules));
    }
    const tail = table.splitAt(1);
    expect(table.candidates('GET', '/a').map(({ order }) => order)).toEqual([0]);
    expect(tail.candidates('GET', '/a').map(({ order }) => order)).toEqual([1, 2]);
  });

  it('refuses an invalid path with the path in the message', () => {
    const create = () =>
      createStep({ path: '/files/*', handler: () => undefined }, 0, {
        caseSensitive: false,
        strict: false,
      });
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_ADAPTER' }));
    expect(create).toThrow('/files/*');
  });
});
