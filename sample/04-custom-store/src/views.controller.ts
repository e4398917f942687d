import './session-data.js';
import { Controller, Delete, Get } from '@nestjs/common';
import { Session } from 'nestjs-koa-session';

@Controller()
export class ViewsController {
  @Get()
  count(@Session() session: Session): string {
    session.views = (session.views ?? 0) + 1;
    return `${session.views} views`;
  }

  @Delete()
  forget(@Session() session: Session): Promise<void> {
    return session.destroy();
  }
}
