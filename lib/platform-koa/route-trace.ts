import type { KoaContext } from './context.js';

/** One function of a router's stack: it is called like Koa middleware and runs a route's handler. */
type RunRoute = (ctx: KoaContext, handler: () => unknown) => unknown;

const runRoute: RunRoute = (_ctx, handler) => handler();

/**
 * Lets instrumentation of `@koa/router` see the adapter's routes. OpenTelemetry's (and Sentry's,
 * which is the same) looks at each layer given to `use()` for a property `router`, wraps the
 * functions in its stack, and names the spans after the path that stands beside them.
 *
 * The stack has one function, through which every handler of the layer runs once somebody has
 * wrapped it, and one path, which is that of the route that is about to run.
 *
 * @internal
 */
export class RouteTrace {
  readonly stack: [{ path: { toString(): string }; stack: [RunRoute] }];
  private path = '';

  constructor() {
    this.stack = [{ path: { toString: () => this.path }, stack: [runRoute] }];
  }

  /** Runs a route's handler, within a span if requests are traced. */
  run(ctx: KoaContext, path: unknown, handler: () => unknown): unknown {
    const [run] = this.stack[0].stack;
    if (run === runRoute) return handler();
    // Read before the handler is called, so no other request can come between.
    this.path = String(path);
    ctx['_matchedRoute'] = this.path;
    ctx['_matchedRouteName'] = this.path;
    return run(ctx, handler);
  }
}
