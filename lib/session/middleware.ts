import type Koa from 'koa';
import type { Context, Next } from 'koa';
import { emitEvent } from './events.js';
import { type Installation, install } from './installation.js';
import type { SessionOptions } from './options.js';

/** The middleware that {@link createSession} makes. @publicApi */
export type SessionMiddleware = (ctx: Context, next: Next) => Promise<void>;

/**
 * Gives an application sessions: `ctx.session` on every context, and the middleware that loads the
 * session before the next middleware and writes it after.
 *
 * A drop-in for koa-session 7: the same call forms, options, cookies, store calls and events; what
 * differs is listed in docs/differences-from-koa-session.md. A second call with another `key`
 * gives a second, independent session, found under `ctx.sessions[key]`.
 *
 * @example
 * ```ts
 * import Koa from 'koa';
 * import session from 'nestjs-koa-session/session';
 *
 * const app = new Koa();
 * app.keys = [process.env.SESSION_KEY];
 * app.use(session(app));
 * app.use((ctx) => {
 *   ctx.session.views = (ctx.session.views ?? 0) + 1;
 *   ctx.body = `${ctx.session.views} views`;
 * });
 * app.listen(3000);
 * ```
 * @throws TypeError when no application is given; SessionOptionsError when an option is wrong, or
 * when the application already has a session of the same `key` with other options.
 * @publicApi
 */
export function createSession(
  options: SessionOptions | null | undefined,
  app: Koa,
): SessionMiddleware;
export function createSession(app: Koa, options?: SessionOptions | null): SessionMiddleware;
export function createSession(first: unknown, second?: unknown): SessionMiddleware {
  const [app, options] = isApplication(first) ? [first, second] : [second, first];
  if (!isApplication(app)) {
    throw new TypeError('app instance required: `session(opts, app)`');
  }
  const installation = install(app, (options ?? {}) as SessionOptions);

  return async function session(ctx: Context, next: Next): Promise<void> {
    // A step that has nothing to wait for costs no turn of the event loop.
    const loading = installation.begin(ctx);
    if (loading !== undefined) await loading;
    try {
      await next();
    } catch (error) {
      await finishAfterError(installation, ctx);
      throw error;
    }
    const writing = installation.finish(ctx);
    if (writing !== undefined) await writing;
  };
}

/** What the handler held is written as if it had not thrown; a failure of that never hides its error. */
async function finishAfterError(installation: Installation, ctx: Context): Promise<void> {
  try {
    await installation.finish(ctx);
  } catch (error) {
    emitEvent(ctx.app, 'session:failed', {
      name: installation.key,
      ctx,
      reason: 'hook',
      ...(error instanceof Error ? { error } : {}),
    });
  }
}

function isApplication(value: unknown): value is Koa {
  return typeof (value as { use?: unknown } | null | undefined)?.use === 'function';
}
