import { createParamDecorator } from '@nestjs/common';
import type { NamedSession } from '../interfaces/session-selection.interface.js';
import { readSession } from './read.js';

/**
 * How long the session lives from its next save on: milliseconds, `'session'`, or `undefined`
 * where it is new and no `maxAge` is set.
 *
 * @example info(@SessionMaxAge() maxAge: number | 'session' | undefined) {}
 * @publicApi
 */
export const SessionMaxAge: (selection?: NamedSession) => ParameterDecorator = createParamDecorator(
  (selection: NamedSession | undefined, host) =>
    readSession(host, selection?.name, (session) => session?.maxAge),
);
