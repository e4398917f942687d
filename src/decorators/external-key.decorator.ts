import { createParamDecorator } from '@nestjs/common';
import type { NamedSession } from '../interfaces/session-selection.interface.js';
import { readSession } from './read.js';

/**
 * The id under which the store keeps the session; `undefined` in cookie mode. Who knows it has the
 * session: it belongs in no log and no answer.
 *
 * @example info(@ExternalKey() id: string | undefined) {}
 * @publicApi
 */
export const ExternalKey: (selection?: NamedSession) => ParameterDecorator = createParamDecorator(
  (selection: NamedSession | undefined, host) =>
    readSession(host, selection?.name, (session) => session?.externalKey),
);
