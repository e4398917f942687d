import type Koa from 'koa';
import type { Context, Middleware, Next } from 'koa';
import koaSession from 'koa-session';
import { createSession } from '../../lib/session/index.js';
import { applyFixes, type Handler } from './fixes.js';

/** One of the two session engines under comparison. */
export interface Engine {
  readonly name: string;
  /** What an application imports. */
  readonly packageName: string;
  /**
   * Puts the engine on the application, and gives its middleware. `first` goes before whatever
   * touches the session.
   */
  install(app: Koa, options: object): { first?: Middleware; session: Middleware[] };
}

/** koa-session 7.0.2 as published. */
export const theirs: Engine = {
  name: 'koa-session',
  packageName: 'koa-session',
  install: (app, options) => ({ session: [koaSession(options, app) as Middleware] }),
};

/** This package. */
export const ours: Engine = {
  name: 'nestjs-koa-session',
  packageName: 'nestjs-koa-session/session',
  install: (app, options) => ({ session: [createSession(options, app) as Middleware] }),
};

/**
 * koa-session 7.0.2 with the fixes of `fixes.ts` laid over each request's session, one by one:
 * what is left between it and this package is no permitted difference.
 *
 * @param used is told the id of each fix that took effect.
 */
export function theirsFixed(used: (id: string) => void): Engine {
  return {
    name: 'koa-session, fixed',
    packageName: 'koa-session',
    install(app, options) {
      const middleware = koaSession(options, app) as Middleware;
      const [instance] = Object.getOwnPropertySymbols(app.context);
      const handlers = new WeakMap<object, Handler>();
      // koa-session makes a request's session at first access, wherever that is.
      const make = Object.getOwnPropertyDescriptor(app.context, instance as symbol)?.get;
      const fix = (ctx: Context, next: Next): Promise<unknown> => {
        const handler = { failed: false };
        let made: object | undefined;
        handlers.set(ctx, handler);
        Object.defineProperty(ctx, instance as symbol, {
          get() {
            if (made === undefined) {
              made = make?.call(ctx) as object;
              applyFixes(made as never, handler, used);
            }
            return made;
          },
        });
        return next();
      };
      const watch = async (ctx: Context, next: Next): Promise<void> => {
        try {
          await next();
        } catch (error) {
          (handlers.get(ctx) as Handler).failed = true;
          throw error;
        }
      };
      return { first: fix as Middleware, session: [middleware, watch as Middleware] };
    },
  };
}
