import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Catch, Controller, Get, Module } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KoaAdapter, fromConnect, fromKoa } from '../../../lib/platform-koa/index.js';
import type {
  ConnectErrorMiddleware,
  ConnectMiddleware,
  KoaContext,
  KoaRequest,
  KoaResponse,
  NestKoaApplication,
} from '../../../lib/platform-koa/index.js';

type KoaNext = () => Promise<unknown>;

@Controller()
class MountController {
  @Get('mounted/ok') ok() {
    return 'ok';
  }
}

/** Answers with where the request seems to be once it has failed. */
@Catch()
class WhereFilter implements ExceptionFilter {
  catch(_exception: unknown, host: ArgumentsHost) {
    const http = host.switchToHttp();
    const { url, baseUrl } = http.getRequest<KoaRequest>();
    http.getResponse<KoaResponse>().status(500).json([url, baseUrl]);
  }
}

@Module({ controllers: [MountController] })
class MountModule {}

describe('Koa middleware mounted at a path', () => {
  let app: NestKoaApplication;
  let seen: unknown[];

  beforeEach(async () => {
    seen = [];
    app = await NestFactory.create<NestKoaApplication>(MountModule, new KoaAdapter(), {
      logger: false,
    });
    app.useGlobalFilters(new WhereFilter());
  });
  afterEach(() => app.close());

  async function get(path: string): Promise<string> {
    if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  }

  function useFailure(): void {
    app.use(
      '/mounted/fails',
      fromConnect((_req, _res, next) => next(new Error('below'))),
    );
  }

  it('leaves the whole URL to the filters when what follows it fails', async () => {
    app.use('/mounted', async (_ctx: KoaContext, next: KoaNext) => {
      await next();
    });
    useFailure();
    expect(await get('/mounted/fails')).toBe('["/mounted/fails",""]');
  });

  it('sees the URL below the path also where it handles what has failed', async () => {
    app.use('/mounted', async (ctx: KoaContext, next: KoaNext) => {
      await next().catch(() => (ctx.body = [ctx.url, (ctx.req as KoaRequest).baseUrl]));
    });
    useFailure();
    expect(await get('/mounted/fails')).toBe('["/fails","/mounted"]');
  });

  it('changes nothing for those around it when it does not wait for what follows', async () => {
    let rest: Promise<unknown> | undefined;
    app.use(async (ctx: KoaContext, next: KoaNext) => {
      await next();
      await rest;
      seen.push(ctx.url, (ctx.req as KoaRequest).baseUrl);
    });
    app.use(
      '/mounted',
      fromKoa((_ctx, next) => {
        rest = next();
      }),
    );
    await get('/mounted/ok');
    expect(seen).toEqual(['/mounted/ok', '']);
  });
});

type See = (req: KoaRequest) => void;

describe('Express middleware mounted at a path', () => {
  const kinds: [string, (app: NestKoaApplication, see: See) => unknown][] = [
    [
      'answers at once',
      (app, see) =>
        app.use('/mounted', ((req, res, _next) => {
          see(req);
          res.send('answered');
        }) as ConnectMiddleware),
    ],
    [
      'answers later',
      (app, see) =>
        app.use('/mounted', ((req, res, _next) => {
          setTimeout(() => {
            see(req);
            res.send('answered');
          }, 5);
        }) as ConnectMiddleware),
    ],
    [
      'answers before it is done',
      (app, see) =>
        app.use('/mounted', (async (req, res, _next) => {
          res.send('answered');
          await Promise.resolve();
          see(req);
        }) as ConnectMiddleware),
    ],
    [
      'writes its answer by hand',
      (app, see) =>
        app.use('/mounted', ((req, res, _next) => {
          res.write('ans');
          setTimeout(() => {
            see(req);
            res.end('wered');
          }, 5);
        }) as ConnectMiddleware),
    ],
    [
      'answers an error',
      (app, see) =>
        app.use(
          '/mounted',
          ((_req, _res, next) => next(new Error('to be answered'))) as ConnectMiddleware,
          ((_error, req, res, _next) => {
            see(req);
            res.send('answered');
          }) as ConnectErrorMiddleware,
        ),
    ],
  ];

  it.each(kinds)('%s below it, and the whole URL is there again around it', async (_name, use) => {
    const seen: unknown[] = [];
    const see: See = (req) => seen.push([req.url, req.path, req.baseUrl]);
    const app = await NestFactory.create<NestKoaApplication>(MountModule, new KoaAdapter(), {
      logger: false,
    });
    app.use(async (ctx: KoaContext, next: KoaNext) => {
      await next();
      see(ctx.req as KoaRequest);
    });
    use(app, see);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/mounted/x?q`);
    expect(await response.text()).toBe('answered');
    await app.close();
    expect(seen).toEqual([
      ['/x?q', '/x', '/mounted'],
      ['/mounted/x?q', '/mounted/x', ''],
    ]);
  });
});
