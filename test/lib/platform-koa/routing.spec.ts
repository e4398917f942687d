import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, Param } from '@nestjs/common';
import type { INestApplication, NestApplicationOptions, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KoaAdapter } from '../../../lib/platform-koa/index.js';
import type {
  KoaContext,
  KoaRequest,
  KoaResponse,
  NestKoaApplication,
} from '../../../lib/platform-koa/index.js';
import { send } from './parity/client.js';
import { isNest12, platforms } from './parity/platforms.js';
import type { Platform } from './parity/platforms.js';

@Controller('users')
class UsersController {
  @Get('*path') rest() {
    return 'wildcard';
  }
  @Get(':id') one(@Param('id') id: string) {
    return `one ${id}`;
  }
  @Get('me') me() {
    return 'me';
  }
  @Get(':id/posts') posts() {
    return 'posts';
  }
}

@Controller('users')
class TwinController {
  @Get('me') me() {
    return 'twin';
  }
}

@Controller('bad')
class InvalidController {
  @Get('files/:') invalid() {}
}

function moduleOf(...controllers: Type[]): Type {
  @Module({ controllers })
  class RoutingModule {}
  return RoutingModule;
}

function create(
  platform: Platform,
  controllers: Type[],
  options: NestApplicationOptions = {},
): Promise<INestApplication> {
  const settings = { logger: false, abortOnError: false, ...options } as const;
  return NestFactory.create(moduleOf(...controllers), platform.createAdapter(), settings);
}

async function answers(app: INestApplication, paths: readonly string[]): Promise<string[]> {
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const texts: string[] = [];
  for (const path of paths) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    texts.push(await response.text());
  }
  await app.close();
  return texts;
}

/** What starting the application ends with. */
async function outcome(app: Promise<INestApplication>): Promise<string> {
  try {
    const started = await app;
    await started.init();
    await started.close();
    return 'started';
  } catch (error) {
    return (error as Error).message;
  }
}

const PATHS = ['/users/me', '/users/7', '/users/7/posts', '/users/7/other', '/users/me/'];
// Nest 11 knows neither of the two options.
const describeOn12 = isNest12 ? describe : describe.skip;

describeOn12('the order and the conflicts of routes, on either platform', () => {
  it('the first declared serves, or the most specific, as the application asks', async () => {
    for (const platform of platforms) {
      const declared = await create(platform, [UsersController]);
      const specific = await create(platform, [UsersController], {
        routeResolutionStrategy: 'specificity',
      } as NestApplicationOptions);
      expect(await answers(declared, PATHS)).toEqual(PATHS.map(() => 'wildcard'));
      expect(await answers(specific, PATHS)).toEqual(['me', 'one 7', 'posts', 'wildcard', 'me']);
    }
  });

  it.each([
    ['duplicates', { duplicate: 'error' }, [TwinController, UsersController, TwinController]],
    ['shadows', { shadow: 'error' }, [UsersController]],
    ['duplicates of others only', { duplicate: 'error' }, [UsersController]],
    ['shadows that are to be named only', { shadow: 'warn' }, [UsersController]],
  ])('%s are treated alike: %j', async (name, routeConflictPolicy, controllers) => {
    const options = { routeConflictPolicy } as NestApplicationOptions;
    const [express, koa] = await Promise.all(
      platforms.map((platform) => outcome(create(platform, controllers, options))),
    );
    expect(koa).toBe(express);
    expect(koa === 'started').toBe(!name.match(/^(duplicates|shadows)$/));
  });

  it('drops no route for a conflict: the next one gets what the first passes on', async () => {
    for (const platform of platforms) {
      const app = await create(platform, [TwinController, UsersController], {
        routeConflictPolicy: { duplicate: 'warn', shadow: 'warn' },
      } as NestApplicationOptions);
      expect(await answers(app, ['/users/me', '/users/7'])).toEqual(['twin', 'wildcard']);
    }
  });
});

it('an invalid path fails at start-up with the path in the message', async () => {
  const [express, koa] = await Promise.all(
    platforms.map((platform) => outcome(create(platform, [InvalidController]))),
  );
  expect(express).not.toBe('started');
  expect(koa).toContain('"/bad/files/:"');
});

describe('a URL without a path, or with a malformed host', () => {
  const urls = ['http://[::1', 'http://[::1/a', 'https://[/a', 'http://', 'other://host'];
  type Pass = (error?: unknown) => void;
  const apps: INestApplication[] = [];

  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

  it.each(urls)('%s comes to no middleware and no hook', async (url) => {
    const app = await NestFactory.create<NestKoaApplication>(
      moduleOf(UsersController),
      new KoaAdapter(),
      { logger: false },
    );
    const called: string[] = [];
    const failed: unknown[] = [];
    app
      .getHttpAdapter()
      .getInstance()
      .on('error', (error: unknown) => failed.push(error));
    app.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
      called.push(ctx.req.method ?? '');
      await next();
    });
    app.use((req: KoaRequest, _res: KoaResponse, next: Pass) => {
      called.push(req.method ?? '');
      next();
    });
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) {
      const { status, body } = await send(app, { path: url, method });
      expect([method, status, body]).toEqual([method, 404, method === 'HEAD' ? '' : 'Not Found']);
    }
    expect([called, failed]).toEqual([[], []]);
  });

  it.each(urls)('%s that middleware rewrites to comes to none behind it', async (url) => {
    for (const platform of platforms) {
      const app = await create(platform, [UsersController]);
      const called: unknown[] = [];
      app.use((req: KoaRequest, _res: KoaResponse, next: Pass) => {
        const isBad = req.method !== 'GET';
        if (req.url === '/rewritten') req.url = url;
        next(isBad ? new Error('bad') : undefined);
      });
      app.use((req: KoaRequest, _res: KoaResponse, next: Pass) => {
        called.push(req.url);
        next();
      });
      app.use((_error: Error, req: KoaRequest, _res: KoaResponse, next: Pass) => {
        called.push(req.url);
        next(_error);
      });
      apps.push(app);
      await app.listen(0, '127.0.0.1');
      expect((await send(app, { path: '/rewritten' })).status).toBe(404);
      expect((await send(app, { path: '/rewritten', method: 'DELETE' })).status).toBe(500);
      expect(called).toEqual([]);
    }
  });

  it('is below no path that Koa middleware is mounted at', async () => {
    const app = await NestFactory.create<NestKoaApplication>(
      moduleOf(UsersController),
      new KoaAdapter(),
      { logger: false },
    );
    const called: string[] = [];
    app.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
      ctx.url = String(ctx.querystring);
      await next();
    });
    app.use('/a', async (ctx: KoaContext, next: () => Promise<unknown>) => {
      called.push(ctx.url);
      await next();
    });
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    for (const url of urls) {
      expect((await send(app, { path: `/rewritten?${url}` })).status).toBe(404);
    }
    expect(called).toEqual([]);
  });
});
