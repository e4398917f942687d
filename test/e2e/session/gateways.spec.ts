import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTo } from 'node:net';
import { Controller, Get, Post, type Type, UseGuards } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { io } from 'socket.io-client';
import { WebSocket, WebSocketServer as Server } from 'ws';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  ExternalKey,
  IsNewSession,
  rememberHandshake,
  RequireSession,
  Session,
  SessionGuard,
  SessionMaxAge,
  SessionModule,
  type SessionModuleOptions,
} from '../../../src/index.js';
import { handshakeContext } from '../../../src/handshake.context.js';
import { start } from './support.js';

interface Data {
  user?: string;
  said?: number;
}

class ChatHandlers {
  @SubscribeMessage('whoami')
  whoami(
    @Session('user') user: string | undefined,
    @IsNewSession() isNew: boolean,
    @SessionMaxAge() maxAge: unknown,
    @ExternalKey() externalKey: string | undefined,
  ) {
    return { event: 'whoami', data: { user, isNew, maxAge, hasKey: externalKey !== undefined } };
  }

  @SubscribeMessage('guarded')
  @UseGuards(SessionGuard)
  @RequireSession({ has: 'user' })
  guarded(@Session() session: Data) {
    return { event: 'guarded', data: session.user };
  }

  @SubscribeMessage('write')
  async write(@Session() session: Session & Data) {
    session.said = (session.said ?? 0) + 1;
    await session.save();
    return { event: 'write', data: session.said };
  }
}

@WebSocketGateway({ path: '/ws' })
class WsGateway extends ChatHandlers {}

@WebSocketGateway()
class IoGateway extends ChatHandlers {}

@Controller()
class HttpController {
  @Post('login')
  login(@Session() session: Data) {
    session.user = 'ann';
  }

  @Post('logout')
  logout(@Session() session: Session) {
    return session.destroy();
  }

  @Get('said')
  said(@Session('said') said: number) {
    return { said };
  }
}

/** Asks over a WebSocket, as its platform does: the answer's data, or the error. */
type Ask = (event: string) => Promise<unknown>;

const closing: (() => void)[] = [];
afterEach(leave);

/** The clients go. */
function leave(): void {
  for (const close of closing.splice(0)) close();
}

async function askWs(url: string, cookie: string): Promise<Ask> {
  const client = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { cookie } });
  closing.push(() => client.terminate());
  await once(client, 'open');
  return async (event) => {
    client.send(JSON.stringify({ event, data: {} }));
    const [message] = (await once(client, 'message')) as [Buffer];
    return (JSON.parse(message.toString()) as { data: unknown }).data;
  };
}

async function askIo(url: string, cookie: string): Promise<Ask> {
  const client = io(url, { extraHeaders: { cookie }, transports: ['websocket'] });
  closing.push(() => client.disconnect());
  await new Promise<void>((resolve) => client.once('connect', resolve));
  return (event) =>
    new Promise((resolve) => {
      client.once(event, resolve);
      client.once('exception', resolve);
      client.emit(event, {});
    });
}

describe.each<[string, Type<unknown>, typeof IoAdapter | typeof WsAdapter, typeof askWs]>([
  ['ws', WsGateway, WsAdapter, askWs],
  ['socket.io', IoGateway, IoAdapter, askIo],
])('a gateway on %s', (_platform, gateway, Adapter, connect) => {
  const launch = (options: SessionModuleOptions = {}) =>
    start(
      {
        imports: [SessionModule.forRoot({ keys: ['k'], maxAge: 60_000, ...options })],
        controllers: [HttpController],
        providers: [gateway],
      },
      (app) => app.useWebSocketAdapter(new Adapter(app)),
    );

  it.each<[string, () => SessionModuleOptions, boolean]>([
    ['a cookie', () => ({}), false],
    ['a store', () => ({ store: new MemoryStore() }), true],
    ['a store, loaded lazily', () => ({ store: new MemoryStore(), load: 'lazy' }), true],
  ])('reads the session of the handshake from %s', async (_where, options, hasKey) => {
    const { browser, url } = await launch(options());
    await browser.post('/login');
    const ask = await connect(url, await browser.cookies());
    expect(await ask('whoami')).toEqual({ user: 'ann', isNew: false, maxAge: 60_000, hasKey });
  });

  it('has a new session without a cookie, and the guard refuses it', async () => {
    const { url } = await launch({ store: new MemoryStore() });
    const ask = await connect(url, '');
    expect(await ask('whoami')).toMatchObject({ isNew: true });
    expect(await ask('guarded')).toMatchObject({
      status: 'error',
      statusCode: 401,
      rule: 'isNew',
      message: 'a session is required',
    });
  });

  it('lets who is logged in through the guard, until the session ends elsewhere', async () => {
    const { browser, url } = await launch({ store: new MemoryStore() });
    await browser.post('/login');
    const ask = await connect(url, await browser.cookies());
    expect(await ask('guarded')).toBe('ann');
    await browser.post('/logout');
    expect(await ask('guarded')).toMatchObject({ statusCode: 401, rule: 'isNew' });
  });

  it('writes to the store what save() is called for', async () => {
    const { browser, url } = await launch({ store: new MemoryStore() });
    await browser.post('/login');
    const ask = await connect(url, await browser.cookies());
    expect(await ask('write')).toBe(1);
    expect(await ask('write')).toBe(2);
    expect(await browser.json('/said')).toEqual({ said: 2 });
  });

  it('asks the store once a message, for guards and decorators together', async () => {
    const store = new MemoryStore();
    const { browser, url } = await launch({ store });
    await browser.post('/login');
    const ask = await connect(url, await browser.cookies());
    let reads = 0;
    const read = store.read.bind(store);
    store.read = (...args) => {
      reads++;
      return read(...args);
    };
    await ask('guarded');
    expect(reads).toBe(1);
    await ask('whoami');
    expect(reads).toBe(2);
  });
});

describe('a gateway of ws with a port of its own', () => {
  @WebSocketGateway(freePort())
  class KnownGateway extends ChatHandlers implements OnGatewayConnection {
    @WebSocketServer() server!: Server;

    handleConnection(client: WebSocket, request: IncomingMessage): void {
      rememberHandshake(client, request);
    }
  }

  it('has the session when it tells the handshake', async () => {
    const { app, browser } = await start(
      {
        imports: [SessionModule.forRoot({ keys: ['k'] })],
        controllers: [HttpController],
        providers: [KnownGateway],
      },
      (starting) => starting.useWebSocketAdapter(new WsAdapter(starting)),
    );
    await browser.post('/login');
    const { port } = app.get(KnownGateway).server.address() as AddressInfo;
    const ask = await askWs(`http://127.0.0.1:${port}`, await browser.cookies());
    expect(await ask('whoami')).toMatchObject({ user: 'ann', isNew: false });
  });
});

describe('a request that asks for another protocol', () => {
  /** How long to wait for an answer, in milliseconds. */
  const PATIENCE = 2_000;

  /** The status of the answer; of one that never comes, `undefined`. */
  async function statusOf(url: string, path: string): Promise<string | undefined> {
    const { port } = new URL(url);
    const socket = connectTo(Number(port), '127.0.0.1');
    closing.push(() => socket.destroy());
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n` +
        'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n',
    );
    const timeout = AbortSignal.timeout(PATIENCE);
    const [answer] = (await once(socket, 'data', { signal: timeout }).catch(() => [])) as [Buffer?];
    return answer?.toString().split('\r\n', 1)[0];
  }

  const launch = (providers: Type<unknown>[] = []) =>
    start(
      {
        imports: [SessionModule.forRoot({ keys: ['k'] })],
        controllers: [HttpController],
        providers,
      },
      (app) => app.useWebSocketAdapter(new WsAdapter(app)),
    );

  it('is answered as any other where nobody speaks one, and keeps no connection open', async () => {
    const { app, url } = await launch();
    expect(await statusOf(url, '/said')).toBe('HTTP/1.1 200 OK');
    leave();
    const connections = () =>
      new Promise((resolve) => {
        app.getHttpServer().getConnections((_error: unknown, count: number) => resolve(count));
      });
    while ((await connections()) !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('is left to a gateway that speaks one', async () => {
    const { url } = await launch([WsGateway]);
    expect(await statusOf(url, '/ws')).toBe('HTTP/1.1 400 Bad Request');
  });

  it('is left to a server of WebSockets that came later, until it goes', async () => {
    const { app, browser, url } = await launch();
    await browser.post('/login');
    const known = new Promise((resolve) => {
      const server = new Server({ server: app.getHttpServer() as HttpServer, path: '/ws' });
      server.once('connection', (client) => {
        resolve(handshakeContext(client).get('cookie'));
        server.close();
      });
    });
    const cookie = await browser.cookies();
    await askWs(url, cookie);
    expect(await known).toBe(cookie);
    leave();
    expect(await statusOf(url, '/said')).toBe('HTTP/1.1 200 OK');
  });
});

/** A port that is likely free: gateways cannot ask for just any. */
function freePort(): number {
  return 20_000 + (process.pid % 20_000);
}
