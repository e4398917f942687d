import { RequestMethod } from '@nestjs/common';
import type { HttpServer, VersioningOptions } from '@nestjs/common';
import { AbstractHttpAdapter } from '@nestjs/core';
import type Koa from 'koa';
import type { KoaMiddleware } from './context.js';
import { middlewareKind } from './middleware-kind.js';
import type { AnyMiddleware, ConnectErrorMiddleware } from './middleware-kind.js';
import { mountKoa } from './mount.js';
import { Pipeline } from './pipeline.js';
import type { RequestHook, ResponseHook } from './pipeline.js';
import type { KoaRequest, KoaResponse } from './exchange.js';
import { checkedPath, withLeadingSlash, withoutEndSlash } from './route-path.js';
import type { MatchingRules } from './path-match.js';
import type { RoutePath } from './route-path.js';
import type { StepHandler } from './route-table.js';
import type { KoaServer } from './server.js';
import { versionFilter } from './version-filter.js';
import type { VersionValue } from './version-filter.js';

type Registration = [handler: StepHandler] | [path: RoutePath, ...handlers: StepHandler[]];
type Uses = (RoutePath | AnyMiddleware | readonly AnyMiddleware[])[];

/** A path of Nest's that stands for everything, whichever way it is written. */
const MOUNTED = -1;

/**
 * The half of the adapter that takes routes and middleware, in the order they are given.
 *
 * @internal
 */
export abstract class RoutingAdapter extends AbstractHttpAdapter<
  KoaServer,
  KoaRequest,
  KoaResponse
> {
  protected readonly pipeline: Pipeline;
  /** The names of the `(req, res, next)` middleware in use, to tell parsers that are there. */
  protected readonly names = new Set<string>();
  private readonly prefixes = new Set<string>();

  protected constructor(app: Koa, rules: MatchingRules) {
    super(app);
    this.pipeline = new Pipeline(app, rules);
  }

  /**
   * Adds middleware behind all that is there: Koa's `(ctx, next)`, Express's `(req, res, next)`
   * and `(error, req, res, next)`, told apart by their number of parameters; {@link fromKoa} and
   * {@link fromConnect} say it where that number does not. A path in front mounts them: they run
   * for it and all below, and do not see it in `req.url`.
   *
   * @throws AdapterError `ERR_ADAPTER` for what is no middleware, or not clearly of one kind.
   */
  override use(...args: Uses): this {
    const [first, ...rest] = args;
    const isPath = typeof first === 'string' || first instanceof RegExp || isPathList(first);
    const path = isPath ? (first as RoutePath) : '/';
    for (const middleware of (isPath ? rest : args).flat(8) as AnyMiddleware[]) {
      this.useOne(path, middleware);
    }
    return this;
  }

  private useOne(path: RoutePath, middleware: AnyMiddleware): void {
    const kind = middlewareKind(middleware);
    if (kind === 'koa') {
      const koaMiddleware = middleware as KoaMiddleware;
      this.pipeline.use(
        path === '/' ? koaMiddleware : mountKoa(path, koaMiddleware, this.pipeline.rules),
      );
      return;
    }
    const handler = middleware as StepHandler;
    if (kind === 'connect') {
      this.names.add(middleware.name);
      this.pipeline.add({ path, mount: true, handler });
    } else {
      const errorHandler = middleware as ConnectErrorMiddleware;
      this.pipeline.addErrorStep({ path, mount: true, handler }, errorHandler);
    }
  }

  private route(method: string | undefined, registration: Registration): this {
    const [first, ...others] = registration;
    const isPath = typeof first !== 'function';
    const path = isPath ? (first as RoutePath) : '/';
    const handlers = (isPath ? others : [first]).flat(8) as StepHandler[];
    const group = handlers.length > 1 ? handlers : undefined;
    for (const handler of handlers) {
      this.pipeline.add({ path, method, handler, isRoute: true, mount: !isPath, group });
    }
    return this;
  }

  override get(...args: Registration): this {
    return this.route('GET', args);
  }
  override post(...args: Registration): this {
    return this.route('POST', args);
  }
  override put(...args: Registration): this {
    return this.route('PUT', args);
  }
  override delete(...args: Registration): this {
    return this.route('DELETE', args);
  }
  override patch(...args: Registration): this {
    return this.route('PATCH', args);
  }
  override options(...args: Registration): this {
    return this.route('OPTIONS', args);
  }
  override head(...args: Registration): this {
    return this.route('HEAD', args);
  }
  override all(...args: Registration): this {
    return this.route(undefined, args);
  }
  override search(...args: Registration): this {
    return this.route('SEARCH', args);
  }
  override query(...args: Registration): this {
    return this.route('QUERY', args);
  }
  override propfind(...args: Registration): this {
    return this.route('PROPFIND', args);
  }
  override proppatch(...args: Registration): this {
    return this.route('PROPPATCH', args);
  }
  override mkcol(...args: Registration): this {
    return this.route('MKCOL', args);
  }
  override copy(...args: Registration): this {
    return this.route('COPY', args);
  }
  override move(...args: Registration): this {
    return this.route('MOVE', args);
  }
  override lock(...args: Registration): this {
    return this.route('LOCK', args);
  }
  override unlock(...args: Registration): this {
    return this.route('UNLOCK', args);
  }

  /**
   * The path of a controller's route in path-to-regexp's syntax.
   *
   * @throws AdapterError `ERR_ADAPTER` at start-up for an invalid path.
   */
  override normalizePath(path: string): string {
    this.pipeline.beginRoutes();
    return checkedPath(path);
  }

  /** The first route that matches serves the request, as on Express. */
  isRouteOrderSensitive(): boolean {
    return true;
  }

  /** How paths are compared; Nest applies the same rules to excluded paths. */
  getRouteMatchingOptions(): ReturnType<NonNullable<HttpServer['getRouteMatchingOptions']>> {
    const { caseSensitive, strict } = this.pipeline.rules;
    return { caseSensitive, ignoreTrailingSlash: !strict };
  }

  /** Registers Nest's middleware for one method; see `MiddlewareConsumer`. */
  createMiddlewareFactory(method: RequestMethod): (path: string, handler: unknown) => void {
    return (path, callback) => {
      const handler = callback as StepHandler;
      const isExact = path.endsWith('$');
      const modern = checkedPath(isExact ? path.slice(0, -1) : path);
      const isMounted = Number(method) === MOUNTED && !isExact;
      // Nest compares the method itself, and counts HEAD as GET.
      this.pipeline.add({ path: modern, mount: isMounted, isRoute: !isMounted, handler });
    };
  }

  /** Takes the handler of requests that no route has answered. */
  setNotFoundHandler(
    handler: unknown,
    prefix?: string,
    excludedRoutes?: readonly { readonly path: string }[],
  ): this {
    this.pipeline.endRoutes();
    const notFound = handler as StepHandler;
    // Nest 11 names no excluded routes, and answers for all paths.
    const own = excludedRoutes === undefined ? '' : withoutEndSlash(withLeadingSlash(prefix));
    if (own === '' || own === '/') return this.use(this.outsidePrefixes(notFound));
    this.prefixes.add(own);
    this.pipeline.add({ path: own, mount: true, handler: notFound });
    for (const route of excludedRoutes ?? []) {
      this.all(checkedPath(withLeadingSlash(route.path)), notFound);
    }
    return this;
  }

  /** Two applications may share an adapter: the paths of the other one's prefix are the other's. */
  private outsidePrefixes(notFound: StepHandler): StepHandler {
    return (req, res, next) => {
      const path = req.originalUrl.split(/[?#]/, 1)[0] ?? '';
      for (const prefix of this.prefixes) {
        if (path === prefix || path.startsWith(`${prefix}/`)) return next();
      }
      return notFound(req, res, next);
    };
  }

  /** Takes the handler of errors that no controller's filter has seen. */
  setErrorHandler(handler: unknown, prefix?: string): this {
    const own = withoutEndSlash(withLeadingSlash(prefix));
    this.pipeline.errors.addHandler(own === '/' ? '' : own, handler as ConnectErrorMiddleware);
    return this;
  }

  /** Lets a handler run for requests of its version only. */
  applyVersionFilter(
    handler: unknown,
    version: VersionValue,
    options: VersioningOptions,
  ): ReturnType<HttpServer['applyVersionFilter']> {
    const filtered = versionFilter(handler as StepHandler, version, options);
    return filtered as ReturnType<HttpServer['applyVersionFilter']>;
  }

  /** Runs a hook before all middleware; it calls `done()` to go on. */
  override setOnRequestHook(hook: unknown): void {
    this.pipeline.requestHook = hook as RequestHook;
  }

  /** Runs a hook when an answer has left. What it throws is logged. */
  override setOnResponseHook(hook: unknown): void {
    this.pipeline.responseHook = hook as ResponseHook;
  }
}

function isPathList(value: unknown): value is readonly (string | RegExp)[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((each) => typeof each === 'string' || each instanceof RegExp)
  );
}
