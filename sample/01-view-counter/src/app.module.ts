import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-koa-session';
import { ViewsController } from './views.controller.js';

@Module({
  imports: [
    SessionModule.forRoot({
      keys: [process.env.SESSION_KEY ?? 'for trying this out only: set SESSION_KEY'],
    }),
  ],
  controllers: [ViewsController],
})
export class AppModule {}
