import type { Context } from 'koa';
import type { StoreError } from '../errors.js';
import { emitFailure } from './events.js';
import type { ResolvedSessionOptions } from './options.js';

interface Request {
  readonly ctx: Context;
  readonly options: ResolvedSessionOptions;
}

/**
 * What becomes of a request whose store has failed, by the option `onStoreError`. The failure is
 * told by event, whatever becomes of it.
 *
 * @internal
 */
export function policyOn(
  error: StoreError,
  step: 'load' | 'commit',
  request: Request,
): 'fail' | 'anonymous' {
  emitFailure(request, 'store', error);
  const policy = request.options.onStoreError;
  return typeof policy === 'function' ? policy(error, request.ctx, step) : policy;
}

/**
 * The error for whoever asks for a session that could not be loaded. Koa drops an answer's headers
 * on an error; Nest keeps them: so they are said in both places.
 *
 * @internal
 */
export function unavailable(error: StoreError, { ctx }: Request): StoreError {
  if (!ctx.headerSent) ctx.set(error.headers);
  return error;
}
