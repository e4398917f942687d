import './session-data.js';
import { Controller, Get } from '@nestjs/common';
import { Session } from 'nestjs-koa-session';

@Controller()
export class ViewsController {
  @Get()
  count(@Session() session: Session): string {
    session.views = (session.views ?? 0) + 1;
    return `${session.views} views`;
  }
}
