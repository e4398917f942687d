import type Koa from 'koa';

/** The adapter, as modules that were written for Express use it. */
interface Adapter {
  use(...args: never[]): unknown;
  get(...args: never[]): unknown;
}

/** What Express keeps on its application. */
interface Kept {
  readonly settings: Record<string, unknown>;
  readonly locals: Record<string, unknown>;
}

/** What both have, by the same name. */
const SHARED = [
  ...['post', 'put', 'delete', 'patch', 'options', 'head', 'all', 'search', 'query'],
  ...['set', 'enable', 'disable', 'engine'],
];

/**
 * Lets modules that reach for the application behind the adapter, `@nestjs/serve-static` for one,
 * find what they know of Express: `use()` with a path or with `(req, res, next)` middleware, the
 * verbs and the settings. All lead to the adapter, so its one list keeps its order. Koa's own
 * `use(middleware)` stays Koa's, and what the application itself has under one of the names is
 * left alone.
 *
 * @internal
 */
export function giveExpressFace(app: Koa, adapter: Adapter, { settings, locals }: Kept): void {
  const koaUse = app.use.bind(app) as (middleware: Koa.Middleware) => Koa;
  define(app, 'use', (...args: unknown[]) => {
    const [first] = args;
    const isExpress = args.length > 1 || (typeof first === 'function' && first.length > 2);
    if (!isExpress) return koaUse(first as Koa.Middleware);
    adapter.use(...(args as never[]));
    return app;
  });
  const add = (name: string, value: unknown) => name in app || define(app, name, value);
  for (const name of SHARED) {
    add(name, (...args: unknown[]) => {
      (Reflect.get(adapter, name) as (...each: unknown[]) => unknown).apply(adapter, args);
      return app;
    });
  }
  // A path alone is a setting's name, as on Express.
  add('get', (...args: unknown[]) => {
    const [name] = args;
    if (args.length === 1 && typeof name === 'string') return settings[name];
    adapter.get(...(args as never[]));
    return app;
  });
  add('enabled', (name: string) => Boolean(settings[name]));
  add('disabled', (name: string) => !settings[name]);
  add('settings', settings);
  add('locals', locals);
}

function define(app: Koa, name: string, value: unknown): void {
  Object.defineProperty(app, name, { value, configurable: true, writable: true });
}
