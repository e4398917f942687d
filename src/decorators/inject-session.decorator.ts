import { Inject } from '@nestjs/common';
import {
  getSessionOptionsToken,
  getSessionServiceToken,
  getSessionStoreToken,
  getSessionToken,
} from '../session.constants.js';

/** What `@Inject()` gives: for constructor parameters and for properties. @publicApi */
export type InjectDecorator = PropertyDecorator & ParameterDecorator;

/**
 * Injects the current request's session, which makes the class request-scoped. In singletons,
 * `SessionService` does the same at less cost.
 *
 * @param name the session's `name`. Default: the default session.
 * @example constructor(@InjectSession() private readonly session: Session) {}
 * @publicApi
 */
export function InjectSession(name?: string): InjectDecorator {
  return Inject(getSessionToken(name));
}

/**
 * Injects a session's store; `null` in cookie mode.
 *
 * @param name the session's `name`. Default: the default session.
 * @example constructor(@InjectSessionStore() private readonly store: SessionStore) {}
 * @publicApi
 */
export function InjectSessionStore(name?: string): InjectDecorator {
  return Inject(getSessionStoreToken(name));
}

/**
 * Injects a session's options, which the engine follows live.
 *
 * @param name the session's `name`. Default: the default session.
 * @publicApi
 */
export function InjectSessionOptions(name?: string): InjectDecorator {
  return Inject(getSessionOptionsToken(name));
}

/**
 * Injects the `SessionService` of a named session. That of the default session is injected by its
 * class.
 *
 * @example constructor(@InjectSessionService('admin') private readonly admin: SessionService) {}
 * @publicApi
 */
export function InjectSessionService(name?: string): InjectDecorator {
  return Inject(getSessionServiceToken(name));
}
