import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  HttpException,
  Injectable,
  Module,
  Next,
  Param,
  Post,
  Query,
  Redirect,
  Req,
  Res,
  Scope,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import type { MiddlewareConsumer, NestMiddleware, NestModule } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import Koa from 'koa';
import { delay, map, of, timer } from 'rxjs';
import { Ctx, KoaAdapter, State, fromConnect, fromKoa } from '../../../lib/platform-koa/index.js';
import type {
  KoaContext,
  KoaRequest,
  KoaResponse,
  NestKoaApplication,
} from '../../../lib/platform-koa/index.js';

const order: string[] = [];

@Injectable()
class TraceMiddleware implements NestMiddleware {
  use(req: KoaRequest, _res: KoaResponse, next: () => void) {
    order.push(`nest:${req.originalUrl}`);
    next();
  }
}

@Controller()
class MainController {
  @Get('hello/:name')
  hello(@Param('name') name: string, @Query() query: object, @Ctx() ctx: KoaContext) {
    order.push('handler');
    return { name, query, isContext: ctx.req.url };
  }

  @Post('echo')
  echo(@Body() body: unknown) {
    return { body };
  }

  @Get('files/*path')
  files(@Param('path') path: string[]) {
    return path;
  }

  @Get('text')
  @Header('x-own', 'yes')
  text() {
    return 'plain <b>';
  }

  @Get('empty')
  @HttpCode(202)
  empty() {
    return null;
  }

  @Get('observable')
  observable() {
    return of({ from: 'rx' }).pipe(delay(1));
  }

  @Get('stream')
  stream() {
    return new StreamableFile(Buffer.from('file bytes'), { type: 'text/x-test' });
  }

  @Get('res')
  res(@Res() res: KoaResponse) {
    res.status(201).json({ own: true });
  }

  @Get('late')
  late(@Res() res: KoaResponse) {
    setTimeout(() => res.status(203).send('late'), 5);
  }

  @Get('late-end')
  lateEnd(@Res() res: KoaResponse) {
    setTimeout(() => {
      res.statusCode = 207;
      res.end('raw');
    }, 5);
  }

  @Get('koa-way')
  koaWay(@Ctx() ctx: KoaContext) {
    ctx.status = 206;
    ctx.body = 'koa';
  }

  @Get('redirect')
  @Redirect('/elsewhere', 301)
  redirect() {}

  @Get('teapot')
  teapot() {
    throw new HttpException('short and stout', 418);
  }

  @Get('broken')
  broken() {
    throw new Error('secret');
  }

  @Get('circular')
  circular() {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    return value;
  }

  @Get('twice')
  twice(@Res() res: KoaResponse) {
    res.send('first');
    res.send('second');
  }

  @Get('next')
  skip(@Next() next: () => void) {
    next();
  }

  @Get('next')
  second() {
    return 'second handler';
  }

  @Get('session')
  session(@Req() req: KoaRequest, @State('user') user: unknown) {
    return { session: req.session, user };
  }

  @Sse('events')
  events() {
    return timer(0, 1).pipe(
      map((n) => ({ data: String(n) })),
      (source) => source,
    );
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  @Get()
  get() {
    return 'scoped';
  }
}

@Injectable()
class RegistersEarly {
  constructor(host: HttpAdapterHost) {
    host.httpAdapter.use(async function early(ctx: KoaContext, next: () => Promise<unknown>) {
      order.push('early:in');
      await next();
      order.push(`early:out:${typeof ctx.body}`);
      ctx.set('x-early', String(ctx.status));
    });
  }
}

@Module({ controllers: [MainController, ScopedController], providers: [RegistersEarly] })
class MainModule implements NestModule {
  constructor(private readonly host: HttpAdapterHost<KoaAdapter>) {}

  configure(consumer: MiddlewareConsumer) {
    this.host.httpAdapter.use(async function configured(
      _ctx: KoaContext,
      next: () => Promise<unknown>,
    ) {
      order.push('configured');
      await next();
    });
    consumer.apply(TraceMiddleware).exclude('text').forRoutes('*path');
  }

  onModuleInit() {
    this.host.httpAdapter.use(async function onInit(
      _ctx: KoaContext,
      next: () => Promise<unknown>,
    ) {
      order.push('onInit');
      await next();
    });
  }
}

describe('KoaAdapter', () => {
  let app: NestKoaApplication;
  let base: string;

  beforeAll(async () => {
    const koa = new Koa();
    koa.use(async (ctx, next) => {
      order.push('given');
      ctx.state['user'] = 'ann';
      await next();
      ctx.set('x-given', 'yes');
    });
    app = await NestFactory.create<NestKoaApplication>(MainModule, new KoaAdapter(koa), {
      logger: false,
    });
    koa.use(async (_ctx, next) => {
      order.push('koa.use');
      await next();
    });
    app.use(function connect(req: KoaRequest, res: KoaResponse, next: () => void) {
      order.push('connect');
      res.setHeader('x-connect', req.path);
      next();
    });
    app.use(fromKoa(async (...args) => args[1]()));
    app.use(
      '/mounted',
      fromConnect((req, res) => res.end(`${req.baseUrl} ${req.url} ${res.statusCode}`)),
    );
    app.enableCors({ origin: 'http://a.test' });
    await app.listen(0);
    base = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });

  afterAll(() => app.close());

  beforeEach(() => {
    order.length = 0;
  });

  it('runs middleware in the one order of its registration, controllers last', async () => {
    const response = await fetch(`${base}/hello/you?a=1&a=2&b=`);
    expect(await response.json()).toEqual({
      name: 'you',
      query: { a: ['1', '2'], b: '' },
      isContext: '/hello/you?a=1&a=2&b=',
    });
    expect(order).toEqual([
      'given',
      'early:in',
      'koa.use',
      'connect',
      'configured',
      'nest:/hello/you?a=1&a=2&b=',
      'onInit',
      'handler',
      'early:out:object',
    ]);
    expect(response.headers.get('x-early')).toBe('200');
    expect(response.headers.get('x-given')).toBe('yes');
    expect(response.headers.get('x-connect')).toBe('/hello/you');
    expect(response.headers.get('vary')).toContain('Origin');
  });

  it.each([
    ['/files/a/b%20c', 200, '["a","b c"]', 'application/json; charset=utf-8'],
    ['/text', 200, 'plain <b>', 'text/html; charset=utf-8'],
    ['/empty', 202, '', null],
    ['/observable', 200, '{"from":"rx"}', 'application/json; charset=utf-8'],
    ['/stream', 200, 'file bytes', 'text/x-test'],
    ['/res', 201, '{"own":true}', 'application/json; charset=utf-8'],
    ['/late', 203, 'late', 'text/html; charset=utf-8'],
    ['/late-end', 207, 'raw', null],
    ['/koa-way', 206, 'koa', 'text/plain; charset=utf-8'],
    [
      '/teapot',
      418,
      '{"statusCode":418,"message":"short and stout"}',
      'application/json; charset=utf-8',
    ],
    [
      '/broken',
      500,
      '{"statusCode":500,"message":"Internal server error"}',
      'application/json; charset=utf-8',
    ],
    [
      '/circular',
      500,
      '{"statusCode":500,"message":"Internal server error"}',
      'application/json; charset=utf-8',
    ],
    ['/twice', 200, 'first', 'text/html; charset=utf-8'],
    ['/next', 200, 'second handler', 'text/html; charset=utf-8'],
    ['/session', 200, '{"user":"ann"}', 'application/json; charset=utf-8'],
    ['/scoped', 200, 'scoped', 'text/html; charset=utf-8'],
    ['/mounted/below?x=1', 200, '/mounted /below?x=1 200', null],
    [
      '/missing',
      404,
      '{"message":"Cannot GET /missing","error":"Not Found","statusCode":404}',
      'application/json; charset=utf-8',
    ],
    [
      '/files/%FF',
      400,
      `{"message":"Failed to decode param '%FF'","error":"Bad Request","statusCode":400}`,
      'application/json; charset=utf-8',
    ],
  ])('answers GET %s with %i', async (path, status, body, type) => {
    const response = await fetch(base + path, { redirect: 'manual' });
    expect([response.status, await response.text(), response.headers.get('content-type')]).toEqual([
      status,
      body,
      type,
    ]);
  });

  it('redirects with the status of the decorator', async () => {
    const response = await fetch(`${base}/redirect`, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([301, '/elsewhere']);
  });

  it('parses JSON and forms, and refuses malformed JSON with 400', async () => {
    const post = (body: string, type: string) =>
      fetch(`${base}/echo`, { method: 'POST', body, headers: { 'content-type': type } });
    const json = await post('{"a":[1]}', 'application/json');
    expect([json.status, await json.text()]).toEqual([201, '{"body":{"a":[1]}}']);
    const form = await post('a[b]=1', 'application/x-www-form-urlencoded');
    expect(await form.text()).toBe('{"body":{"a":{"b":"1"}}}');
    expect((await post('{"a":', 'application/json')).status).toBe(400);
  });

  it('streams server-sent events as they come', async () => {
    const response = await fetch(`${base}/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = response.body!.getReader();
    let text = '';
    while (!text.includes('data: 0')) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
  });

  it('answers HEAD with the headers of GET', async () => {
    const response = await fetch(`${base}/text`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '9']);
  });
});
