import type Koa from 'koa';

/** The adapter, as modules that were written for Express use it. */
interface Adapter {
  use(...args: never[]): unknown;
}

const VERBS = ['get', 'post', 'put', 'delete', 'patch', 'options', 'head', 'all'] as const;

/**
 * Lets modules that reach for the application behind the adapter, `@nestjs/serve-static` for one,
 * find what they know of Express: `use()` with a path or with `(req, res, next)` middleware, and
 * the verbs. Both lead to the adapter, so its one list keeps its order. Koa's own `use(middleware)`
 * stays Koa's, and what the application itself has under one of the names is left alone.
 *
 * @internal
 */
export function giveExpressFace(app: Koa, adapter: Adapter): void {
  const koaUse = app.use.bind(app) as (middleware: Koa.Middleware) => Koa;
  define(app, 'use', (...args: unknown[]) => {
    const [first] = args;
    const isExpress = args.length > 1 || (typeof first === 'function' && first.length > 2);
    if (!isExpress) return koaUse(first as Koa.Middleware);
    adapter.use(...(args as never[]));
    return app;
  });
  for (const verb of VERBS) {
    if (verb in app) continue;
    define(app, verb, (...args: unknown[]) => {
      const register = Reflect.get(adapter, verb) as (...registration: unknown[]) => unknown;
      register.apply(adapter, args);
      return app;
    });
  }
}

function define(app: Koa, name: string, value: (...args: unknown[]) => unknown): void {
  Object.defineProperty(app, name, { value, configurable: true, writable: true });
}
