import { createParamDecorator } from '@nestjs/common';
import type { NamedSession } from '../interfaces/session-selection.interface.js';
import { readSession } from './read.js';

/**
 * Whether the session was not there before this request; `true` where there is none at all.
 *
 * @example welcome(@IsNewSession() isNew: boolean) {}
 * @publicApi
 */
export const IsNewSession: (selection?: NamedSession) => ParameterDecorator = createParamDecorator(
  (selection: NamedSession | undefined, host) =>
    readSession(host, selection?.name, (session) => session?.isNew ?? true),
);
