import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { sessionInfo } from '../../lib/session/index.js';
import { sessionOf } from '../session.context.js';
import { SessionRegistry } from '../session.registry.js';
import { exceptionFor } from './session.exception.js';
import type { SessionRuleFailure } from '../interfaces/session-requirement.interface.js';

/** @internal */
export const FRESHNESS = 'nestjs-koa-session:freshness';

/** What `@RequireFresh()` leaves for the guard. @internal */
export interface Freshness {
  /** Milliseconds. */
  within: number;
  /** The session's name; `undefined` for the default session. */
  name: string | undefined;
}

/**
 * Lets a request through when its session's user was authenticated a short time ago.
 * `@RequireFresh()` brings it along, so it need not be named.
 *
 * @throws HttpException 401 without a session, 403 with one that is not fresh, with the rule
 * `fresh` (a WsException in gateways), or whatever the module's `exceptionFactory` makes.
 * @publicApi
 */
@Injectable()
export class FreshGuard implements CanActivate {
  readonly #reflector: Reflector;
  readonly #registry: SessionRegistry;

  constructor(
    @Inject(Reflector) reflector: Reflector,
    @Inject(SessionRegistry) registry: SessionRegistry,
  ) {
    this.#reflector = reflector;
    this.#registry = registry;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const freshness = this.#reflector.getAllAndOverride<Freshness | undefined>(FRESHNESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (freshness === undefined) return true;
    const failure = await staleness(context, freshness);
    if (failure === undefined) return true;
    const { exceptionFactory } = this.#registry.get(freshness.name).extras;
    throw await exceptionFor(failure, context, exceptionFactory);
  }
}

async function staleness(
  context: ExecutionContext,
  { within, name }: Freshness,
): Promise<SessionRuleFailure | undefined> {
  const session = await sessionOf(context, name);
  const fail = (statusCode: 401 | 403, message: string): SessionRuleFailure => ({
    rule: 'fresh',
    statusCode,
    message,
    name,
    requirement: name === undefined ? {} : { name },
  });
  if (session?.isNew !== false) return fail(401, 'a session is required');
  const { authenticatedAt } = sessionInfo(session);
  // A clock that was set back must not make an old login fresh.
  const age = authenticatedAt === undefined ? NaN : Date.now() - authenticatedAt;
  return Math.abs(age) <= within ? undefined : fail(403, 'the login is too long ago: log in again');
}
