import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  RequestMethod,
  VersioningType,
} from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { RouterModule } from '@nestjs/core';
import {
  InjectSessionStore,
  Session,
  SESSION_OPTIONS,
  SESSION_STORE,
  SessionModule,
  type SessionConfiguration,
  type SessionModuleAsyncOptions,
  type SessionModuleOptions,
  type SessionOptions,
  type SessionOptionsFactory,
} from '../../../src/index.js';
import type { KoaContext, KoaRequest, KoaResponse } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { start } from './support.js';

interface Views {
  views?: number;
}

@Controller()
class CountController {
  @Get()
  count(@Session() session: Views) {
    session.views = (session.views ?? 0) + 1;
    return String(session.views);
  }
}

@Module({ controllers: [CountController] })
class CountModule {}

describe('SessionModule.forRootAsync()', () => {
  it('takes secrets from a ConfigService', async () => {
    const { app, browser } = await start({
      imports: [
        ConfigModule.forRoot({
          ignoreEnvFile: true,
          load: [() => ({ SESSION_KEY: 'from config' })],
        }),
        SessionModule.forRootAsync({
          imports: [ConfigModule],
          inject: [ConfigService],
          useFactory: (config: ConfigService) => ({
            key: 'sid',
            keys: [config.getOrThrow<string>('SESSION_KEY')],
          }),
        }),
        CountModule,
      ],
    });
    expect(await browser.text('/')).toBe('1');
    expect(await browser.text('/')).toBe('2');
    expect(await browser.cookie('sid')).toBeDefined();
    expect(app.getHttpAdapter().getInstance().keys).toEqual(['from config']);
  });

  it('awaits an asynchronous factory', async () => {
    const { browser } = await start({
      imports: [
        SessionModule.forRootAsync({
          useFactory: async () => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            return { keys: ['late'], key: 'late' };
          },
        }),
        CountModule,
      ],
    });
    await browser.text('/');
    expect(await browser.cookie('late')).toBeDefined();
  });

  @Injectable()
  class Secrets {
    readonly key = 'from a provider';
  }

  @Injectable()
  class SessionSettings implements SessionOptionsFactory {
    constructor(@Inject(Secrets) private readonly secrets: Secrets) {}

    createSessionOptions(): SessionConfiguration {
      return { keys: [this.secrets.key], key: 'made' };
    }
  }

  it('creates a class that makes the options, with its dependencies', async () => {
    const { app, browser } = await start({
      imports: [
        SessionModule.forRootAsync({ useClass: SessionSettings, extraProviders: [Secrets] }),
        CountModule,
      ],
    });
    await browser.text('/');
    expect(await browser.cookie('made')).toBeDefined();
    expect(app.getHttpAdapter().getInstance().keys).toEqual(['from a provider']);
  });

  @Module({ providers: [Secrets, SessionSettings], exports: [SessionSettings] })
  class SettingsModule {}

  const secrets = (made: Secrets) => ({ keys: [made.key], key: 'made' });

  it.each<[string, SessionModuleAsyncOptions]>([
    ['useFactory', { inject: [Secrets], useFactory: secrets, extraProviders: [Secrets] }],
    [
      'useFactory, awaited',
      {
        inject: [Secrets],
        useFactory: async (made: Secrets) => Promise.resolve(secrets(made)),
        extraProviders: [Secrets],
      },
    ],
    ['useClass', { useClass: SessionSettings, extraProviders: [Secrets] }],
    ['useExisting', { useExisting: SessionSettings, extraProviders: [Secrets, SessionSettings] }],
    ['useExisting of an import', { useExisting: SessionSettings, imports: [SettingsModule] }],
  ])('by %s, for the whole application and under a name', async (_way, way) => {
    @Injectable()
    class Consumer {
      constructor(@InjectSessionStore('admin') readonly store: unknown) {}
    }

    @Controller()
    class AdminController {
      @Get()
      count(@Session({ name: 'admin' }) session: Views) {
        session.views = (session.views ?? 0) + 1;
        return String(session.views);
      }
    }

    @Module({ providers: [Consumer], controllers: [AdminController] })
    class FeatureModule {}

    const store = new MemoryStore();
    const { app, browser } = await start({
      imports: [
        SessionModule.forRootAsync({ ...way, name: 'admin', isGlobal: true, store: () => store }),
        FeatureModule,
      ],
    });
    await browser.text('/');
    expect(await browser.text('/')).toBe('2');
    expect(await store.get(String(await browser.cookie('made')))).toMatchObject({ views: 2 });
    expect(app.get(Consumer, { strict: false }).store).toBe(store);
  });

  it('takes a provider that makes the options from another module', async () => {
    const { browser } = await start({
      imports: [
        SessionModule.forRootAsync({ imports: [SettingsModule], useExisting: SessionSettings }),
        CountModule,
      ],
    });
    await browser.text('/');
    expect(await browser.cookie('made')).toBeDefined();
  });
});

describe('isGlobal', () => {
  @Injectable()
  class Consumer {
    constructor(@Inject(SESSION_STORE) readonly store: unknown) {}
  }

  @Module({ providers: [Consumer] })
  class FeatureModule {}

  const imports = (isGlobal: boolean) => [
    SessionModule.forRoot({ keys: ['k'], store: new MemoryStore(), isGlobal }),
    FeatureModule,
  ];

  it('makes the store injectable in every module', async () => {
    const { app } = await start({ imports: imports(true) });
    expect(app.get(Consumer, { strict: false }).store).toBeInstanceOf(MemoryStore);
  });

  it('is off by default', async () => {
    await expect(start({ imports: imports(false) })).rejects.toThrow(/can't resolve dependencies/);
  });
});

describe('SESSION_OPTIONS', () => {
  it('are followed live', async () => {
    const { app, browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], isGlobal: true }), CountModule],
    });
    const options = app.get<SessionOptions>(SESSION_OPTIONS);
    await browser.text('/');
    options.sameSite = 'strict';
    const answer = await browser.fetch('/');
    expect(answer.headers.getSetCookie()[0]).toContain('samesite=strict');
  });
});

describe('several sessions', () => {
  @Controller()
  class TwoController {
    @Get()
    both(@Session() shop: Views, @Session({ name: 'admin' }) admin: Views) {
      shop.views = (shop.views ?? 0) + 1;
      admin.views = (admin.views ?? 0) + 10;
      return { shop: shop.views, admin: admin.views };
    }

    @Get('admin')
    admin(@Session({ name: 'admin', key: 'views' }) views: number) {
      return { views };
    }
  }

  // The named session comes first, and must not become the default one.
  const imports = [
    SessionModule.forRootAsync({
      name: 'admin',
      store: () => new MemoryStore(),
      useFactory: () => ({ key: 'admin.sess', maxAge: 60_000, sameSite: 'strict' }),
    }),
    SessionModule.forRoot({ keys: ['k'] }),
  ];

  it('live side by side, each with its own cookie and options', async () => {
    const { browser } = await start({ imports, controllers: [TwoController] });
    expect(await browser.json('/')).toEqual({ shop: 1, admin: 10 });
    const answer = await browser.fetch('/');
    expect(await answer.json()).toEqual({ shop: 2, admin: 20 });
    expect(await browser.json('/admin')).toEqual({ views: 20 });
    const cookies = answer.headers.getSetCookie();
    expect(cookies.find((cookie) => cookie.startsWith('admin.sess='))).toContain('samesite=strict');
    expect(cookies.find((cookie) => cookie.startsWith('koa.sess='))).not.toContain('samesite');
  });

  it('are told apart: an unknown name is an error that says what to import', async () => {
    @Controller()
    class WrongController {
      @Get()
      wrong(@Session({ name: 'shop' }) session: Views) {
        return session;
      }
    }
    const { app, browser } = await start({ imports, controllers: [WrongController] });
    const errors: Error[] = [];
    app.useLogger({
      log: () => undefined,
      warn: () => undefined,
      error: (error: Error) => errors.push(error),
    });
    expect((await browser.fetch('/')).status).toBe(500);
    expect(String(errors[0])).toContain('SessionModule.forRoot({ name: "shop", ... })');
  });
});

describe('sessions for chosen routes', () => {
  @Controller('cats')
  class CatsController {
    @Get()
    all(@Session() session: unknown) {
      return { session: session !== undefined };
    }

    @Get('health')
    health(@Session() session: unknown) {
      return { session: session !== undefined };
    }

    @Get(':id/toys')
    toys(@Session() session: unknown) {
      return { session: session !== undefined };
    }
  }

  @Controller('dogs')
  class DogsController {
    @Get()
    all(@Session() session: unknown) {
      return { session: session !== undefined };
    }
  }

  const controllers = [CatsController, DogsController];
  const GET = RequestMethod.GET;

  async function having(options: SessionModuleOptions, prefix = ''): Promise<string[]> {
    const { browser } = await start(
      { imports: [SessionModule.forRoot({ keys: ['k'], ...options })], controllers },
      (app) => {
        if (prefix !== '') app.setGlobalPrefix(prefix);
      },
    );
    const found: string[] = [];
    for (const path of ['/cats', '/cats/health', '/cats/7/toys', '/dogs']) {
      const url = prefix === '' ? path : `/${prefix}${path}`;
      const { session } = (await browser.json(url)) as { session: boolean };
      if (session) found.push(path);
    }
    return found;
  }

  const cats = ['/cats', '/cats/health', '/cats/7/toys'];

  it.each<[string, SessionModuleOptions, string[]]>([
    ['all by default', {}, [...cats, '/dogs']],
    ['a path, and all below it', { forRoutes: ['cats'] }, cats],
    ['every path', { forRoutes: ['*'] }, [...cats, '/dogs']],
    ['a path with parameters', { forRoutes: ['cats/:id/toys'] }, ['/cats/7/toys']],
    ['a path with a wildcard', { forRoutes: ['cats/*rest'] }, ['/cats/health', '/cats/7/toys']],
    ['a path with a method', { forRoutes: [{ path: 'cats', method: GET }] }, ['/cats']],
    [
      'a path with another method',
      { forRoutes: [{ path: 'cats', method: RequestMethod.POST }] },
      [],
    ],
    ['a controller', { forRoutes: [CatsController] }, cats],
    ['all but a path', { exclude: ['cats/health'] }, ['/cats', '/cats/7/toys', '/dogs']],
    [
      'a controller but one path of it',
      { forRoutes: [CatsController], exclude: [{ path: '/cats/health', method: GET }] },
      ['/cats', '/cats/7/toys'],
    ],
  ])('%s', async (_which, options, expected) => {
    expect(await having(options)).toEqual(expected);
    expect(await having(options, 'api/v2')).toEqual(expected);
  });

  it('under a version in the path, and a module’s own path', async () => {
    @Module({ controllers: [CatsController] })
    class CatsModule {}

    const { browser } = await start(
      {
        imports: [
          SessionModule.forRoot({ keys: ['k'], exclude: ['zoo/cats/health'] }),
          CatsModule,
          RouterModule.register([{ path: 'zoo', module: CatsModule }]),
        ],
      },
      (app) => {
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '3' });
      },
    );
    expect(await browser.json('/v3/zoo/cats')).toEqual({ session: true });
    expect(await browser.json('/v3/zoo/cats/health')).toEqual({ session: false });
  });

  it('as the router matches: in any case, with or without a slash at the end', async () => {
    const { browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], exclude: ['/cats/health/'] })],
      controllers,
    });
    for (const path of ['/CATS/Health', '/cats/health/', '/cats/health?a=/cats']) {
      expect(await browser.json(path)).toEqual({ session: false });
    }
    expect(await browser.json('/cats/healthy/toys')).toEqual({ session: true });
  });

  it('a controller below a module’s own path', async () => {
    @Module({ controllers: [CatsController] })
    class CatsModule {}

    const { browser } = await start({
      imports: [
        SessionModule.forRoot({ keys: ['k'], forRoutes: [CatsController] }),
        CatsModule,
        RouterModule.register([{ path: 'zoo', module: CatsModule }]),
      ],
      controllers: [DogsController],
    });
    expect(await browser.json('/zoo/cats/7/toys')).toEqual({ session: true });
    expect(await browser.json('/dogs')).toEqual({ session: false });
  });

  it('costs a store nothing elsewhere, and sends no cookie', async () => {
    const gets: string[] = [];
    const store = {
      get: (key: string) => void gets.push(key),
      set: () => undefined,
      destroy: () => undefined,
    };
    const { url } = await start({
      imports: [SessionModule.forRoot({ signed: false, store, exclude: ['dogs'] })],
      controllers,
    });
    const headers = { cookie: 'koa.sess=some-id' };
    const answer = await fetch(`${url}/dogs`, { headers });
    expect(await answer.json()).toEqual({ session: false });
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(gets).toEqual([]);
    await fetch(`${url}/cats`, { headers });
    expect(gets).toEqual(['some-id']);
  });
});

describe('the place of the session', () => {
  it('is before middleware of app.use(), of modules, and guards; and it is written once', async () => {
    const sets: number[] = [];
    const store = {
      get: () => undefined,
      set: () => void sets.push(1),
      destroy: () => undefined,
    };
    const seen: string[] = [];
    const { browser } = await start(
      { imports: [SessionModule.forRoot({ keys: ['k'], store }), CountModule] },
      (starting) => {
        starting.use((req: KoaRequest, _res: KoaResponse, next: () => void) => {
          seen.push(typeof req.session);
          (req.session as Views).views = 5;
          next();
        });
        starting.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
          seen.push(typeof ctx.session);
          await next();
          expect(sets).toEqual([]);
        });
      },
    );
    expect(await browser.text('/')).toBe('6');
    expect(seen).toEqual(['object', 'object']);
    expect(sets).toEqual([1]);
  });
});
