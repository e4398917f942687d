import { Body, Controller, Get, Header, Post, Redirect } from '@nestjs/common';
import { Session } from 'nestjs-koa-session';
import { chatPage, namePage } from './pages.js';

@Controller()
export class ChatController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  show(@Session() session: Session): string {
    return session.name === undefined ? namePage() : chatPage(session.name, session.sent ?? 0);
  }

  @Post('name')
  @Redirect('/', 303)
  name(@Session() session: Session, @Body('name') name: unknown): void {
    session.name = String(name).slice(0, 50);
  }

  @Post('leave')
  @Redirect('/', 303)
  leave(@Session() session: Session): Promise<void> {
    return session.destroy();
  }
}
