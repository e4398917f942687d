import type { Context, Middleware } from 'koa';
import { SessionStateError } from '../errors.js';
import { loadSession } from './access.js';
import {
  createCsrfToken,
  csrfField as fieldOf,
  type CsrfTokenNames,
  isSafeMethod,
  readCsrfToken,
  verifyCsrfToken,
} from './crypto/csrf-token.js';
import { hostOf, type Session } from './session.js';

/**
 * Which session a token is bound to, and what it is made with.
 *
 * @publicApi
 */
export interface CsrfOptions extends CsrfTokenNames {
  /** The session's option `key`. Default: the application's first session. */
  key?: string;
  /**
   * Secrets, newest first. Default: `app.keys`.
   */
  secrets?: readonly (string | Uint8Array)[];
}

/**
 * A token for the pages of this session, another text each time, good until the session ends, its
 * user logs in or out, or `regenerate()` is called. Asking for it saves the session.
 *
 * @example `<input type="hidden" name="_csrf" value="${await csrfToken(ctx)}">`
 * @throws SessionStateError ERR_SESSION_UNSUPPORTED when there is no secret.
 * @publicApi
 */
export async function csrfToken(ctx: Context, options: CsrfOptions = {}): Promise<string> {
  const session = await loadSession(ctx, options.key);
  const binding = session === null ? undefined : hostOf(session)?.state.csrfBinding(true);
  if (binding === undefined) {
    throw new SessionStateError(
      'ERR_SESSION_UNSUPPORTED',
      'a CSRF token needs a session, but this request has removed its own',
    );
  }
  return createCsrfToken(secretsOf(ctx, options), binding);
}

/**
 * The token as a hidden field, to be put into an HTML form as it is.
 *
 * @publicApi
 */
export async function csrfField(ctx: Context, options: CsrfOptions = {}): Promise<string> {
  return fieldOf(await csrfToken(ctx, options), options);
}

/**
 * Whether the request may change something: its method changes nothing, or it carries a token of
 * its session, in the header `x-csrf-token` or in the form field `_csrf` of the parsed body.
 *
 * @publicApi
 */
export async function isCsrfSafe(ctx: Context, options: CsrfOptions = {}): Promise<boolean> {
  if (isSafeMethod(ctx.method)) return true;
  const { body } = ctx.request as { body?: unknown };
  const token = readCsrfToken({ headers: ctx.headers, body }, options);
  if (token === undefined) return false;
  const session: Session | null = await loadSession(ctx, options.key);
  const binding = session === null ? undefined : hostOf(session)?.state.csrfBinding(false);
  return binding !== undefined && verifyCsrfToken(secretsOf(ctx, options), binding, token);
}

/**
 * Koa middleware that answers 403 to a request that would change something and carries no token of
 * its session. It goes after the session and the body parser.
 *
 * @example app.use(csrfProtection());
 * @see OWASP Cross-Site Request Forgery Prevention Cheat Sheet
 * @publicApi
 */
export function csrfProtection(options: CsrfOptions = {}): Middleware {
  return async function csrf(ctx, next) {
    if (!(await isCsrfSafe(ctx as Context, options))) {
      ctx.throw(403, 'the CSRF token is missing or not of this session');
    }
    await next();
  };
}

function secretsOf(ctx: Context, { secrets }: CsrfOptions): readonly (string | Uint8Array)[] {
  const found: unknown = secrets ?? ctx.app.keys;
  if (Array.isArray(found) && found.length > 0) return found as string[];
  throw new SessionStateError(
    'ERR_SESSION_UNSUPPORTED',
    'a CSRF token needs a secret: set app.keys to a list, or the option "secrets"',
  );
}
