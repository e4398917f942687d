import { createParamDecorator } from '@nestjs/common';
import { SessionStateError } from '../../lib/session/index.js';
import { FlashMessages } from '../flash.messages.js';
import type { NamedSession } from '../interfaces/session-selection.interface.js';
import { readSession } from './read.js';

/**
 * The session's flash messages: written once, read once.
 *
 * @example
 * ```ts
 * @Post('profile')
 * @Redirect('/profile')
 * async save(@Flash() flash: FlashMessages) {
 *   await flash.add('info', 'Your profile is saved.');
 * }
 *
 * @Get('profile')
 * async show(@Flash() flash: FlashMessages) {
 *   return { messages: await flash.take('info') };
 * }
 * ```
 * @throws SessionStateError ERR_SESSION_GONE when the session was removed in this request.
 * @publicApi
 */
export const Flash: (selection?: NamedSession) => ParameterDecorator = createParamDecorator(
  (selection: NamedSession | undefined, host) =>
    readSession(host, selection?.name, (session) => {
      if (session) return new FlashMessages(session);
      throw new SessionStateError(
        'ERR_SESSION_GONE',
        'flash messages need a session, and this request has none',
      );
    }),
);
