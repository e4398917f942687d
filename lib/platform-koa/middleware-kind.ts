import { AdapterError, typeName } from '../errors.js';
import type { KoaMiddleware } from './context.js';
import type { KoaRequest, KoaResponse } from './exchange.js';
import type { Next } from './route-table.js';

/**
 * Middleware as Express and connect have it.
 *
 * @publicApi
 */
export type ConnectMiddleware = (req: KoaRequest, res: KoaResponse, next: Next) => unknown;

/**
 * Middleware that Express calls with an error.
 *
 * @publicApi
 */
export type ConnectErrorMiddleware = (
  error: unknown,
  req: KoaRequest,
  res: KoaResponse,
  next: Next,
) => unknown;

/**
 * Middleware in the types of another framework, which Express's packages come with. They ask for a
 * request of that framework, and what they use of it is there.
 *
 * @internal
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- nothing else takes every type
export type ForeignMiddleware = (req: any, res: any, next: any) => any;

/** As {@link ForeignMiddleware}, called with an error. @internal */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- nothing else takes every type
export type ForeignErrorMiddleware = (error: any, req: any, res: any, next: any) => any;

/** What `use()` takes for one middleware. @internal */
export type AnyMiddleware =
  | KoaMiddleware
  | ConnectMiddleware
  | ConnectErrorMiddleware
  | ForeignMiddleware
  | ForeignErrorMiddleware;

/** Which of the three signatures a function has. @internal */
export type MiddlewareKind = 'koa' | 'connect' | 'connect-error';

const KIND = Symbol('middleware kind');

/**
 * Marks a function as Koa middleware, where the number of its parameters does not tell.
 *
 * @example
 * ```ts
 * app.use(fromKoa((...args) => compression(...args)));
 * ```
 * @publicApi
 */
export function fromKoa(middleware: KoaMiddleware): KoaMiddleware {
  return mark<KoaMiddleware>((ctx, next) => middleware(ctx, next), 'koa', middleware.name);
}

/**
 * Marks a function as `(req, res, next)` middleware, where the number of its parameters does not
 * tell: two for a handler that never calls `next`, none for one that takes `...args`.
 *
 * @example
 * ```ts
 * app.use('/graphql', fromConnect(expressMiddleware(server)));
 * ```
 * @publicApi
 */
export function fromConnect(middleware: ConnectMiddleware): ConnectMiddleware;
// eslint-disable-next-line @typescript-eslint/unified-signatures -- a union gives parameters no type
export function fromConnect(middleware: ForeignMiddleware): ConnectMiddleware;
export function fromConnect(middleware: ConnectMiddleware): ConnectMiddleware {
  return mark<ConnectMiddleware>(
    (req, res, next) => middleware(req, res, next),
    'connect',
    middleware.name,
  );
}

function mark<F extends KoaMiddleware | ConnectMiddleware>(
  middleware: F,
  kind: MiddlewareKind,
  name: string,
): F {
  Object.defineProperty(middleware, 'name', { value: name });
  return Object.assign(middleware, { [KIND]: kind });
}

/**
 * The signature of a middleware: what it was marked as, else by its number of parameters, as
 * Express itself does. One or two are Koa's `(ctx, next)`.
 *
 * @throws AdapterError `ERR_ADAPTER` for what is no function, or where the number says nothing.
 * @internal
 */
export function middlewareKind(middleware: unknown): MiddlewareKind {
  if (typeof middleware !== 'function') {
    throw new AdapterError(`use() takes middleware functions, received ${typeName(middleware)}`);
  }
  const marked = (middleware as { [KIND]?: MiddlewareKind })[KIND];
  if (marked !== undefined) return marked;
  switch (middleware.length) {
    case 1:
    case 2:
      return 'koa';
    case 3:
      return 'connect';
    case 4:
      return 'connect-error';
    default:
      throw new AdapterError(
        `use() cannot tell what kind of middleware ${typeName(middleware)} is, as it declares ` +
          `${middleware.length} parameters: wrap it in fromKoa() or fromConnect()`,
      );
  }
}
