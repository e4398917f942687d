import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  ForbiddenException,
  UnauthorizedException,
} from '@nestjs/common';
import { FlashMessages, type Session } from 'nestjs-koa-session';
import type { KoaRequest, KoaResponse } from 'nestjs-koa-session/platform-koa';

/** Sends who is not logged in to the login form, with a message. */
@Catch(UnauthorizedException, ForbiddenException)
export class ToLoginFilter implements ExceptionFilter {
  async catch(error: Error, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const { session } = http.getRequest<KoaRequest & { session: Session }>();
    const isWrong = error.message.startsWith('Wrong');
    await new FlashMessages(session).add('login', isWrong ? error.message : 'Please log in first.');
    http.getResponse<KoaResponse>().redirect(303, '/login');
  }
}
