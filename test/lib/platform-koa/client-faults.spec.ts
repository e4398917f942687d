import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { inspect } from 'node:util';
import { PassThrough } from 'node:stream';
import { Controller, Get, Logger, Module, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import Koa from 'koa';
import { KoaAdapter } from '../../../lib/platform-koa/index.js';
import type {
  KoaAdapterOptions,
  KoaContext,
  KoaResponse,
  NestKoaApplication,
} from '../../../lib/platform-koa/index.js';
import { BodyController } from './body.controller.js';

const SECRET = 'hunter2';

/** As Node's parser makes them for what a client, or a backend, has sent. */
function parserError(): Error {
  return Object.assign(new Error('Parse Error'), {
    code: 'HPE_INVALID_CHUNK_SIZE',
    rawPacket: Buffer.from(SECRET),
  });
}

@Controller()
class FaultsController {
  @Get('held') held(@Res() _res: KoaResponse) {
    // Never answered: it is over when the client is gone.
  }
  @Get('throws') throws() {
    throw parserError();
  }
  @Get('breaks-off') breaksOff(@Res() res: KoaResponse) {
    const stream = new PassThrough();
    res.ctx.body = stream;
    stream.write('half');
    setImmediate(() => stream.destroy(parserError()));
  }
}

@Module({ controllers: [BodyController, FaultsController] })
class FaultsModule {}

describe('What a client does wrong', () => {
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
  const post = (path: string, type: string, length: string) =>
    `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\n${length}\r\n\r\n`;
  const json = (path: string) =>
    post(path, 'application/json', 'content-length: 1000') + `{"password":"${SECRET}`;
  const chunked = post('/body', 'application/json', 'transfer-encoding: chunked');
  const upload =
    post('/upload', 'multipart/form-data; boundary=b', 'content-length: 1000') +
    `--b\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\n${SECRET}`;

  let app: NestKoaApplication;
  let server: Server;
  let errors: string[];
  let heard: string[];
  let begun: number;
  let ended: number;

  beforeEach(() => {
    errors = [];
    heard = [];
    begun = 0;
    ended = 0;
  });
  afterEach(async () => {
    if (server !== app.getHttpServer()) server.close();
    await app.close();
    Logger.overrideLogger(false);
  });

  async function start(options: KoaAdapterOptions = {}, isForeign = false): Promise<void> {
    const koa = new Koa();
    koa.on('error', (error) => heard.push(inspect(error)));
    app = await NestFactory.create<NestKoaApplication>(FaultsModule, new KoaAdapter(koa, options), {
      logger: false,
    });
    const error = (message: unknown, _stack: unknown, context: string) =>
      errors.push(`${context}: ${inspect(message)}`);
    Logger.overrideLogger({ log: () => undefined, warn: error, error });
    app.use(async (_ctx: KoaContext, next: () => Promise<unknown>) => {
      begun++;
      try {
        await next();
      } finally {
        ended++;
      }
    });
    await app.init();
    server = isForeign ? createServer(koa.callback() as RequestListener) : app.getHttpServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }

  async function until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** Sends what is wrong, once the request is under way, and waits until the server is done with it. */
  async function send(first: string, wrong: string | ((client: Socket) => unknown)) {
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let text = '';
    client.on('error', () => undefined).on('data', (bytes: Buffer) => (text += bytes.toString()));
    const [socket] = await connected;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    client.write(first);
    await until(() => begun === 1 || socket.destroyed);
    if (typeof wrong === 'string') client.write(wrong);
    else wrong(client);
    await closed;
    await until(() => ended === begun);
    // What is logged is logged by now, in promises that had nothing left to wait for.
    await new Promise((resolve) => setImmediate(resolve));
    client.destroy();
    return text.split('\r\n', 1)[0];
  }

  const destroy = (client: Socket) => client.destroy();
  const reset = (client: Socket) => client.resetAndDestroy();
  const malformed = `ZZ${SECRET}\r\n`;

  it.each([
    ['a malformed body', chunked, malformed],
    ['a malformed request behind another', get('/held'), `${SECRET}\r\n\r\n`],
    ['a body that a client breaks off', json('/body'), destroy],
    ['a connection that a client resets', json('/body'), reset],
    ['a body that its client ends early', json('/body'), (client: Socket) => client.end()],
    ['an upload that a client breaks off', upload, destroy],
    ['an upload whose connection is reset', upload, reset],
  ])('is no error of the application: %s', async (_name, first, wrong) => {
    await start();
    await send(first, wrong);
    expect(errors).toEqual([]);
    expect(heard.join()).not.toContain('rawPacket');
  });

  it('is no error of the application on a server of its own either', async () => {
    await start({}, true);
    expect(await send(chunked, malformed)).toBe('HTTP/1.1 400 Bad Request');
    expect(errors).toEqual([]);
    expect(heard.join()).not.toContain('rawPacket');
  });

  it('is no error of the application: a body that takes too long', async () => {
    const limits = { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 20 };
    await start({ server: limits });
    expect(await send(json('/body'), () => undefined)).toBe('HTTP/1.1 408 Request Timeout');
    expect(errors).toEqual([]);
  });

  it('differs from what a handler throws, which is logged', async () => {
    await start();
    const { port } = server.address() as AddressInfo;
    expect((await fetch(`http://127.0.0.1:${port}/throws`)).status).toBe(500);
    expect(errors).toEqual([expect.stringMatching(/^ExceptionsHandler: Error: Parse Error/)]);
  });

  it('differs from an answer that breaks off, which is logged without what it was made of', async () => {
    await start();
    const { port } = server.address() as AddressInfo;
    const cut = fetch(`http://127.0.0.1:${port}/breaks-off`).then((response) => response.text());
    await expect(cut).rejects.toThrow();
    expect(errors[0]).toMatch(/^KoaAdapter: Error: Parse Error/);
    expect(errors.concat(heard).join()).not.toContain('rawPacket');
  });
});
