import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { Body, Controller, Get, Inject, Injectable, Module, Post } from '@nestjs/common';
import type Koa from 'koa';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  InjectSessionService,
  Session,
  SESSION_STORE,
  SessionModule,
  type SessionModuleOptions,
  SessionService,
} from '../../../src/index.js';
import { start } from './support.js';

interface Data {
  views?: number;
  update?: string;
}

/** Acts on the session from a singleton, and after an await. */
@Injectable()
class Actions {
  constructor(@Inject(SessionService) readonly sessions: SessionService) {}

  async run(action: string): Promise<unknown> {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const { sessions } = this;
    switch (action) {
      case 'count':
        return sessions.update((draft: Data) => {
          draft.views = (draft.views ?? 0) + 1;
        });
      case 'read':
        return { ...((await sessions.current())?.toJSON() ?? {}) };
      case 'touch':
        return { touched: await sessions.touch() };
      case 'max-age':
        return sessions.setMaxAge(60_000);
      case 'destroy-twice':
        await sessions.destroy();
        return sessions.destroy();
      case 'save-gone':
        await sessions.destroy();
        return sessions.save().catch((error: { code: string }) => ({ code: error.code }));
      case 'hide':
        Object.assign((await sessions.current()) ?? {}, {
          update: 'data',
          save: 1,
          destroy: 'data',
        });
        return undefined;
      default:
        return sessions[action as 'save' | 'regenerate' | 'destroy']();
    }
  }
}

@Controller()
class ActionsController {
  constructor(@Inject(Actions) private readonly actions: Actions) {}

  @Post()
  async act(@Body() { action }: { action: string }) {
    return (await this.actions.run(action)) ?? {};
  }
}

@Module({ controllers: [ActionsController], providers: [Actions] })
class ActionsModule {}

const launch = async (options: SessionModuleOptions = {}) => {
  const running = await start({
    imports: [SessionModule.forRoot({ keys: ['k'], isGlobal: true, ...options }), ActionsModule],
  });
  const act = async (action: string) => (await running.browser.post('/', { action })).json();
  return { ...running, act, sessions: running.app.get(SessionService) };
};

describe.each<[string, () => SessionModuleOptions]>([
  ['in a cookie', () => ({})],
  ['in a store', () => ({ store: new MemoryStore() })],
  ['loaded lazily', () => ({ store: new MemoryStore(), load: 'lazy' })],
])('SessionService acts on the current session %s', (mode, options) => {
  it('updates, reads and destroys it', async () => {
    const { act, browser } = await launch(options());
    await act('count');
    await act('count');
    expect(await act('read')).toEqual({ views: 2 });
    await act('destroy');
    expect(await browser.cookies()).toBe('');
    expect(await act('read')).toEqual({});
  });

  it('gives it a new id, and keeps the data', async () => {
    const { act, browser } = await launch(options());
    await act('count');
    const before = await browser.cookie('koa.sess');
    await act('regenerate');
    if (mode !== 'in a cookie') expect(await browser.cookie('koa.sess')).not.toBe(before);
    expect(await act('read')).toEqual({ views: 1 });
  });

  it('saves an empty one', async () => {
    const { act, browser } = await launch(options());
    await act('save');
    expect(await browser.cookie('koa.sess')).toBeDefined();
  });

  it('prolongs it, and sets how long it lives', async () => {
    const { browser, act } = await launch({ ...options(), maxAge: 1_000_000 });
    await act('count');
    expect(await act('touch')).toEqual({ touched: true });
    const answer = await browser.post('/', { action: 'max-age' });
    const [, expires] = /expires=([^;]+)/.exec(answer.headers.getSetCookie()[0] ?? '') ?? [];
    const life = Date.parse(String(expires)) - Date.now();
    expect(life).toBeGreaterThan(50_000);
    expect(life).toBeLessThan(70_000);
  });

  it('destroys what is destroyed without an error, and saves it no more', async () => {
    const { act } = await launch(options());
    await act('count');
    expect(await act('destroy-twice')).toEqual({});
    await act('count');
    expect(await act('save-gone')).toEqual({ code: 'ERR_SESSION_GONE' });
  });

  it('also where data keys hide the session’s methods', async () => {
    const { act } = await launch(options());
    await act('hide');
    await act('count');
    expect(await act('read')).toEqual({ update: 'data', destroy: 'data', views: 1 });
    await act('destroy');
    expect(await act('read')).toEqual({});
  });
});

describe('SessionService acts on other sessions', () => {
  const other = async (options: SessionModuleOptions = {}) => {
    const store = new MemoryStore();
    const running = await launch({ store, maxAge: 60_000, ...options });
    await running.act('count');
    const id = String(await running.browser.cookie('koa.sess'));
    return { ...running, id };
  };

  it('reads one by its id', async () => {
    const { sessions, id } = await other();
    expect(await sessions.get(id)).toEqual({ views: 1 });
    expect(await sessions.get('no-such-id-at-all')).toBeUndefined();
  });

  it('updates one, beside its own requests', async () => {
    const { sessions, id, act } = await other();
    const change = (draft: Data) => {
      draft.views = (draft.views ?? 0) + 1;
    };
    await Promise.all([
      ...Array.from({ length: 5 }, () => sessions.update(id, change)),
      ...Array.from({ length: 5 }, () => act('count')),
    ]);
    expect(await sessions.get(id)).toEqual({ views: 11 });
    await expect(sessions.update('no-such-id-at-all', change)).rejects.toMatchObject({
      code: 'ERR_SESSION_GONE',
    });
  });

  it('destroys one', async () => {
    const { sessions, id, act } = await other();
    await sessions.destroy(id);
    expect(await sessions.get(id)).toBeUndefined();
    expect(await act('read')).toEqual({});
    await sessions.destroy(id);
  });

  it('prolongs one', async () => {
    const { sessions, id, app } = await other();
    const store = app.get<MemoryStore>(SESSION_STORE);
    const expires = async () => {
      const read = await store.read(id, undefined, {});
      return Math.max(read?.expires ?? 0, Number(read?.record._expire ?? 0));
    };
    const before = await expires();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await sessions.touch(id)).toBe(true);
    expect(await expires()).toBeGreaterThan(before);
    expect(await sessions.touch('no-such-id-at-all')).toBe(false);
  });

  it('without asking hooks that judge a session by the request, which would end it', async () => {
    const { sessions, id } = await other({
      valid: (ctx) => ctx.get('user-agent') !== '',
      binding: (ctx) => ctx.get('user-agent'),
    });
    expect(await sessions.get(id)).toEqual({ views: 1 });
    expect(await sessions.get(id)).toEqual({ views: 1 });
  });

  it('also where the store only knows hashes of ids', async () => {
    const { sessions, id } = await other({ hashIds: { key: randomBytes(32) } });
    expect(await sessions.get(id)).toEqual({ views: 1 });
  });

  it('by their owner', async () => {
    const { sessions, act } = await other({ owner: () => 'ann' });
    expect(await sessions.owners.list('ann')).toHaveLength(1);
    await sessions.owners.endAll('ann');
    expect(await act('read')).toEqual({});
  });

  it('but not in cookie mode', async () => {
    const { sessions } = await launch();
    const unsupported = { code: 'ERR_SESSION_UNSUPPORTED' };
    await expect(sessions.get('id')).rejects.toMatchObject(unsupported);
    await expect(sessions.destroy('id')).rejects.toMatchObject(unsupported);
    expect(() => sessions.owners).toThrow(expect.objectContaining(unsupported) as Error);
  });
});

describe('the current request of SessionService', () => {
  it('is none outside of requests', async () => {
    const { sessions } = await launch();
    await expect(sessions.current()).rejects.toMatchObject({
      code: 'ERR_SESSION_NOT_LOADED',
      message: expect.stringContaining('requestContext: true') as string,
    });
  });

  it('has no session where its route is excluded', async () => {
    const { browser } = await launch({ exclude: ['/'] });
    expect((await browser.post('/', { action: 'read' })).status).toBe(500);
  });

  @Controller()
  class PlainController {
    static sessions: SessionService;

    @Get()
    async current(@Session() session: Data) {
      const current = await PlainController.sessions.current().catch(() => undefined);
      return { tracked: current === (session as unknown) };
    }
  }

  it.each<[string, SessionModuleOptions, boolean]>([
    ['not tracked where nobody injects the service', {}, false],
    ['tracked on request', { requestContext: true }, true],
  ])('is %s', async (_what, options, tracked) => {
    const { app, browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], ...options })],
      controllers: [PlainController],
    });
    PlainController.sessions = app.get(SessionService);
    expect(await browser.json('/')).toEqual({ tracked });
  });

  it('is Koa’s own where that tracks it', async () => {
    const { app, browser } = await start(
      { imports: [SessionModule.forRoot({ keys: ['k'] })], controllers: [PlainController] },
      (starting) => {
        const koa = starting.getHttpAdapter().getInstance() as Koa & { ctxStorage?: unknown };
        // What `new KoaAdapter({ asyncLocalStorage: true })` makes Koa do.
        koa.ctxStorage = new AsyncLocalStorage();
      },
    );
    PlainController.sessions = app.get(SessionService);
    expect(await browser.json('/')).toEqual({ tracked: true });
  });

  it('is each request’s own, of parallel ones', async () => {
    const { url } = await launch({ store: new MemoryStore() });
    const post = (action: string, cookie = '') =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie },
        body: JSON.stringify({ action }),
      });
    const cookies = (answer: Response) =>
      answer.headers
        .getSetCookie()
        .map((line) => line.split(';')[0])
        .join('; ');
    const started = await Promise.all(Array.from({ length: 8 }, () => post('count')));
    expect(new Set(started.map(cookies)).size).toBe(8);
    const read = await Promise.all(
      started.map(async (answer, times) => {
        for (let time = 0; time < times; time++) await post('count', cookies(answer));
        return (await post('read', cookies(answer))).json();
      }),
    );
    expect(read).toEqual(Array.from({ length: 8 }, (_each, times) => ({ views: times + 1 })));
  });

  it('is found for each named session, by whatever way the service is injected', async () => {
    @Injectable()
    class ByProperty {
      @InjectSessionService('admin') readonly admin!: SessionService;
    }

    @Controller()
    class NamedController {
      constructor(@Inject(ByProperty) private readonly provider: ByProperty) {}

      @Get()
      async count() {
        await this.provider.admin.update((draft: Data) => {
          draft.views = (draft.views ?? 0) + 1;
        });
        return (await this.provider.admin.current())?.toJSON();
      }
    }
    const { browser } = await start({
      imports: [
        SessionModule.forRoot({ keys: ['k'] }),
        SessionModule.forRoot({ name: 'admin', key: 'admin', isGlobal: true }),
      ],
      controllers: [NamedController],
      providers: [ByProperty],
    });
    await browser.fetch('/');
    expect(await browser.json('/')).toEqual({ views: 2 });
    expect(await browser.cookie('koa.sess')).toBeUndefined();
  });
});
