import { UseGuards } from '@nestjs/common';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { RequireSession, Session, SessionGuard } from 'nestjs-koa-session';
import type { WebSocketServer as Server } from 'ws';

@WebSocketGateway({ path: '/chat' })
@UseGuards(SessionGuard)
@RequireSession({ has: 'name' })
export class ChatGateway {
  @WebSocketServer() private readonly server!: Server;

  /** The session is that of the handshake, as it is now: after a logout the guard refuses. */
  @SubscribeMessage('say')
  async say(@MessageBody() text: string, @Session() session: Session): Promise<void> {
    await session.update((draft) => {
      draft.sent = (draft.sent ?? 0) + 1;
    });
    const message = JSON.stringify({
      event: 'said',
      data: { name: session.name, text: String(text).slice(0, 500) },
    });
    for (const client of this.server.clients) client.send(message);
  }
}
