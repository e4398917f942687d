import type { Context } from 'koa';
import { SessionStateError } from '../errors.js';
import { contextSession } from './installation.js';
import type { Session } from './session.js';

/**
 * A request's session, loaded: what `await ctx.session` gives, for any session of the application.
 *
 * @param key the session's option `key`. Default: the application's first session.
 * @returns `null` when the session was removed in this request.
 * @throws SessionStateError ERR_SESSION_NOT_INSTALLED when the application has no such session;
 * StoreError when the store fails.
 * @example const session = await loadSession(ctx);
 * @publicApi
 */
export async function loadSession(ctx: Context, key?: string): Promise<Session | null> {
  const session = contextSession(ctx, key);
  if (session === undefined) {
    throw new SessionStateError(
      'ERR_SESSION_NOT_INSTALLED',
      'this application has no such session: call createSession(options, app), or import SessionModule.forRoot()',
    );
  }
  return session.ready();
}
