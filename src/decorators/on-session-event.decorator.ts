import type { SessionEventName, SessionEvents } from '../../lib/session/index.js';

/** @internal */
export const SESSION_EVENTS = 'nestjs-koa-session:events';

/** The names of {@link SessionEvents}, without `session:`. @publicApi */
export type SessionEventShortName = SessionEventName extends `session:${infer Name}` ? Name : never;

/** What a method gets that listens to an event. @publicApi */
export type SessionEventPayload<Name extends SessionEventShortName> =
  SessionEvents[`session:${Name}`];

/**
 * Calls the method when something happens to a session. On methods of singleton providers and
 * controllers. What it throws is logged and hurts nobody.
 *
 * @example
 * ```ts
 * @OnSessionEvent('expired')
 * count({ ctx }: SessionEventPayload<'expired'>) {
 *   this.metrics.increment('sessions.expired', { host: ctx.host });
 * }
 * ```
 * @publicApi
 */
export function OnSessionEvent<Name extends SessionEventShortName>(
  event: Name,
): <Method extends (payload: SessionEventPayload<Name>) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void {
  return (_target, _key, descriptor) => {
    const method = descriptor.value as unknown as object;
    const events = (Reflect.getOwnMetadata(SESSION_EVENTS, method) ?? []) as string[];
    Reflect.defineMetadata(SESSION_EVENTS, [...events, event], method);
  };
}
