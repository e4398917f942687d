import type { ArgumentsHost } from '@nestjs/common';
import type { Context } from 'koa';
import { contextSession, loadSession, SessionStateError } from '../lib/session/index.js';
import type { Session } from '../lib/session/index.js';
import { handshakeContext, releaseContext } from './handshake.context.js';
import { registryOf } from './session.registry.js';
import { isExcluded } from './session-exclusion.js';

/**
 * What a handler finds as its session: `null` once it was removed in this request, `undefined`
 * where `forRoutes` or `exclude` keep it from the request.
 *
 * @internal
 */
export type FoundSession = Session | null | undefined;

/**
 * The Koa context behind what Nest is handling: an HTTP request, a GraphQL operation, or a message
 * of a WebSocket.
 *
 * @throws SessionStateError ERR_SESSION_NOT_INSTALLED where there is none, as in microservices.
 * @internal
 */
export function koaContextOf(host: ArgumentsHost): Context {
  const type = host.getType<string>();
  if (type === 'ws') return handshakeContext(host.getArgByIndex<object>(0));
  const ctx = contextIn(host.getArgByIndex(type === 'graphql' ? 2 : 0));
  if (ctx !== undefined) return ctx;
  throw new SessionStateError(
    'ERR_SESSION_NOT_INSTALLED',
    type === 'graphql'
      ? 'the GraphQL context leads to no Koa context: give it the request or the Koa context, context: ({ req }) => ({ req })'
      : `there is no Koa context behind this handler (${type}): sessions are for HTTP, GraphQL and WebSocket handlers on a Koa adapter`,
  );
}

/** The Koa context in what a library calls a request or a context. @internal */
export function contextIn(value: unknown): Context | undefined {
  for (const each of [value, ...paths.map((path) => path(value as Holder))]) {
    const candidate = each as { app?: unknown; req?: unknown; createContext?: unknown } | undefined;
    if (typeof candidate !== 'object' || candidate === null) continue;
    if (candidate.app !== undefined && candidate.req !== undefined && 'cookies' in candidate) {
      return candidate as unknown as Context;
    }
  }
  return undefined;
}

interface Holder {
  ctx?: unknown;
  req?: { ctx?: unknown };
  request?: { ctx?: unknown };
  raw?: { ctx?: unknown };
  extra?: { request?: { ctx?: unknown } };
}

const paths: readonly ((holder: Holder | null | undefined) => unknown)[] = [
  (holder) => holder?.ctx,
  (holder) => holder?.req?.ctx,
  (holder) => holder?.request?.ctx,
  (holder) => holder?.raw?.ctx,
];

/**
 * The session of what is being handled. With `load: 'lazy'`, and in gateways, it is a promise.
 *
 * @internal
 */
export function sessionOf(
  host: ArgumentsHost,
  name: string | undefined,
): FoundSession | PromiseLike<FoundSession> {
  const ctx = koaContextOf(host);
  if (host.getType<string>() !== 'ws') return sessionIn(ctx, name);
  const client = host.getArgByIndex<object>(0);
  return loadSession(ctx, registryOf(ctx).get(name).key).finally(() => {
    releaseContext(client);
  });
}

/** The session of a request, by the session's name. @internal */
export function sessionIn(
  ctx: Context,
  name: string | undefined,
): FoundSession | PromiseLike<FoundSession> {
  const { key } = registryOf(ctx).get(name);
  if (isExcluded(ctx, name)) return undefined;
  return contextSession(ctx, key)?.get();
}
