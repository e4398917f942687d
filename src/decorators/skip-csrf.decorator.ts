import { SetMetadata } from '@nestjs/common';
import { SKIP_CSRF } from '../guards/csrf.guard.js';
import type { HandlerDecorator } from './require-session.decorator.js';

/**
 * `CsrfGuard` asks for no token here: for handlers that browsers do not call with a session, such
 * as webhooks that prove who calls by a signature. On a class it counts for all methods.
 *
 * @publicApi
 */
export function SkipCsrf(): HandlerDecorator {
  return SetMetadata(SKIP_CSRF, true) as HandlerDecorator;
}
