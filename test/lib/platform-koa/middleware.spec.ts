import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Catch, Controller, Get, Module, Param, Req } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import Koa from 'koa';
import { Ctx, KoaAdapter, State, fromConnect, fromKoa } from '../../../lib/platform-koa/index.js';
import type {
  ConnectMiddleware,
  KoaContext,
  KoaRequest,
  KoaResponse,
  NestKoaApplication,
} from '../../../lib/platform-koa/index.js';

const storage = new AsyncLocalStorage<string>();

@Controller()
class MiddlewareController {
  @Get('object') object() {
    return { a: 1 };
  }
  @Get('als') als() {
    return { stored: storage.getStore() };
  }
  @Get('state') state(@State() state: object, @State('user') user: string) {
    return { state, user };
  }
  @Get('ctx') ctx(@Ctx() ctx: KoaContext, @Ctx('path') path: string, @Req() req: KoaRequest) {
    return { same: ctx === req.ctx, back: ctx.req === (req as unknown), path };
  }
  @Get('shared/:id') shared(@Req() req: KoaRequest, @Param('id') id: string) {
    req.body = { set: 'on the request' };
    return { id, params: req.ctx['params'], body: (req.ctx.request as { body?: unknown }).body };
  }
  @Get('query') query(@Req() req: KoaRequest) {
    const before = req.query;
    req.query = { assigned: true };
    return { before, after: req.query, url: req.url };
  }
  @Get('session') session(@Req() req: KoaRequest) {
    const before = req.session ?? null;
    req.session = { written: true };
    return { before, onContext: (req.ctx as { session?: unknown }).session ?? null };
  }
  @Get('throws') throws() {
    throw new Error('secret');
  }
}

@Catch()
class RememberingFilter implements ExceptionFilter {
  readonly seen: unknown[] = [];

  catch(exception: unknown, host: ArgumentsHost) {
    this.seen.push(exception);
    host.switchToHttp().getResponse<KoaResponse>().status(599).json({ filtered: true });
  }
}

@Module({ controllers: [MiddlewareController] })
class MiddlewareModule {}

describe('middleware around controllers on Koa', () => {
  let app: NestKoaApplication;
  let koa: Koa;

  beforeEach(async () => {
    koa = new Koa();
    app = await NestFactory.create<NestKoaApplication>(MiddlewareModule, new KoaAdapter(koa), {
      logger: false,
      abortOnError: false,
    });
  });
  afterEach(() => app.close());

  async function get(path: string) {
    if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  it('sees the value a handler returned, and may replace it', async () => {
    app.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
      await next();
      ctx.body = { data: ctx.body };
    });
    expect((await get('/object')).text).toBe('{"data":{"a":1}}');
    expect((await get('/missing')).text).toContain('"data":{"message":"Cannot GET /missing"');
  });

  it('may answer in place of the handler', async () => {
    koa.use((ctx) => {
      ctx.status = 202;
      ctx.body = 'stopped here';
    });
    expect(await get('/object')).toMatchObject({ status: 202, text: 'stopped here' });
  });

  it('added while the application runs takes part from then on', async () => {
    expect((await get('/object')).headers.get('x-later')).toBeNull();
    koa.middleware.unshift(async (ctx, next) => {
      await next();
      ctx.set('x-later', 'yes');
    });
    expect((await get('/object')).headers.get('x-later')).toBe('yes');
  });

  it('keeps its asynchronous context down to the handler, of either kind', async () => {
    app.use(((_req, _res, next) => storage.run('connect', next)) as ConnectMiddleware);
    expect((await get('/als')).text).toBe('{"stored":"connect"}');
  });

  it('answers ctx.throw() through the filters, with the message where it may be shown', async () => {
    app.use('/no', (ctx: KoaContext, _next: unknown) => ctx.throw(403, 'no entry'));
    app.use('/down', (ctx: KoaContext, _next: unknown) =>
      ctx.throw(503, 'the database is down', { headers: { 'retry-after': '9' } }),
    );
    expect(await get('/no')).toMatchObject({ status: 403 });
    expect((await get('/no')).text).toContain('no entry');
    const down = await get('/down');
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '9']);
    expect(down.text).not.toContain('database');
  });

  it('that fails after the answer was given turns it into an error', async () => {
    app.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
      await next();
      ctx.set('x-kept', 'yes');
      throw Object.assign(new Error('commit failed'), {
        status: 503,
        statusCode: 503,
        expose: false,
        headers: { 'retry-after': '1' },
      });
    });
    const { status, headers, text } = await get('/object');
    expect([status, text]).toEqual([503, '{"statusCode":503,"message":"Service Unavailable"}']);
    expect([headers.get('retry-after'), headers.get('x-kept')]).toEqual(['1', 'yes']);
  });

  it('around a failing one sees the error before the filters do', async () => {
    const caught: unknown[] = [];
    const filter = new RememberingFilter();
    app.useGlobalFilters(filter);
    koa.use(async (_ctx, next) => {
      try {
        await next();
      } catch (error) {
        caught.push(error);
        throw error;
      }
    });
    app.use(
      '/fails',
      fromConnect((_req, _res, next) => next('not even an error')),
    );
    expect(await get('/fails')).toMatchObject({ status: 599, text: '{"filtered":true}' });
    expect([caught, filter.seen]).toEqual([['not even an error'], ['not even an error']]);
  });

  it('tells the listeners of the Koa application of a failure that was answered with a 5xx', async () => {
    const heard: unknown[] = [];
    koa.on('error', (error) => heard.push(error));
    const failure = new Error('secret');
    app.use(
      '/fails',
      fromConnect(() => Promise.reject(failure)),
    );
    app.use('/refuses', (ctx: KoaContext, _next: unknown) => ctx.throw(400));
    expect((await get('/fails')).status).toBe(500);
    expect((await get('/refuses')).status).toBe(400);
    expect(heard).toEqual([failure]);
  });

  it('mounted at a path does not see that path, and what follows does', async () => {
    const seen: unknown[] = [];
    app.use('/base', async (ctx: KoaContext, next: () => Promise<unknown>) => {
      seen.push(ctx.url);
      await next();
      seen.push(ctx.url);
    });
    app.use('/base', ((req, _res, next) => {
      seen.push(req.url, req.baseUrl);
      next();
    }) as ConnectMiddleware);
    app.use(((req, _res, next) => {
      seen.push(req.url, req.baseUrl);
      next();
    }) as ConnectMiddleware);
    await get('/base/x?q');
    expect(seen).toEqual(['/x?q', '/x?q', '/base', '/base/x?q', '', '/x?q']);
  });

  it('is refused where its kind cannot be told', () => {
    expect(() => app.use((...args: unknown[]) => args)).toThrow(/fromKoa\(\) or fromConnect\(\)/);
    expect(() => app.use('text' as never, 5 as never)).toThrow(
      expect.objectContaining({ code: 'ERR_ADAPTER' }),
    );
    expect(() => app.use(fromKoa((...args) => args[1]()))).not.toThrow();
  });

  it('and modules set up the application behind the adapter as they do with Express', async () => {
    type Call = (...args: unknown[]) => unknown;
    type Names = 'set' | 'get' | 'enable' | 'disable' | 'enabled' | 'disabled';
    type Settings = Record<Names, Call> & { locals: Record<string, unknown> };
    const instance = app.getHttpAdapter().getInstance() as unknown as Settings;
    expect(instance.set('trust proxy', 1)).toBe(instance);
    instance.disable('x-powered-by');
    instance.enable('own setting');
    instance.locals['title'] = 'shared';
    expect([instance.get('trust proxy'), koa.proxy, koa.maxIpsCount]).toEqual([1, true, 1]);
    expect([instance.enabled('own setting'), instance.disabled('x-powered-by')]).toEqual([
      true,
      true,
    ]);
    app.set('subdomain offset', 3).set('trust proxy', false);
    expect([instance.get('trust proxy'), koa.proxy, koa.subdomainOffset]).toEqual([
      false,
      false,
      3,
    ]);
    instance.get('/by-instance', ((_req, res) => res.send('here')) as ConnectMiddleware);
    expect((await get('/by-instance')).text).toBe('here');
  });

  it.each([
    ['trust proxy', 'localhost'],
    ['trust proxy', '10.0.0.0/99'],
    ['trust proxy', '10.0.0.0/8/8'],
    ['trust proxy', 'constructor'],
    ['trust proxy', { all: true }],
    ['trust proxy', ''],
    ['query parser', 'nested'],
  ])('is refused a setting that would do something else than on Express: %s %p', (name, value) => {
    expect(() => app.set(name, value)).toThrow(expect.objectContaining({ code: 'ERR_ADAPTER' }));
    expect(koa.proxy).toBe(false);
  });

  it('and handlers share state, context, body and parameters', async () => {
    app.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
      ctx.state['user'] = 'ann';
      await next();
    });
    expect((await get('/state')).text).toBe('{"state":{"user":"ann"},"user":"ann"}');
    expect((await get('/ctx')).text).toBe('{"same":true,"back":true,"path":"/ctx"}');
    expect(JSON.parse((await get('/shared/7')).text)).toEqual({
      id: '7',
      params: { id: '7' },
      body: { set: 'on the request' },
    });
    expect(JSON.parse((await get('/query?a=1')).text)).toEqual({
      before: { a: '1' },
      after: { assigned: true },
      url: '/query?a=1',
    });
  });

  it('that gives the context a session gives the request the same one', async () => {
    app.use('/session', async (ctx: KoaContext, next: () => Promise<unknown>) => {
      if (ctx.get('x-none') === '' && ctx.query['with'] === '1') {
        (ctx as { session?: unknown }).session = { from: 'middleware' };
      }
      await next();
    });
    expect(JSON.parse((await get('/session?with=1')).text)).toEqual({
      before: { from: 'middleware' },
      onContext: { written: true },
    });
    expect(JSON.parse((await get('/session')).text)).toEqual({ before: null, onContext: null });
  });
});
