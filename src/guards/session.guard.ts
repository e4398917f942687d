import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { REQUIREMENTS } from '../decorators/require-session.decorator.js';
import { koaContextOf, sessionOf } from '../session.context.js';
import { SessionRegistry } from '../session.registry.js';
import { exceptionFor } from './session.exception.js';
import type { SessionRequirement } from '../interfaces/session-requirement.interface.js';
import { failedRule } from './session-rules.js';

const THERE_IS_ONE: readonly SessionRequirement[] = [{}];

/**
 * Lets a request through when its session is as the handler requires. Without a decorator it
 * requires that there is a session: `isNew` is false, else 401.
 *
 * Decorators on a method go before those on its class. As a global guard it guards every handler
 * that is not marked with `@SkipSession()`.
 *
 * @example
 * ```ts
 * @UseGuards(SessionGuard)
 * @RequireSession({ has: 'user' })
 * @Controller('account')
 * export class AccountController {}
 *
 * // or for the whole application:
 * providers: [{ provide: APP_GUARD, useClass: SessionGuard }]
 * ```
 * @throws HttpException 401 or 403 with the failed rule (a WsException in gateways), or whatever
 * `exceptionFactory` makes.
 * @publicApi
 */
@Injectable()
export class SessionGuard implements CanActivate {
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
    const requirements =
      this.#reflector.getAllAndOverride<readonly SessionRequirement[] | undefined>(REQUIREMENTS, [
        context.getHandler(),
        context.getClass(),
      ]) ?? THERE_IS_ONE;
    for (const requirement of requirements) {
      const session = await sessionOf(context, requirement.name);
      const failure = await failedRule(requirement, session, koaContextOf(context));
      if (failure === undefined) continue;
      const { exceptionFactory = this.#registry.get(requirement.name).extras.exceptionFactory } =
        requirement;
      throw await exceptionFor(failure, context, exceptionFactory);
    }
    return true;
  }
}
