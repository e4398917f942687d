import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { KoaRequest } from './exchange.js';

/**
 * The Koa context of the request, or one of its properties.
 *
 * @example
 * ```ts
 * @Get()
 * hello(@Ctx() ctx: KoaContext, @Ctx('ip') ip: string) {
 *   ctx.set('x-served-by', 'koa');
 *   return `hello ${ip}`;
 * }
 * ```
 * @publicApi
 */
export const Ctx = createParamDecorator(
  (name: string | undefined, host: ExecutionContext): unknown => {
    const { ctx } = host.switchToHttp().getRequest<KoaRequest>();
    return name === undefined ? ctx : (ctx as Record<string, unknown>)[name];
  },
);

/**
 * `ctx.state` of the request, or one of its properties: what middleware has left for handlers.
 *
 * @publicApi
 */
export const State = createParamDecorator(
  (name: string | undefined, host: ExecutionContext): unknown => {
    const { state } = host.switchToHttp().getRequest<KoaRequest>().ctx;
    return name === undefined ? state : (state as Record<string, unknown>)[name];
  },
);
