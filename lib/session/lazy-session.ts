import { SessionStateError } from '../errors.js';
import type { Session } from './session.js';

/**
 * What `ctx.session` gives with `load: 'lazy'` until the session is loaded: something to await,
 * and nothing else.
 *
 * @internal
 */
export function lazySession(load: () => Promise<Session | null>): Session {
  const handler: ProxyHandler<object> = {
    get(_target, property) {
      if (property === 'then') {
        return (
          resolve: (session: Session | null) => unknown,
          reject: (error: unknown) => unknown,
        ) => load().then(resolve, reject);
      }
      throw notLoaded();
    },
    set: refuse,
    has: refuse,
    deleteProperty: refuse,
    defineProperty: refuse,
    ownKeys: refuse,
    getOwnPropertyDescriptor: refuse,
  };
  return new Proxy({}, handler) as Session;
}

function refuse(): never {
  throw notLoaded();
}

function notLoaded(): SessionStateError {
  return new SessionStateError(
    'ERR_SESSION_NOT_LOADED',
    `the session is not loaded yet: with the option load: 'lazy', write \`const session = await ctx.session\` first`,
  );
}
