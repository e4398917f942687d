import { once } from 'node:events';
import { Controller, Get } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { Session } from '../../src/index.js';
import { sessions, start } from './application.js';

type Named = Session & { name?: string };

@Controller()
class LoginController {
  @Get('login')
  login(@Session() session: Named): string {
    session.name = 'Ada';
    return 'in';
  }
}

@WebSocketGateway({ path: '/live' })
class LiveGateway {
  @SubscribeMessage('greet')
  greet(@MessageBody() greeting: string, @Session() session: Named): unknown {
    return { event: 'greeted', data: `${greeting}, ${session.name ?? 'stranger'}` };
  }
}

const parts = {
  imports: [sessions],
  controllers: [LoginController],
  providers: [LiveGateway],
};

describe('@nestjs/websockets', () => {
  it('with ws: messages, the session of the handshake, and HTTP beside them', async () => {
    const { browser, url } = await start(parts, {
      configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
    });
    await browser.text('/login');
    const cookie = await browser.jar.getCookieString(url);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/live`, { headers: { cookie } });
    await once(socket, 'open');
    socket.send(JSON.stringify({ event: 'greet', data: 'Hello' }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(data.toString())).toEqual({ event: 'greeted', data: 'Hello, Ada' });
    expect(await browser.text('/login')).toBe('in');
    socket.terminate();
  });

  it.each(['websocket', 'polling'])(
    'with socket.io over %s: messages, the session of the handshake, and HTTP beside them',
    async (transport) => {
      const { browser, url } = await start(parts, {
        configure: (app) => app.useWebSocketAdapter(new IoAdapter(app)),
      });
      await browser.text('/login');
      const cookie = await browser.jar.getCookieString(url);
      const socket = io(url, {
        path: '/live',
        transports: [transport],
        extraHeaders: { cookie },
        reconnection: false,
      });
      const answer = await new Promise((resolve, reject) => {
        socket.on('connect_error', reject);
        socket.on('greeted', resolve);
        socket.on('connect', () => socket.emit('greet', 'Hello'));
      });
      expect(answer).toBe('Hello, Ada');
      expect(await browser.text('/login')).toBe('in');
      // Over polling it leaves with further requests, which must not outlive the server.
      const left = new Promise((resolve) => socket.io.engine.once('close', resolve));
      socket.disconnect();
      await left;
    },
  );
});
