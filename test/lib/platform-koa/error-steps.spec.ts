import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import Koa from 'koa';
import { KoaAdapter } from '../../../lib/platform-koa/index.js';
import type {
  ConnectErrorMiddleware,
  ConnectMiddleware,
  KoaContext,
  NestKoaApplication,
} from '../../../lib/platform-koa/index.js';

type KoaNext = () => Promise<unknown>;

const storage = new AsyncLocalStorage<string>();

@Controller()
class UsersController {
  @Get('users') async users() {
    await Promise.resolve();
    return { stored: storage.getStore() };
  }
}

@Module({ controllers: [UsersController] })
class ErrorStepsModule {}

describe('error middleware among Koa middleware', () => {
  const failure = new Error('stale cookie');
  let app: NestKoaApplication;
  let seen: unknown[];
  let heard: unknown[];

  const fail: ConnectMiddleware = (_req, _res, next) => next(failure);
  const goOn: ConnectErrorMiddleware = (_error, _req, _res, next) => next();
  const passOn: ConnectErrorMiddleware = (error, _req, _res, next) => {
    seen.push('error middleware');
    next(error);
  };
  const watch = (name: string) => async (_ctx: KoaContext, next: KoaNext) => {
    seen.push(`${name} begins`);
    try {
      await next();
    } catch (error) {
      seen.push(`${name} fails`);
      throw error;
    }
    seen.push(`${name} ends`);
  };

  beforeEach(async () => {
    seen = [];
    heard = [];
    const koa = new Koa();
    koa.on('error', (error) => heard.push(error));
    app = await NestFactory.create<NestKoaApplication>(ErrorStepsModule, new KoaAdapter(koa), {
      logger: false,
    });
  });
  afterEach(() => app.close());

  async function get(path: string): Promise<[number, string]> {
    if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return [response.status, await response.text()];
  }

  it('lets the request go on while what is around it still runs', async () => {
    app.use(watch('outer'));
    app.use(((_req, _res, next) => storage.run('kept', next)) as ConnectMiddleware);
    app.use(fail, watch('between'), goOn);
    expect(await get('/users')).toEqual([200, '{"stored":"kept"}']);
    expect(seen).toEqual(['outer begins', 'between begins', 'between ends', 'outer ends']);
    expect(heard).toEqual([]);
  });

  it('gets an error of Express middleware before the middleware around that does', async () => {
    app.use(watch('outer'));
    app.use(fail, passOn);
    expect(await get('/users')).toEqual([500, expect.stringContaining('Internal server error')]);
    expect(seen).toEqual(['outer begins', 'error middleware', 'outer fails']);
    expect(heard).toEqual([failure]);
  });

  it('gets what Koa middleware throws when that has ended, and cannot let it go on', async () => {
    app.use(watch('outer'));
    app.use((ctx: KoaContext, _next: unknown) => ctx.throw(403, 'no entry'));
    app.use(goOn, passOn);
    expect(await get('/users')).toEqual([403, expect.stringContaining('no entry')]);
    expect(seen).toEqual(['outer begins', 'outer fails', 'error middleware']);
  });

  it('that answers with a 5xx leaves it to the listeners of the application to tell', async () => {
    app.use(fail, ((_error, _req, res, _next) => {
      res.status(503).send('later');
    }) as ConnectErrorMiddleware);
    expect(await get('/users')).toEqual([503, 'later']);
    expect(heard).toEqual([failure]);
  });

  it('that goes on and then fails, or goes on twice, is gone on from once', async () => {
    app.use(fail, (async (_error, _req, _res, next) => {
      next();
      next(new Error('again'));
      await Promise.resolve();
      throw new Error('too late');
    }) as ConnectErrorMiddleware);
    expect(await get('/users')).toEqual([200, '{}']);
  });
});
