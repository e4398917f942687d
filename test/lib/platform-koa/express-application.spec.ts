import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Body, Controller, Get, Module, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { INestApplication, MiddlewareConsumer } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type Koa from 'koa';
import { KoaAdapter } from '../../../lib/platform-koa/index.js';
import type {
  ConnectErrorMiddleware,
  ConnectMiddleware,
  KoaContext,
  KoaRequest,
  KoaResponse,
} from '../../../lib/platform-koa/index.js';
import { loadExpress, platforms } from './parity/platforms.js';
import type { ExpressApplication, Platform } from './parity/platforms.js';

const express = loadExpress();

@Controller()
class NestController {
  @Get('legacy/nest/:id') below(
    @Param('id') id: string,
    @Query() query: object,
    @Req() req: KoaRequest,
    @Res({ passthrough: true }) res: KoaResponse,
  ) {
    res.cookie('from', 'nest').status(202);
    const { url, baseUrl, originalUrl, path, params, hostname } = req;
    return { id, query, url, baseUrl, originalUrl, path, params, hostname, locals: res.locals };
  }
  @Post('legacy/nest') body(@Body() body: unknown) {
    return { body };
  }
  @Get('nest/sent') sent(@Req() req: KoaRequest, @Res() res: KoaResponse) {
    res.set('x-sent', 'by nest').json({ isItself: req.res === res && res.req === req });
  }
  @Get('legacy/nest-fails') fails() {
    throw new Error('secret');
  }
}

@Module({ controllers: [NestController] })
class NestModule {}

@Module({ controllers: [NestController] })
class ConsumingModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(legacy()).forRoutes('legacy');
  }
}

/** An application as it was before Nest. */
function legacy(): ExpressApplication {
  const app = express();
  app.use(express.json());
  app.use((_req, res, next) => {
    res.locals.legacy = 'was here';
    next();
  });
  app.get('/users/:id', (req, res) => {
    const { url, baseUrl, originalUrl, path, params, query, protocol } = req;
    res.status(203).cookie('from', 'express');
    res.json({ url, baseUrl, originalUrl, path, params, query, protocol });
  });
  app.post('/echo', (req, res) => res.send(req.body));
  app.get('/fails', (_req, _res, next) => next(new Error('secret')));
  app.get('/throws', () => {
    throw Object.assign(new Error('shown'), { status: 409, statusCode: 409, expose: true });
  });
  const inner = express();
  inner.get('/deep', (req, res) => res.send(`${req.baseUrl} ${res.locals.legacy}`));
  const router = express.Router();
  router.use('/inner', inner);
  app.use('/router', router);
  app.use('/inner', inner);
  return app;
}

interface Setup {
  readonly name: string;
  readonly module?: object;
  use(app: INestApplication): unknown;
}

const setups: Setup[] = [
  { name: 'at a path', use: (app) => app.use('/legacy', legacy()) },
  { name: 'by a module', module: ConsumingModule, use: () => undefined },
  {
    name: 'without a path',
    use: (app) => {
      const outer = express();
      outer.use('/legacy', legacy());
      return app.use(outer);
    },
  },
  {
    name: 'in a router',
    use: (app) => {
      const router = express.Router();
      router.use('/legacy', legacy());
      return app.use(router);
    },
  },
];

const requests: [method: string, path: string][] = [
  ['GET', '/legacy/users/5?a=1'],
  ['HEAD', '/legacy/users/5?a=1'],
  ['POST', '/legacy/echo'],
  ['GET', '/legacy/inner/deep'],
  ['GET', '/legacy/router/inner/deep'],
  ['GET', '/legacy/inner/missing'],
  ['GET', '/legacy/fails'],
  ['GET', '/legacy/throws'],
  ['GET', '/legacy/nest/7?b=2'],
  ['POST', '/legacy/nest'],
  ['GET', '/legacy/nest-fails'],
  ['GET', '/legacy/missing'],
  ['GET', '/nest/sent'],
];

describe('An Express application', () => {
  async function start(platform: Platform, { module = NestModule, use }: Setup) {
    const adapter = platform.createAdapter();
    const app = await NestFactory.create(module as never, adapter, { logger: false });
    use(app);
    await app.listen(0, '127.0.0.1');
    return app;
  }

  async function ask(server: Server, method: string, path: string): Promise<unknown> {
    const { port } = server.address() as AddressInfo;
    const isPost = method === 'POST';
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { connection: 'close', ...(isPost && { 'content-type': 'application/json' }) },
      ...(isPost && { body: '{"some":"body"}' }),
    });
    const headers = ['content-type', 'set-cookie', 'x-sent'].map((h) => response.headers.get(h));
    return [response.status, headers, await response.text()];
  }

  it.each(setups)('mounted $name answers as on Nest’s Express, or passes on', async (setup) => {
    const apps: INestApplication[] = [];
    for (const platform of platforms) apps.push(await start(platform, setup));
    for (const [method, path] of requests) {
      const [expected, answer] = await Promise.all(
        apps.map((app) => ask(app.getHttpServer() as Server, method, path)),
      );
      expect([path, answer]).toEqual([path, expected]);
    }
    await Promise.all(apps.map((app) => app.close()));
  });

  it('shares what there is with the context, and the middleware around', async () => {
    const seen: unknown[] = [];
    const app = await start(platforms[1], {
      name: '',
      use: (nest) => {
        nest.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
          ctx.state['before'] = 'set';
          await next();
          const { body } = ctx.request as { body?: unknown };
          seen.push(ctx.status, ctx.url, ctx.state, body);
        });
        nest.use('/legacy', legacy());
      },
    });
    await ask(app.getHttpServer() as Server, 'POST', '/legacy/echo');
    const state = { before: 'set', legacy: 'was here' };
    expect(seen.splice(0)).toEqual([200, '/legacy/echo', state, { some: 'body' }]);
    await ask(app.getHttpServer() as Server, 'POST', '/legacy/nest');
    expect(seen).toEqual([201, '/legacy/nest', state, { some: 'body' }]);
    await app.close();
  });

  it('leaves errors and answers to error middleware of the adapter', async () => {
    const app = await start(platforms[1], {
      name: '',
      use: (nest) => {
        nest.use('/legacy', legacy());
        nest.use(((error, req, res, _next) => {
          res.status(418).json([(error as Error).message, req.path, req.ctx === res.ctx]);
        }) as ConnectErrorMiddleware);
        nest.use(((_req, _res, next) => next()) as ConnectMiddleware);
      },
    });
    expect(await ask(app.getHttpServer() as Server, 'GET', '/legacy/fails')).toEqual([
      418,
      [expect.stringContaining('application/json'), null, null],
      '["secret","/legacy/fails",true]',
    ]);
    await app.close();
  });

  it('is served on a server of its own, too', async () => {
    const adapter = new KoaAdapter();
    const app = await NestFactory.create(NestModule, adapter, { logger: false });
    app.use('/legacy', legacy());
    await app.init();
    const listener = adapter.getInstance<Koa>().callback() as RequestListener;
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (const [path, status] of [
      ['/legacy/users/5', 203],
      ['/legacy/nest/7', 202],
    ] as const) {
      expect(await ask(server, 'GET', path)).toEqual([
        status,
        expect.anything(),
        expect.anything(),
      ]);
    }
    server.close();
    await app.close();
  });
});
