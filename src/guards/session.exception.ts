import { STATUS_CODES } from 'node:http';
import { type ExecutionContext, ForbiddenException, UnauthorizedException } from '@nestjs/common';
import type {
  SessionExceptionFactory,
  SessionRuleFailure,
} from '../interfaces/session-requirement.interface.js';

/**
 * What the client learns of a failed rule: which one, and nothing of the session; or what the
 * application's own factory makes of it.
 *
 * @internal
 */
export async function exceptionFor(
  failure: SessionRuleFailure,
  context: ExecutionContext,
  factory: SessionExceptionFactory | undefined,
): Promise<Error> {
  return factory?.(failure, context) ?? (await defaultException(failure, context));
}

async function defaultException(
  failure: SessionRuleFailure,
  context: ExecutionContext,
): Promise<Error> {
  const { statusCode, message, rule } = failure;
  if (context.getType<string>() === 'ws') {
    // Only an application with gateways has the package, and only its own class is understood.
    const { WsException } = await import('@nestjs/websockets');
    return new WsException({ status: 'error', statusCode, message, rule });
  }
  const body = { statusCode, error: STATUS_CODES[statusCode], message, rule };
  return statusCode === 401 ? new UnauthorizedException(body) : new ForbiddenException(body);
}
