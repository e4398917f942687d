import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type CsrfOptions, isCsrfSafe } from '../../lib/session/index.js';
import { koaContextOf } from '../session.context.js';
import { SessionRegistry } from '../session.registry.js';
import { exceptionFor } from './session.exception.js';
import type { SessionRuleFailure } from '../interfaces/session-requirement.interface.js';

/** @internal */
export const SKIP_CSRF = 'nestjs-koa-session:skip-csrf';

/**
 * Lets a request that may change something through only with a CSRF token of its session: in the
 * header `x-csrf-token`, or in the field `_csrf` of the parsed body. `GET`, `HEAD`, `OPTIONS` and
 * `TRACE` pass; `@SkipCsrf()` opens a handler.
 *
 * A page gets its token from `csrfToken(ctx)` or `csrfField(ctx)` of
 * `nestjs-koa-session/session`. Messages of a WebSocket pass, since no form can send them; what
 * such a connection needs is a check of the handshake's `Origin`.
 *
 * For other names, secrets or another session extend it and set `options`.
 *
 * @example
 * ```ts
 * providers: [{ provide: APP_GUARD, useClass: CsrfGuard }]
 *
 * class ScriptGuard extends CsrfGuard {
 *   protected override readonly options = { header: 'x-xsrf-token' };
 * }
 * ```
 * @throws HttpException 403 with the rule `csrf`, or whatever the module's `exceptionFactory` makes.
 * @publicApi
 */
@Injectable()
export class CsrfGuard implements CanActivate {
  readonly #reflector: Reflector;
  readonly #registry: SessionRegistry;

  /** Names, secrets, and the session that a token is bound to. Default: the default session. */
  protected readonly options: CsrfOptions & { name?: string } = {};

  constructor(
    @Inject(Reflector) reflector: Reflector,
    @Inject(SessionRegistry) registry: SessionRegistry,
  ) {
    this.#reflector = reflector;
    this.#registry = registry;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    if (this.#reflector.getAllAndOverride<boolean | undefined>(SKIP_CSRF, targets)) return true;
    const { name, ...options } = this.options;
    const { key, extras } = this.#registry.get(name);
    if (await isCsrfSafe(koaContextOf(context), { key, ...options })) return true;
    const failure: SessionRuleFailure = {
      rule: 'csrf',
      statusCode: 403,
      message: 'the CSRF token is missing or not of this session',
      name,
      requirement: name === undefined ? {} : { name },
    };
    throw await exceptionFor(failure, context, extras.exceptionFactory);
  }
}
