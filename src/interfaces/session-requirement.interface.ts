import type { ExecutionContext } from '@nestjs/common';
import type { Context } from 'koa';
import type { NamedSession, SessionKey } from './session-selection.interface.js';

/**
 * What a handler requires of the session. Every rule that is given must hold; the first that fails
 * is told, in the order below.
 *
 * @publicApi
 */
export interface SessionRequirement extends NamedSession {
  /** Whether the session must be a new one. Default: `false`, there must have been one before. */
  isNew?: boolean | undefined;
  /** The session's id: that there is one, what it looks like, or what a function says of it. */
  externalKey?:
    | true
    | RegExp
    | ((externalKey: string, ctx: Context) => boolean | PromiseLike<boolean>)
    | undefined;
  /** Data keys that must have a value (other than `undefined` and `null`). */
  has?: SessionKey | readonly SessionKey[] | undefined;
  /** The session must live at least so long, in milliseconds; `'session'` has no limit. */
  maxAge?: { atLeast: number } | undefined;
  /** Makes the error, in place of the module's `exceptionFactory`. */
  exceptionFactory?: SessionExceptionFactory | undefined;
}

/** The rules of {@link SessionRequirement}, and those of `FreshGuard` and `CsrfGuard`. @publicApi */
export type SessionRule = 'isNew' | 'externalKey' | 'has' | 'maxAge' | 'fresh' | 'csrf';

/** Which rule failed. It holds nothing of the session. @publicApi */
export interface SessionRuleFailure {
  rule: SessionRule;
  /** 401 where there is no session, 403 where there is one that does not do. */
  statusCode: 401 | 403;
  message: string;
  /** The session's name; `undefined` for the default session. */
  name: string | undefined;
  requirement: SessionRequirement;
}

/**
 * Makes the error a client gets when a rule of `SessionGuard` fails.
 *
 * @publicApi
 */
export type SessionExceptionFactory = (
  failure: SessionRuleFailure,
  context: ExecutionContext,
) => Error;
