import { pathOf } from './context.js';
import type { KoaMiddleware } from './context.js';
import type { KoaRequest } from './exchange.js';
import { pathMatcher } from './route-path.js';
import type { MatchingRules } from './path-match.js';
import type { RoutePath } from './route-path.js';
import { enterMount } from './walk.js';

/**
 * Koa middleware that runs below a path only, and does not see that path in `ctx.url`.
 *
 * @internal
 */
export function mountKoa(
  path: RoutePath,
  middleware: KoaMiddleware,
  rules: MatchingRules,
): KoaMiddleware {
  const matches = pathMatcher(path, rules, true);
  return async function mounted(ctx, next) {
    const whole = pathOf(ctx);
    const matched = whole !== undefined && matches(whole);
    if (!matched) return next();
    const req = ctx.req as KoaRequest;
    let isOver = false;
    let undo = enterMount(req, matched.path);
    try {
      await middleware(ctx, async () => {
        undo();
        try {
          await next();
        } finally {
          // Of a middleware that has not waited, nobody would take the mount back.
          if (!isOver) undo = enterMount(req, matched.path);
        }
      });
    } finally {
      isOver = true;
      undo();
    }
  };
}
