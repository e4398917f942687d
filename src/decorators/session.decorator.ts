import { createParamDecorator, type PipeTransform, type Type } from '@nestjs/common';
import type { Session as EngineSession } from '../../lib/session/index.js';
import type { SessionKey, SessionSelection } from '../interfaces/session-selection.interface.js';
import { readSession } from './read.js';

/** What a handler gets from `@Session()`. @publicApi */
export type Session = EngineSession;

type Pipe = Type<PipeTransform> | PipeTransform;

const SessionParameter = createParamDecorator((selection: SessionSelection | undefined, host) => {
  const key = selection?.key;
  return readSession(host, selection?.name, (session) =>
    key === undefined ? session : (session as Record<string, unknown> | null | undefined)?.[key],
  );
});

/**
 * The session, or one of its data keys, as a parameter of a handler. In HTTP controllers, GraphQL
 * resolvers and WebSocket gateways. With `load: 'lazy'` the session is loaded first.
 *
 * In a gateway the session is the one of the handshake, loaded for each message; what a message
 * changes is written by `session.save()`, and only where a store keeps it.
 *
 * @example
 * ```ts
 * @Get()
 * views(@Session() session: Session) {
 *   return (session.views = (session.views ?? 0) + 1);
 * }
 *
 * @Get('cart')
 * cart(@Session('cart', CartPipe) cart: Cart) {}
 *
 * @Get('admin')
 * admin(@Session({ name: 'admin', key: 'user' }) user: Admin) {}
 * ```
 * @publicApi
 */
export function Session(...pipes: Pipe[]): ParameterDecorator;
export function Session(
  selection: SessionKey | SessionSelection,
  ...pipes: Pipe[]
): ParameterDecorator;
export function Session(
  first?: SessionKey | SessionSelection | Pipe,
  ...rest: Pipe[]
): ParameterDecorator {
  if (first === undefined) return SessionParameter(undefined, ...rest);
  if (typeof first === 'string') return SessionParameter({ key: first }, ...rest);
  if (isPipe(first)) return SessionParameter(undefined, first, ...rest);
  return SessionParameter(first, ...rest);
}

function isPipe(value: SessionSelection | Pipe): value is Pipe {
  return typeof value === 'function' || 'transform' in value;
}
