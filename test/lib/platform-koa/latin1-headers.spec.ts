import 'reflect-metadata';
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { BadRequestException, Controller, Get, Module, Res } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import Koa from 'koa';
import { Ctx, KoaAdapter } from '../../../lib/platform-koa/index.js';
import type { KoaContext, KoaResponse } from '../../../lib/platform-koa/index.js';
import { send } from './parity/client.js';
import { platforms } from './parity/platforms.js';

/** Every letter of it is one byte in Latin-1, and two in UTF-8. */
const NAME = 'ÿöé';
const WIDE = 'ü 日本 😀';

@Controller()
class HeaderController {
  @Get('string') string() {
    return 'text';
  }
  @Get('wide-string') wideString() {
    return WIDE;
  }
  @Get('empty') empty() {
    return '';
  }
  @Get('object') object() {
    return { a: 'text' };
  }
  @Get('wide-object') wideObject() {
    return { a: WIDE };
  }
  @Get('send') send(@Res() res: KoaResponse) {
    res.send('text');
  }
  @Get('wide-send') wideSend(@Res() res: KoaResponse) {
    res.send(WIDE);
  }
  @Get('json') json(@Res() res: KoaResponse) {
    res.json([WIDE]);
  }
  @Get('bytes') bytes(@Res() res: KoaResponse) {
    res.send(Buffer.from(WIDE));
  }
  @Get('status-text') statusText(@Res() res: KoaResponse) {
    res.removeHeader('x-name');
    res.statusMessage = NAME;
    res.send(WIDE);
  }
  @Get('list') list(@Res() res: KoaResponse) {
    res.removeHeader('x-name');
    res.setHeader('x-list', ['a', NAME]);
    res.send(WIDE);
  }
  @Get('error') error() {
    throw new BadRequestException(WIDE);
  }
}

@Controller()
class KoaController {
  @Get('ctx-text') text(@Ctx() ctx: KoaContext) {
    ctx.body = 'text';
  }
  @Get('ctx-wide') wide(@Ctx() ctx: KoaContext) {
    ctx.body = WIDE;
  }
  @Get('ctx-object') object(@Ctx() ctx: KoaContext) {
    ctx.body = { a: WIDE };
  }
  @Get('ctx-unmeasured') unmeasured(@Ctx() ctx: KoaContext) {
    ctx.body = WIDE;
    ctx.remove('Content-Length');
  }
}

@Module({ controllers: [HeaderController] })
class HeaderModule {}

@Module({ controllers: [HeaderController, KoaController] })
class KoaHeaderModule {}

const paths = [
  ...['string', 'wide-string', 'empty', 'object', 'wide-object', 'send', 'wide-send', 'json'],
  ...['bytes', 'status-text', 'list', 'error', 'missing'],
];
const koaPaths = ['ctx-text', 'ctx-wide', 'ctx-object', 'ctx-unmeasured'];

type Pass = () => void;

function useName(app: INestApplication): void {
  app.use((_req: unknown, res: ServerResponse, next: Pass) => {
    res.setHeader('x-name', NAME);
    next();
  });
}

/** As express-session, compression and others do. */
function useWrapper(app: INestApplication): void {
  app.use((_req: unknown, res: ServerResponse, next: Pass) => {
    const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
    res.end = ((...args: unknown[]) => end(...args)) as ServerResponse['end'];
    next();
  });
}

/** Sets the header where it is last possible, as on-headers does. */
function useLateName(app: INestApplication): void {
  app.use((_req: unknown, res: ServerResponse, next: Pass) => {
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => ServerResponse;
    res.writeHead = ((...args: unknown[]) => {
      res.setHeader('x-late', NAME);
      return writeHead(...args);
    }) as ServerResponse['writeHead'];
    next();
  });
}

/** The application's requests, by way of a server that the adapter has not made. */
function servedBy(server: Server): INestApplication {
  return { getHttpServer: () => server } as unknown as INestApplication;
}

describe('a header beyond ASCII', () => {
  const apps: INestApplication[] = [];
  const servers: Server[] = [];
  let express: INestApplication;
  let koa: INestApplication;

  async function start(app: INestApplication, ...uses: ((app: INestApplication) => void)[]) {
    apps.push(app);
    for (const use of uses) use(app);
    await app.listen(0, '127.0.0.1');
    return app;
  }
  async function startForeign(adapter: Koa): Promise<INestApplication> {
    const app = await NestFactory.create(KoaHeaderModule, new KoaAdapter(adapter), {
      logger: false,
    });
    apps.push(app);
    useName(app);
    await app.init();
    const server = createServer(adapter.callback() as RequestListener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return servedBy(server);
  }
  function create(index: 0 | 1): Promise<INestApplication> {
    const module = index === 0 ? HeaderModule : KoaHeaderModule;
    return NestFactory.create(module, platforms[index].createAdapter(), { logger: false });
  }

  beforeAll(async () => {
    express = await start(await create(0), useName);
    koa = await start(await create(1), useName);
  });
  afterAll(async () => {
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    await Promise.all(apps.map((app) => app.close()));
  });

  /** What shows the encoding of the head and of the body. */
  async function encodingOf(app: INestApplication, path: string): Promise<unknown[]> {
    const { status, message, headers, body } = await send(app, { path: `/${path}` });
    expect(Buffer.byteLength(body, 'latin1')).toBe(
      Number(headers['content-length'] ?? body.length),
    );
    return [status, message, headers['x-name'], headers['x-list'], body];
  }

  it.each(paths)('is sent as on Express: %s', async (path) => {
    const sent = await encodingOf(express, path);
    expect(JSON.stringify(sent)).toContain(NAME);
    expect(await encodingOf(koa, path)).toEqual(sent);
  });

  it.each(koaPaths)('is Latin-1 beside what is answered in the way of Koa: %s', async (path) => {
    const [, , name, , body] = await encodingOf(koa, path);
    const text = Buffer.from(String(body), 'latin1').toString();
    expect([name, text.includes('text') || text.includes(WIDE)]).toEqual([NAME, true]);
  });

  it('is sent as on Express through an end() that somebody has wrapped', async () => {
    const wrapped = await start(await create(1), useName, useWrapper);
    for (const path of paths)
      expect(await encodingOf(wrapped, path)).toEqual(await encodingOf(express, path));
  });

  it('is Latin-1 also where it is set at the very last', async () => {
    const late = await start(await create(1), useLateName);
    expect((await send(late, { path: '/string' })).headers['x-late']).toBe(NAME);
  });

  it('is sent as on Express by a server that the adapter has not made', async () => {
    const app = await startForeign(new Koa());
    for (const path of paths)
      expect(await encodingOf(app, path)).toEqual(await encodingOf(express, path));
    for (const path of koaPaths)
      expect(await encodingOf(app, path)).toEqual(await encodingOf(koa, path));
  });

  it('is sent as on Express where the application handles requests in its own way', async () => {
    class OwnKoa extends Koa {}
    const { handleRequest } = Koa.prototype as unknown as {
      handleRequest: (...args: unknown[]) => unknown;
    };
    Object.assign(OwnKoa.prototype, {
      handleRequest(this: unknown, ...args: unknown[]) {
        return handleRequest.apply(this, args);
      },
    });
    const adapter = new KoaAdapter(new OwnKoa());
    const own = await start(
      await NestFactory.create(KoaHeaderModule, adapter, { logger: false }),
      useName,
    );
    for (const path of paths)
      expect(await encodingOf(own, path)).toEqual(await encodingOf(express, path));
  });
});
