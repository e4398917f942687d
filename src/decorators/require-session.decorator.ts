import type { SessionRequirement } from '../interfaces/session-requirement.interface.js';

/** @internal */
export const REQUIREMENTS = 'nestjs-koa-session:requirements';

/** For a class or a method. @publicApi */
export type HandlerDecorator = ClassDecorator & MethodDecorator;

/**
 * What `SessionGuard` requires of the session, for a method or for all methods of a class. A
 * method's own requirements go before its class's. Given twice, both must hold, for instance for
 * two sessions.
 *
 * @example
 * ```ts
 * @RequireSession()                                  // there is one, else 401
 * @RequireSession({ has: ['user'] })                 // else 403
 * @RequireSession({ maxAge: { atLeast: 60_000 } })
 * @RequireSession({ externalKey: /^v2-/ })
 * @RequireSession({ name: 'admin', has: 'role' })
 * ```
 * @publicApi
 */
export function RequireSession(requirement: SessionRequirement = {}): HandlerDecorator {
  return require_(requirement);
}

/** `SessionGuard` lets only requests through that had no session before. @publicApi */
export function RequireNewSession(
  requirement: Omit<SessionRequirement, 'isNew'> = {},
): HandlerDecorator {
  return require_({ ...requirement, isNew: true });
}

/** `SessionGuard` requires nothing here, for handlers below a global or a class's guard. @publicApi */
export function SkipSession(): HandlerDecorator {
  return annotate(() => []);
}

function require_(requirement: SessionRequirement): HandlerDecorator {
  return annotate((others) => [requirement, ...others]);
}

function annotate(
  change: (requirements: readonly SessionRequirement[]) => readonly SessionRequirement[],
): HandlerDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const on = (descriptor?.value ?? target) as object;
    const others = (Reflect.getOwnMetadata(REQUIREMENTS, on) ?? []) as SessionRequirement[];
    Reflect.defineMetadata(REQUIREMENTS, change(others), on);
  };
}
