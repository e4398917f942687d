import './session-data.js';
import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-koa-session';
import { MemoryStore } from 'nestjs-koa-session/stores/memory';
import { ChatController } from './chat.controller.js';
import { ChatGateway } from './chat.gateway.js';

@Module({
  imports: [
    SessionModule.forRoot({
      keys: [process.env.SESSION_KEY ?? 'for trying this out only: set SESSION_KEY'],
      // A message over a WebSocket can set no cookie: only a store keeps what it writes.
      store: new MemoryStore(),
      sameSite: 'strict',
    }),
  ],
  controllers: [ChatController],
  providers: [ChatGateway],
})
export class AppModule {}
