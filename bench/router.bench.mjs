// Claim: finding a route among 500 costs at most twice what it costs among 5.
// Run `npm run build` first, then `node bench/router.bench.mjs`.
import { match } from 'path-to-regexp';
import { RouteTable, createStep } from '../dist/lib/platform-koa/route-table.js';

const RULES = { caseSensitive: false, strict: false };
const ROUNDS = 15;
const MATCHES = 20_000;
const handler = () => undefined;

/** The routes of an API: a list, a record and a part of it for every resource. */
function routesOf(count) {
  const shapes = [
    (name) => ['GET', `/${name}`],
    (name) => ['POST', `/${name}`],
    (name) => ['GET', `/${name}/:id`],
    (name) => ['PUT', `/${name}/:id`],
    (name) => ['GET', `/${name}/:id/items/:item`],
  ];
  return Array.from({ length: count }, (_, at) =>
    shapes[at % shapes.length](`resource${Math.floor(at / shapes.length)}`),
  );
}

/** As many different requests at every size, each a string of its own, as a server gets them. */
function requestsFor(routes) {
  return Array.from({ length: 1000 }, (_, at) => {
    const [method, path] = routes[(at * 7919) % routes.length];
    const asked = path.replace(':id', 10_000 + at).replace(':item', `item${at}`);
    return [method, Buffer.from(asked).toString()];
  });
}

function tableOf(routes) {
  const table = new RouteTable(RULES);
  routes.forEach(([method, path], at) =>
    table.add(createStep({ method, path, handler }, at, RULES)),
  );
  return (method, path) => {
    for (const step of table.candidates(method, path)) {
      const found = step.matches(path);
      if (found) return found;
    }
    return undefined;
  };
}

function listOf(routes) {
  const list = routes.map(([method, path]) => ({ method, matches: match(path) }));
  return (method, path) => {
    for (const route of list) {
      const found = route.method === method && route.matches(path);
      if (found) return found;
    }
    return undefined;
  };
}

function timeOf(find, requests) {
  const start = process.hrtime.bigint();
  for (let at = 0; at < MATCHES; at++) {
    const [method, path] = requests[at % requests.length];
    if (find(method, path) === undefined) throw new Error(`no route for ${path}`);
  }
  return Number(process.hrtime.bigint() - start) / MATCHES;
}

const cases = [5, 50, 500].map((count) => {
  const routes = routesOf(count);
  const finders = { table: tableOf(routes), list: listOf(routes) };
  return { count, finders, requests: requestsFor(routes), table: Infinity, list: Infinity };
});

// The best of several rounds, in turns: noise only ever adds, and so it adds to all alike.
for (let round = 0; round < ROUNDS; round++) {
  for (const each of cases) {
    for (const kind of ['table', 'list']) {
      each[kind] = Math.min(each[kind], timeOf(each.finders[kind], each.requests));
    }
  }
}

console.table(
  cases.map(({ count, table, list }) => ({
    routes: count,
    'adapter, ns': Math.round(table),
    'path-to-regexp in order, ns': Math.round(list),
  })),
);
const [few, , many] = cases;
const ratio = many.table / few.table;
console.log(`500 routes cost ${ratio.toFixed(2)} times what 5 cost (claim: at most 2)`);
