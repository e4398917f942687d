import { Controller, Get, Logger } from '@nestjs/common';
import { Logger as PinoLogger, LoggerModule } from 'nestjs-pino';
import { Session, SessionModule } from 'nestjs-koa-session';
import { decorate, serve } from './serve.mjs';

class ViewsController {
  logger = new Logger('Views');

  async count(session) {
    await new Promise((resolve) => setImmediate(resolve));
    session.views = (session.views ?? 0) + 1;
    this.logger.log(`view ${session.views}`);
    return `${session.views} views`;
  }
}
Session()(ViewsController.prototype, 'count', 0);
decorate(ViewsController, [Controller()], { count: [Get('count/:what')] });

await serve(
  {
    imports: [LoggerModule.forRoot(), SessionModule.forRoot({ keys: ['pino'] })],
    controllers: [ViewsController],
  },
  {
    logger: ['log', 'error'],
    configure: (app) => app.useLogger(app.get(PinoLogger)),
  },
);
