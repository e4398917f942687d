import type Koa from 'koa';
import type { Context, Middleware } from 'koa';
import koaSession from 'koa-session';
import { createSession } from '../../lib/session/index.js';
import { applyFixes } from './fixes.js';

/** One of the two session engines under comparison. */
export interface Engine {
  readonly name: string;
  /** Puts the engine on the application, and says which middleware to use. */
  install(app: Koa, options: object): Middleware[];
}

/** koa-session 7.0.2 as published. */
export const theirs: Engine = {
  name: 'koa-session',
  install: (app, options) => [koaSession(options, app) as Middleware],
};

/** This package. */
export const ours: Engine = {
  name: 'nestjs-koa-session',
  install: (app, options) => [createSession(options, app) as Middleware],
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
    install(app, options) {
      const middleware = koaSession(options, app) as Middleware;
      const [instance] = Object.getOwnPropertySymbols(app.context);
      const fix = (ctx: Context, next: () => Promise<unknown>): Promise<unknown> => {
        applyFixes((ctx as never)[instance as symbol], used);
        return next();
      };
      return [fix as Middleware, middleware];
    },
  };
}
