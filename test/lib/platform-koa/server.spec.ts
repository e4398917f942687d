import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Module,
  Post,
  Req,
  Res,
  Sse,
  StreamableFile,
  UploadedFile,
  UseInterceptors,
} from '@nestjs/common';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import Koa from 'koa';
import { of } from 'rxjs';
import { FileInterceptor, KoaAdapter } from '../../../lib/platform-koa/index.js';
import type {
  KoaRequest,
  KoaResponse,
  NestKoaApplication,
  UploadedFileInfo,
} from '../../../lib/platform-koa/index.js';
import { isNest12 } from './parity/platforms.js';

const held: KoaResponse[] = [];

@Controller()
class ServerController {
  @Get() get(@Req() req: KoaRequest) {
    const { ip, ips, protocol, secure, hostname } = req;
    return { ip, ips, protocol, secure, hostname, version: req.httpVersion };
  }
  @Post('echo') echo(@Body() body: unknown) {
    return body;
  }
  @Get('held') held(@Res() res: KoaResponse) {
    held.push(res);
  }
  @Get('text') text(@Res() res: KoaResponse) {
    res.status(202).set('x-own', 'yes').send('text');
  }
  @Post('upload')
  @UseInterceptors(FileInterceptor('f'))
  upload(@UploadedFile() file: UploadedFileInfo | undefined) {
    return file?.buffer.toString();
  }
  @Get('file') file() {
    return new StreamableFile(Buffer.from('file'), { length: 4 });
  }
  @Get('sent') sent(@Res() res: KoaResponse) {
    res.sendFile(fileURLToPath(new URL('parity/assets/note.txt', import.meta.url)));
  }
  @Get('large') large() {
    return 'a'.repeat(64 * 1024 * 1024);
  }
  @Get('endless') endless() {
    return new StreamableFile(
      Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(64 * 1024);
        })(),
      ),
    );
  }
  @Sse('events') events() {
    return of({ data: 'one' });
  }
}

/** What a test does while the application waits for its modules to close. */
let whileClosing: (() => Promise<unknown>) | undefined;

@Module({ controllers: [ServerController] })
class ServerModule {
  async onModuleDestroy() {
    await whileClosing?.();
    whileClosing = undefined;
  }
}

async function start(
  adapter: KoaAdapter,
  options: NestApplicationOptions = {},
): Promise<NestKoaApplication> {
  const app = await NestFactory.create<NestKoaApplication>(ServerModule, adapter, {
    logger: false,
    ...options,
  });
  await app.listen(0, '127.0.0.1');
  return app;
}

function portOf(app: NestKoaApplication): number {
  return (app.getHttpServer().address() as AddressInfo).port;
}

async function read(response: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

async function ask(options: https.RequestOptions, body?: string) {
  const client = options.protocol === 'https:' ? https : http;
  const request = client.request({ host: '127.0.0.1', agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return { status: response.statusCode, headers: response.headers, text: await read(response) };
}

describe('the server of KoaAdapter', () => {
  let app: NestKoaApplication | undefined;
  let folder: string;
  let secure: { key: Buffer; cert: Buffer };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'koa-adapter-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes'];
    const files = ['-newkey', 'rsa:2048', '-keyout', key, '-out', cert];
    execFileSync('openssl', ['req', '-x509', ...files, ...subject], { stdio: 'ignore' });
    secure = { key: readFileSync(key), cert: readFileSync(cert) };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(async () => {
    held.length = 0;
    await app?.close();
    app = undefined;
  });

  it('serves HTTPS', async () => {
    app = await start(new KoaAdapter(), { httpsOptions: secure });
    const { text } = await ask({
      protocol: 'https:',
      port: portOf(app),
      rejectUnauthorized: false,
    });
    expect(JSON.parse(text)).toMatchObject({ protocol: 'https', secure: true });
  });

  async function overHttp2(origin: string, headers: http2.OutgoingHttpHeaders, body?: string) {
    const session = http2.connect(origin, { rejectUnauthorized: false });
    const stream = session.request(headers);
    stream.end(body);
    const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    session.close();
    return { answer, text };
  }

  it('serves HTTP/2 over TLS, and HTTP/1.1 to clients that know no better', async () => {
    app = await start(new KoaAdapter({ http2: true }), { httpsOptions: secure });
    const port = portOf(app);
    const origin = `https://127.0.0.1:${port}`;
    const { answer, text } = await overHttp2(origin, { ':path': '/' });
    expect(answer[':status']).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ version: '2.0', secure: true, hostname: '127.0.0.1' });
    const own = await overHttp2(origin, { ':path': '/text' });
    expect([own.answer[':status'], own.answer['x-own'], own.text]).toEqual([202, 'yes', 'text']);
    const missing = await overHttp2(origin, { ':path': '/missing' });
    expect(missing.answer[':status']).toBe(404);
    const events = await overHttp2(origin, { ':path': '/events' });
    expect(events.text).toContain('data: one');
    const sent = '{"a":1}';
    const posted = await overHttp2(
      origin,
      {
        ':path': '/echo',
        ':method': 'POST',
        'content-type': 'application/json',
        'content-length': sent.length,
      },
      sent,
    );
    expect(posted.text).toBe(sent);
    const older = await ask({ protocol: 'https:', port, rejectUnauthorized: false });
    expect(JSON.parse(older.text)).toMatchObject({ version: '1.1', secure: true });
  });

  it('reads bodies over HTTP/2 that come without a length, and forms with files', async () => {
    app = await start(new KoaAdapter({ http2: true }));
    const origin = `http://127.0.0.1:${portOf(app)}`;
    const json = { ':path': '/echo', ':method': 'POST', 'content-type': 'application/json' };
    expect((await overHttp2(origin, json, '{"a":1}')).text).toBe('{"a":1}');
    const type = 'multipart/form-data; boundary=b';
    const part = 'content-disposition: form-data; name="f"; filename="f"\r\n\r\nbytes';
    const form = { ':path': '/upload', ':method': 'POST', 'content-type': type };
    const uploaded = await overHttp2(origin, form, `--b\r\n${part}\r\n--b--\r\n`);
    expect(uploaded.text).toBe('bytes');
  });

  it('answers every kind over HTTP/2, and survives streams that are reset', async () => {
    app = await start(new KoaAdapter({ http2: true }));
    const origin = `http://127.0.0.1:${portOf(app)}`;
    const file = await overHttp2(origin, { ':path': '/file' });
    expect([file.answer['content-length'], file.text]).toEqual(['4', 'file']);
    const head = await overHttp2(origin, { ':path': '/file', ':method': 'HEAD' });
    expect([head.answer[':status'], head.text]).toEqual([200, '']);
    const sent = await overHttp2(origin, { ':path': '/sent' });
    expect(sent.text).toBe('a plain file\n');
    const session = http2.connect(origin);
    const stream = session.request({ ':path': '/held' });
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await once(stream, 'close');
    held[0]!.send('too late');
    session.close();
    expect((await overHttp2(origin, { ':path': '/text' })).text).toBe('text');
  });

  it('serves plain-text HTTP/2 to clients that know', async () => {
    app = await start(new KoaAdapter({ http2: true }));
    const { text } = await overHttp2(`http://127.0.0.1:${portOf(app)}`, { ':path': '/text' });
    expect(text).toBe('text');
  });

  it('listens on a Unix socket', async () => {
    app = await NestFactory.create<NestKoaApplication>(ServerModule, new KoaAdapter(), {
      logger: false,
    });
    const socketPath = join(folder, 'app.sock');
    await app.listen(socketPath);
    expect((await ask({ socketPath, path: '/text' })).text).toBe('text');
  });

  it('rejects listen() when the port is taken', async () => {
    app = await start(new KoaAdapter());
    const second = await NestFactory.create(ServerModule, new KoaAdapter(), { logger: false });
    await expect(second.listen(portOf(app), '127.0.0.1')).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await second.close();
  });

  it('finishes open requests on close(), and ends idle connections', async () => {
    app = await start(new KoaAdapter());
    const answer = ask({ port: portOf(app), path: '/held' });
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const closed = app.close();
    held[0]!.send('finished');
    expect((await answer).text).toBe('finished');
    await closed;
  });

  it('ends every connection on close() with forceCloseConnections', async () => {
    app = await start(new KoaAdapter(), { forceCloseConnections: true });
    const socket = connect(portOf(app), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /held HTTP/1.1\r\nhost: x\r\n\r\n');
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const gone = once(socket, 'close');
    socket.on('error', () => undefined);
    await app.close();
    await gone;
  });

  // Nest 11 never tells an adapter that it is about to close.
  const itOn12 = isNest12 ? it : it.skip;
  itOn12('answers 503 to new requests while it closes, and finishes those it has', async () => {
    app = await start(new KoaAdapter(), { return503OnClosing: true });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
    const server = { port: portOf(app), agent };
    const inFlight = ask({ ...server, path: '/held' });
    await ask({ ...server, path: '/text' });
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = new Promise<Awaited<ReturnType<typeof ask>>>((resolve, reject) => {
      whileClosing = () => ask({ ...server, path: '/text' }).then(resolve, reject);
    });
    const closed = app.close();
    const { status, headers, text } = await refused;
    expect([status, headers.connection, text]).toEqual([503, 'close', 'Service Unavailable']);
    held[0]!.send('finished');
    expect((await inFlight).text).toBe('finished');
    await closed;
    agent.destroy();
  });

  itOn12('answers 503 while it closes over HTTP/2 too', async () => {
    app = await start(new KoaAdapter({ http2: true }), { return503OnClosing: true });
    (app.getHttpAdapter() as unknown as KoaAdapter).beforeClose();
    const { answer, text } = await overHttp2(`http://127.0.0.1:${portOf(app)}`, { ':path': '/' });
    expect([answer[':status'], text]).toEqual([503, 'Service Unavailable']);
  });

  it('believes a proxy only where it is told to', async () => {
    const headers = {
      'x-forwarded-for': '1.1.1.1, 2.2.2.2',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'public.test',
    };
    app = await start(new KoaAdapter());
    expect(JSON.parse((await ask({ port: portOf(app), headers })).text)).toMatchObject({
      ip: '127.0.0.1',
      ips: [],
      protocol: 'http',
      hostname: '127.0.0.1',
    });
    await app.close();
    app = await start(new KoaAdapter({ proxy: true, maxIpsCount: 1 }));
    expect(JSON.parse((await ask({ port: portOf(app), headers })).text)).toMatchObject({
      ip: '2.2.2.2',
      protocol: 'https',
      secure: true,
      hostname: 'public.test',
    });
  });

  it('runs request and response hooks around everything', async () => {
    const adapter = new KoaAdapter();
    const seen: string[] = [];
    adapter.setOnRequestHook((req: KoaRequest, _res: KoaResponse, done: () => void) => {
      seen.push(`request ${req.url}`);
      setTimeout(done, 1);
    });
    const answered = new Promise<void>((resolve) => {
      adapter.setOnResponseHook((_req: KoaRequest, res: KoaResponse) => {
        seen.push(`response ${res.statusCode}`);
        resolve();
      });
    });
    app = await start(adapter);
    await ask({ port: portOf(app), path: '/text' });
    await answered;
    expect(seen).toEqual(['request /text', 'response 202']);
  });

  it('answers the error of a request hook through the filters', async () => {
    const adapter = new KoaAdapter();
    adapter.setOnRequestHook(async () => Promise.reject(new Error('hook')));
    app = await start(adapter);
    const { status, text } = await ask({ port: portOf(app) });
    expect([status, text]).toEqual([500, '{"statusCode":500,"message":"Internal server error"}']);
  });

  it('serves the same application through koa.callback(), on a server of its own', async () => {
    const koa = new Koa();
    koa.use(async (ctx, next) => {
      await next();
      ctx.body = { wrapped: ctx.body };
    });
    app = await start(new KoaAdapter(koa));
    const server = http.createServer(koa.callback());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { status, text } = await ask({
      port: (server.address() as AddressInfo).port,
      path: '/text',
    });
    expect([status, text]).toEqual([202, '{"wrapped":"text"}']);
    server.close();
  });

  it('knows the current context where the application asks for it', async () => {
    const second = new Koa({ asyncLocalStorage: true } as never);
    second.use(async (ctx, next) => {
      await next();
      ctx.set('x-current', String((second as { currentContext?: unknown }).currentContext === ctx));
    });
    app = await start(new KoaAdapter(second));
    expect((await ask({ port: portOf(app) })).headers['x-current']).toBe('true');
  });

  describe('tells the Koa application of a connection that fails', () => {
    const QUIET = 50;

    /** The paths of the requests whose connections failed when the client left after `act`. */
    async function failures(act: (client: Socket) => Promise<unknown>): Promise<unknown[]> {
      const koa = new Koa({ asyncLocalStorage: true } as never);
      const told: unknown[] = [];
      koa.on('error', ({ code }: NodeJS.ErrnoException, ctx: Koa.Context) => {
        const { currentContext } = koa as { currentContext?: unknown };
        told.push([code === 'EPIPE' ? 'ECONNRESET' : code, ctx.path, currentContext === ctx]);
      });
      const started = await start(new KoaAdapter(koa));
      app = started;
      const closed = new Promise((resolve) => {
        started.getHttpServer().once('connection', (socket: Socket) => {
          socket.once('close', resolve);
        });
      });
      const client = connect(portOf(started), '127.0.0.1');
      await act(client);
      client.resetAndDestroy();
      await closed;
      await new Promise((resolve) => setTimeout(resolve, QUIET));
      return told;
    }

    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

    async function isHeld(): Promise<void> {
      while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }

    it('while a request is under way, with that one’s context', async () => {
      const told = await failures(async (client) => {
        client.write(get('/text'));
        await once(client, 'data');
        client.write(get('/held'));
        await isHeld();
      });
      expect(told).toEqual([['ECONNRESET', '/held', true]]);
    });

    it('of the request that is answered, where others wait behind it', async () => {
      const told = await failures(async (client) => {
        client.write(get('/held') + get('/text'));
        await isHeld();
      });
      expect(told).toEqual([['ECONNRESET', '/held', true]]);
    });

    it.each(['/large', '/endless'])('once, while the answer to %s is sent', async (path) => {
      const told = await failures(async (client) => {
        client.write(get(path));
        await once(client, 'data');
        client.pause();
      });
      expect(told).toEqual([['ECONNRESET', path, true]]);
    });

    it('but not of one that waits for its next request', async () => {
      const told = await failures(async (client) => {
        client.write(get('/text'));
        await once(client, 'data');
      });
      expect(told).toEqual([]);
    });
  });

  describe('ends an answer with its text', () => {
    it('through the `end` that a middleware has wrapped', async () => {
      const adapter = new KoaAdapter();
      const ended: unknown[] = [];
      adapter.use((_req: KoaRequest, res: KoaResponse, next: () => void) => {
        const end = res.end.bind(res) as (...args: unknown[]) => KoaResponse;
        res.end = ((...args: unknown[]) => {
          ended.push(args[0]);
          return end(...args);
        }) as typeof res.end;
        next();
      });
      app = await start(adapter);
      expect((await ask({ port: portOf(app), path: '/text' })).text).toBe('text');
      expect(ended).toEqual(['text']);
    });

    it('through the `write` that a middleware has wrapped, only if `end` does', async () => {
      const adapter = new KoaAdapter();
      let written = 0;
      adapter.use((_req: KoaRequest, res: KoaResponse, next: () => void) => {
        res.write = () => Boolean(++written);
        next();
      });
      app = await start(adapter);
      expect((await ask({ port: portOf(app), path: '/text' })).text).toBe('text');
      expect(written).toBe(0);
    });

    it('whole, also where middleware has taken its length away', async () => {
      const koa = new Koa();
      koa.use(async (ctx, next) => {
        await next();
        ctx.remove('Content-Length');
      });
      app = await start(new KoaAdapter(koa));
      const { headers, text } = await ask({ port: portOf(app), path: '/text' });
      expect([headers['content-length'], headers['transfer-encoding'], text]).toEqual([
        undefined,
        'chunked',
        'text',
      ]);
    });

    it('with its length, also where nobody has set one', async () => {
      const koa = new Koa();
      koa.use(async (ctx, next) => {
        ctx.set('Transfer-Encoding', 'chunked');
        await next();
        ctx.remove('Transfer-Encoding');
      });
      app = await start(new KoaAdapter(koa));
      const agent = new http.Agent({ keepAlive: true });
      const { headers, text } = await ask({ port: portOf(app), path: '/text', agent });
      agent.destroy();
      expect([headers['content-length'], headers.connection, text]).toEqual([
        '4',
        'keep-alive',
        'text',
      ]);
    });

    it('through the `end` that somebody has put on a prototype', async () => {
      const koa = new Koa();
      let own: http.ServerResponse | undefined;
      koa.use((ctx, next) => {
        own ??= Object.getPrototypeOf(ctx.res) as http.ServerResponse;
        return next();
      });
      app = await start(new KoaAdapter(koa));
      const port = portOf(app);
      await ask({ port, path: '/text' });
      for (const prototype of [
        own as unknown as http.ServerResponse,
        http.ServerResponse.prototype,
      ]) {
        const end = jest.spyOn(prototype, 'end');
        try {
          await ask({ port, path: '/text' });
          expect(end.mock.calls.map(([chunk]) => chunk)).toEqual(['text']);
        } finally {
          end.mockRestore();
        }
      }
    });

    it('and is done with it when `finish` is emitted', async () => {
      const adapter = new KoaAdapter();
      const finished = new Promise((resolve) => {
        adapter.use((_req: KoaRequest, res: KoaResponse, next: () => void) => {
          res.once('finish', () => resolve([res.writableFinished, res.headersSent]));
          next();
        });
      });
      app = await start(adapter);
      await ask({ port: portOf(app), path: '/text' });
      expect(await finished).toEqual([true, true]);
    });
  });

  it('has requests handled by a Koa class that does it in its own way', async () => {
    const handled: string[] = [];
    class OwnKoa extends Koa {
      handleRequest(ctx: Koa.Context, chain: (ctx: Koa.Context) => Promise<void>): Promise<void> {
        handled.push(ctx.path);
        const { handleRequest } = Koa.prototype as unknown as OwnKoa;
        return handleRequest.call(this, ctx, chain);
      }
    }
    app = await start(new KoaAdapter(new OwnKoa()));
    expect((await ask({ port: portOf(app), path: '/text' })).text).toBe('text');
    expect(handled).toEqual(['/text']);
  });

  it('refuses to start with what is neither a Koa application nor options', () => {
    expect(() => new KoaAdapter('koa' as never)).toThrow(
      expect.objectContaining({ code: 'ERR_ADAPTER' }),
    );
  });
});
