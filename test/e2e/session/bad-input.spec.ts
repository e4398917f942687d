import { jest } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  AdapterError,
  Session,
  SessionModule,
  SessionOptionsError,
  type SessionModuleOptions,
} from '../../../src/index.js';
import { rootOf, start } from './support.js';

class AppModule {}

/** What an application with these options fails with, at the latest when it is to listen. */
async function startUpError(options: unknown): Promise<unknown> {
  try {
    await start({ imports: [SessionModule.forRoot(options as SessionModuleOptions)] });
  } catch (error) {
    return error;
  }
  throw new Error('the application started');
}

describe('an application with bad options does not start', () => {
  it.each<[string, unknown, string, string, RegExp]>([
    ['no keys', {}, 'keys', 'ERR_SESSION_KEYS_MISSING', /SessionModule\.forRoot\(\{ keys/],
    ['an empty list of keys', { keys: [] }, 'keys', 'ERR_SESSION_OPTION', /at least one/],
    [
      'a maxAge in words',
      { keys: ['k'], maxAge: '1 day' },
      'maxAge',
      'ERR_SESSION_OPTION',
      /milliseconds.*received string/,
    ],
    [
      'a store that is a name',
      { keys: ['k'], store: 'redis' },
      'store',
      'ERR_SESSION_STORE_INVALID',
      /get, set and destroy: received string/,
    ],
    [
      'a store without set and destroy',
      { keys: ['k'], store: { get: () => undefined } },
      'store',
      'ERR_SESSION_STORE_INVALID',
      /has no set, destroy/,
    ],
    [
      'a store class without methods',
      { keys: ['k'], store: class NotAStore {} },
      'store',
      'ERR_SESSION_STORE_INVALID',
      /class NotAStore, which has no get, set, destroy/,
    ],
    [
      'a hook that is an object',
      { keys: ['k'], valid: {} },
      'valid',
      'ERR_SESSION_OPTION',
      /method valid, received an object/,
    ],
    ['no options object', 'secret', 'options', 'ERR_SESSION_OPTION', /received string/],
    [
      'a route that is a number',
      { keys: ['k'], forRoutes: [5] },
      'forRoutes',
      'ERR_SESSION_OPTION',
      /received number/,
    ],
    [
      'a class that is no controller',
      { keys: ['k'], forRoutes: [AppModule] },
      'forRoutes',
      'ERR_SESSION_OPTION',
      /no controller/,
    ],
    [
      'a path that cannot be read',
      { keys: ['k'], exclude: ['/a/*'] },
      'exclude',
      'ERR_SESSION_OPTION',
      /name wildcards/,
    ],
  ])('%s', async (_what, options, option, code, message) => {
    const error = await caught(() => startUpError(options));
    expect(error).toBeInstanceOf(SessionOptionsError);
    expect(error).toMatchObject({ option, code });
    expect((error as Error).message).toMatch(message);
  });

  it('two default sessions', async () => {
    const twice = [
      SessionModule.forRoot({ keys: ['k'] }),
      SessionModule.forRoot({ keys: ['k'], key: 'b' }),
    ];
    await expect(start({ imports: twice })).rejects.toMatchObject({
      option: 'name',
      code: 'ERR_SESSION_ALREADY_INSTALLED',
    });
  });

  it('two sessions in one cookie', async () => {
    const same = [
      SessionModule.forRoot({ keys: ['k'] }),
      SessionModule.forRoot({ name: 'b', keys: ['k'] }),
    ];
    await expect(start({ imports: same })).rejects.toMatchObject({
      option: 'key',
      code: 'ERR_SESSION_ALREADY_INSTALLED',
    });
  });

  it('an asynchronous configuration without a way to make it', () => {
    expect(() => SessionModule.forRootAsync({})).toThrow(/useFactory.*useClass.*useExisting/);
  });

  it('a factory that returns nothing', async () => {
    const imports = [SessionModule.forRootAsync({ useFactory: () => undefined as never })];
    await expect(start({ imports })).rejects.toMatchObject({ option: 'options' });
  });

  it.each(['name', 'isGlobal', 'forRoutes', 'exclude', 'exceptionFactory', 'requestContext'])(
    'a factory that returns "%s", which must stand beside it',
    async (option) => {
      const options = { keys: ['k'], [option]: undefined } as object;
      class Factory {
        createSessionOptions = () => options;
      }
      for (const way of [{ useFactory: () => options }, { useClass: Factory }]) {
        await expect(start({ imports: [SessionModule.forRootAsync(way)] })).rejects.toMatchObject({
          option,
          code: 'ERR_SESSION_OPTION',
          message: expect.stringContaining(
            `forRootAsync({ ${option}: ..., useFactory })`,
          ) as string,
        });
      }
    },
  );
});

async function caught(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return error;
  }
}

describe('the keys of the Koa application', () => {
  it('are enough, also when they are set after the application was created', async () => {
    const { browser } = await start(
      { imports: [SessionModule.forRoot()], controllers: [CountController] },
      (app) => {
        app.getHttpAdapter().getInstance().keys = ['secret'];
      },
    );
    await browser.text('/');
    expect(await browser.cookie('koa.sess.sig')).toBeDefined();
  });

  it('are not needed for unsigned cookies', async () => {
    const { browser } = await start({
      imports: [SessionModule.forRoot({ signed: false })],
      controllers: [CountController],
    });
    await browser.text('/');
    expect(await browser.text('/')).toBe('2');
  });
});

describe('an application that does not run on Koa does not start', () => {
  const module = () => rootOf(class {}, { imports: [SessionModule.forRoot({ keys: ['k'] })] });

  it.each([
    ['Express', () => new ExpressAdapter()],
    ['Fastify', () => new FastifyAdapter()],
  ])('on %s', async (_name, adapter) => {
    const created = NestFactory.create(module(), adapter() as ExpressAdapter, {
      logger: false,
      abortOnError: false,
    });
    const error = await caught(() => created);
    expect(error).toBeInstanceOf(AdapterError);
    expect((error as Error).message).toContain('NestFactory.create(AppModule, new KoaAdapter())');
  });

  it('in a testing module, which gets its adapter later', async () => {
    const testing = await Test.createTestingModule({ imports: [module()] }).compile();
    const app = testing.createNestApplication(new ExpressAdapter(), { logger: false });
    await expect(app.init()).rejects.toBeInstanceOf(AdapterError);
  });
});

describe('an application without HTTP', () => {
  it('starts, and has the store', async () => {
    const store = new MemoryStore();
    const context = await NestFactory.createApplicationContext(
      rootOf(class {}, { imports: [SessionModule.forRoot({ keys: ['k'], store })] }),
      { logger: false, abortOnError: false },
    );
    expect(context.get('nestjs-koa-session:store')).toBe(store);
    await context.close();
  });
});

@Controller()
class CountController {
  @Get()
  count(@Session() session: { views?: number; isNew: boolean }) {
    session.views = (session.views ?? 0) + 1;
    return String(session.views);
  }

  @Get('new')
  isNew(@Session() session: { isNew: boolean }) {
    return String(session.isNew);
  }
}

@Module({ controllers: [CountController] })
class CountModule {}

describe.each([
  ['cookie', {}],
  ['store', { store: () => new MemoryStore() }],
] as [string, SessionModuleOptions][])('a bad cookie in %s mode', (mode, options) => {
  const launch = async () => {
    const running = await start({
      imports: [SessionModule.forRoot({ keys: ['secret'], ...options }), CountModule],
    });
    const events: string[] = [];
    for (const event of ['missed', 'invalid', 'expired', 'refused']) {
      running.app
        .getHttpAdapter()
        .getInstance()
        .on(`session:${event}`, () => events.push(event));
    }
    await running.browser.text('/');
    return { ...running, events };
  };

  it.each<[string, (cookie: string) => string]>([
    ['forged', (cookie) => cookie.replace(/\.sig=[^;]+/, '.sig=AAAAAAAAAAAAAAAAAAAAAAAAAAA')],
    [
      'truncated',
      (cookie) =>
        cookie.replace(
          /koa\.sess=([^;]+)/,
          (_all, value: string) => `koa.sess=${value.slice(0, -4)}`,
        ),
    ],
    ['undecodable', (cookie) => cookie.replace(/koa\.sess=[^;]+/, 'koa.sess=%%%')],
    ['unsigned', (cookie) => cookie.replace(/; koa\.sess\.sig=.*/, '')],
  ])('that is %s gives a new session and no error', async (_how, spoil) => {
    const { url, browser } = await launch();
    const response = await fetch(`${url}/`, {
      headers: { cookie: spoil(await browser.cookies()) },
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('1');
  });

  it('that expired gives a new session and the event', async () => {
    const { browser, url, events } = await launch();
    const now = Date.now();
    const cookie = await browser.cookies();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now + 25 * 60 * 60 * 1000);
    try {
      const response = await fetch(`${url}/`, { headers: { cookie } });
      expect(await response.text()).toBe('1');
    } finally {
      clock.mockRestore();
    }
    expect(events).toEqual([mode === 'cookie' ? 'expired' : 'missed']);
  });
});
