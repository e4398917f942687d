import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type OnModuleInit,
  Scope,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { Context } from 'koa';
import { KoaAdapter, type NestKoaApplication } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  InjectSession,
  InjectSessionStore,
  Session,
  SESSION_STORE,
  SessionModule,
  SessionHealthIndicator,
  type SessionModuleAsyncOptions,
  type SessionModuleOptions,
  type SessionRecord,
  type SessionStore,
} from '../../../src/index.js';
import type { Session as EngineSession, VersionedStore } from '../../../lib/session/index.js';
import { running, start } from './support.js';

interface Views {
  views?: number;
}

type Rest<F> = F extends (key: string, ...rest: infer R) => unknown ? R : never;

@Injectable()
class Prefix {
  readonly text = 'injected-';
}

@Controller()
class CountController {
  @Get()
  count(@Session() session: Views) {
    session.views = (session.views ?? 0) + 1;
    return String(session.views);
  }
}

@Injectable()
class PrefixedStore implements SessionStore, OnModuleInit {
  readonly records = new Map<string, string>();
  isReady = false;
  isClosed = false;

  constructor(@Inject(Prefix) private readonly prefix: Prefix) {}

  onModuleInit(): void {
    this.isReady = true;
  }

  get(key: string): SessionRecord | undefined {
    const json = this.records.get(this.prefix.text + key);
    return json === undefined ? undefined : (JSON.parse(json) as SessionRecord);
  }

  set(key: string, record: SessionRecord): void {
    this.records.set(this.prefix.text + key, JSON.stringify(record));
  }

  destroy(key: string): void {
    this.records.delete(this.prefix.text + key);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

@Module({ providers: [Prefix, PrefixedStore], exports: [Prefix, PrefixedStore] })
class StoreModule {}

describe('a store', () => {
  const keys = ['k'];
  const make = (): SessionStore => new PrefixedStore(new Prefix());

  it.each<[string, () => SessionModuleOptions]>([
    ['an instance', () => ({ store: make() })],
    ['a function that makes it', () => ({ store: make })],
    ['a function that makes it later', () => ({ store: () => Promise.resolve(make()) })],
    [
      'a class, with what it injects in extraProviders',
      () => ({ store: PrefixedStore, extraProviders: [Prefix] }),
    ],
    [
      'a class, with what it injects in imports',
      () => ({ store: PrefixedStore, imports: [StoreModule] }),
    ],
    ['{ useClass }', () => ({ store: { useClass: PrefixedStore }, extraProviders: [Prefix] })],
    ['{ useExisting }', () => ({ store: { useExisting: PrefixedStore }, imports: [StoreModule] })],
    ['{ useValue }', () => ({ store: { useValue: make() } })],
    [
      '{ useFactory, inject }',
      () => ({
        store: { inject: [Prefix], useFactory: (prefix: Prefix) => new PrefixedStore(prefix) },
        imports: [StoreModule],
      }),
    ],
  ])('may be %s', async (_what, options) => {
    const { app, browser } = await start({
      imports: [SessionModule.forRoot({ keys, isGlobal: true, ...options() })],
      controllers: [CountController],
    });
    expect(await browser.text('/')).toBe('1');
    expect(await browser.text('/')).toBe('2');
    const { records } = app.get<PrefixedStore>(SESSION_STORE);
    expect([...records.keys()]).toEqual([`injected-${await browser.cookie('koa.sess')}`]);
  });

  it.each<[string, () => SessionModuleAsyncOptions]>([
    ['an instance', () => ({ useFactory: () => ({ keys, store: make() }) })],
    [
      'a class',
      () => ({ useFactory: () => ({ keys, store: PrefixedStore }), extraProviders: [Prefix] }),
    ],
    [
      '{ useClass }',
      () => ({
        useFactory: () => ({ keys, store: { useClass: PrefixedStore } }),
        imports: [StoreModule],
      }),
    ],
    [
      'a class beside the factory',
      () => ({ useFactory: () => ({ keys }), store: PrefixedStore, imports: [StoreModule] }),
    ],
  ])('may be %s, from a factory of options', async (_what, options) => {
    const { app, browser } = await start({
      imports: [SessionModule.forRootAsync({ isGlobal: true, ...options() })],
      controllers: [CountController],
    });
    await browser.text('/');
    expect(await browser.text('/')).toBe('2');
    expect(app.get<PrefixedStore>(SESSION_STORE).records.size).toBe(1);
  });

  it('that is a class has Nest’s life: hooks at the start, closed on shutdown', async () => {
    const { app, browser } = await start({
      imports: [SessionModule.forRoot({ keys, store: PrefixedStore, imports: [StoreModule] })],
      controllers: [CountController],
    });
    await browser.text('/');
    const store = app.get<PrefixedStore>(SESSION_STORE);
    expect(store).toMatchObject({ isReady: true, isClosed: false });
    await app.close();
    expect(store.isClosed).toBe(true);
  });

  it('is closed once on shutdown, whoever made it, and beside one that fails to close', async () => {
    const closed: string[] = [];
    class ClosingStore extends MemoryStore {
      constructor(private readonly name: string) {
        super();
      }

      override async close(): Promise<void> {
        closed.push(this.name);
        await super.close();
        if (this.name === 'failing') throw new Error('failed to close');
      }
    }
    const shared = new ClosingStore('shared');
    const { app } = await start({
      imports: [
        SessionModule.forRoot({ keys, store: new ClosingStore('failing') }),
        SessionModule.forRoot({ name: 'a', key: 'a', store: shared }),
        SessionModule.forRoot({ name: 'b', key: 'b', store: () => shared }),
        SessionModule.forRootAsync({
          name: 'c',
          useFactory: () => ({ key: 'c', store: new ClosingStore('returned') }),
        }),
      ],
    });
    await app.close().catch(() => undefined);
    expect(closed.sort()).toEqual(['failing', 'returned', 'shared']);
  });

  it('can be replaced in tests', async () => {
    const store = new MemoryStore();
    const testing = await Test.createTestingModule({
      imports: [SessionModule.forRoot({ keys, store: PrefixedStore, imports: [StoreModule] })],
      controllers: [CountController],
    })
      .overrideProvider(SESSION_STORE)
      .useValue(store)
      .compile();
    const app = testing.createNestApplication<NestKoaApplication>(new KoaAdapter());
    const { browser } = await running(app);
    await browser.text('/');
    const id = await browser.cookie('koa.sess');
    expect(await store.get(String(id))).toMatchObject({ views: 1 });
  });

  it('that a factory returns and that nothing can be made of is an error at start-up', async () => {
    const useFactory = () => ({ keys, store: { useExisting: PrefixedStore } });
    await expect(
      start({ imports: [SessionModule.forRootAsync({ useFactory })] }),
    ).rejects.toMatchObject({
      option: 'store',
      message: expect.stringContaining('beside the factory') as string,
    });
  });
});

describe('a request-scoped store', () => {
  const made: RequestStore[] = [];
  const records = new Map<string, SessionRecord>();

  /** Shared by all that serves one request. */
  @Injectable({ scope: Scope.REQUEST })
  class Tenant {
    readonly name: string;

    constructor(@Inject(REQUEST) request: { headers: Record<string, string> }) {
      this.name = request.headers['x-tenant'] ?? 'none';
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class RequestStore implements SessionStore {
    constructor(@Inject(Tenant) readonly tenant: Tenant) {
      made.push(this);
    }

    get(key: string): SessionRecord | undefined {
      return records.get(`${this.tenant.name}:${key}`);
    }

    set(key: string, record: SessionRecord): void {
      records.set(`${this.tenant.name}:${key}`, structuredClone(record));
    }

    destroy(key: string): void {
      records.delete(`${this.tenant.name}:${key}`);
    }
  }

  @Controller()
  class TenantController {
    constructor(
      @Inject(Tenant) private readonly tenant: Tenant,
      @InjectSessionStore() private readonly store: RequestStore,
    ) {}

    @Get()
    count(@Session() session: Views) {
      session.views = (session.views ?? 0) + 1;
      return { views: session.views, isShared: this.store.tenant === this.tenant };
    }
  }

  beforeEach(() => {
    made.length = 0;
    records.clear();
  });

  const modules: [string, () => ReturnType<typeof SessionModule.forRoot>][] = [
    [
      'forRoot()',
      () => SessionModule.forRoot({ keys: ['k'], store: RequestStore, extraProviders: [Tenant] }),
    ],
    [
      'forRootAsync()',
      () =>
        SessionModule.forRootAsync({
          useFactory: () => ({ keys: ['k'] }),
          store: RequestStore,
          extraProviders: [Tenant],
        }),
    ],
  ];

  it.each(modules)('of %s is made once a request, and injects it', async (_how, module) => {
    const session = { ...module(), exports: [...(module().exports ?? []), Tenant], global: true };
    const { browser } = await start({ imports: [session], controllers: [TenantController] });
    const as = (tenant: string) => browser.json('/', { headers: { 'x-tenant': tenant } });
    expect(await as('a')).toEqual({ views: 1, isShared: true });
    expect(await as('a')).toEqual({ views: 2, isShared: true });
    expect(made).toHaveLength(2);
    expect(await as('b')).toMatchObject({ views: 1 });
    expect([...records.keys()].map((key) => key.split(':')[0])).toEqual(['a', 'b']);
  });

  /** A tenant's part of a store that can compare and set. */
  @Injectable({ scope: Scope.REQUEST })
  class VersionedRequestStore implements SessionStore, VersionedStore {
    constructor(
      @Inject(Tenant) private readonly tenant: Tenant,
      @Inject(MemoryStore) private readonly all: MemoryStore,
    ) {}

    get(key: string) {
      return this.all.get(this.#key(key));
    }

    set(key: string, ...rest: Rest<MemoryStore['set']>) {
      calls.push('set');
      return this.all.set(this.#key(key), ...rest);
    }

    destroy(key: string) {
      return this.all.destroy(this.#key(key));
    }

    create(key: string, ...rest: Rest<MemoryStore['create']>) {
      calls.push('create');
      return this.all.create(this.#key(key), ...rest);
    }

    read(key: string, ...rest: Rest<MemoryStore['read']>) {
      return this.all.read(this.#key(key), ...rest);
    }

    update(key: string, ...rest: Rest<MemoryStore['update']>) {
      calls.push('update');
      return this.all.update(this.#key(key), ...rest);
    }

    touch(key: string, ...rest: Rest<MemoryStore['touch']>) {
      calls.push('touch');
      return this.all.touch(this.#key(key), ...rest);
    }

    #key(key: string): string {
      return `${this.tenant.name}:${key}`;
    }
  }

  @Controller()
  class ParallelController {
    @Get()
    async count(@Session() session: EngineSession) {
      await session.update((draft: Views) => {
        draft.views = (draft.views ?? 0) + 1;
      });
      return { views: (session as Views).views };
    }

    @Get('look')
    look(@Session() session: EngineSession) {
      return session;
    }
  }

  const calls: string[] = [];
  const extraProviders = [Tenant, MemoryStore];
  const keys = ['k'];

  it.each<[string, SessionModuleOptions]>([
    ['a class', { keys, store: VersionedRequestStore, extraProviders }],
    ['{ useClass }', { keys, store: { useClass: VersionedRequestStore }, extraProviders }],
    [
      '{ useExisting }',
      {
        keys,
        store: { useExisting: VersionedRequestStore },
        extraProviders: [...extraProviders, VersionedRequestStore],
      },
    ],
  ])('that can compare and set loses no parallel write, as %s', async (_what, options) => {
    calls.length = 0;
    const { browser } = await start({
      imports: [SessionModule.forRoot({ ...options, rolling: true, maxAge: 60_000 })],
      controllers: [ParallelController],
    });
    const as = (tenant: string, path = '/') =>
      browser.json(path, { headers: { 'x-tenant': tenant } });
    await as('a');
    await Promise.all(Array.from({ length: 20 }, () => as('a')));
    expect(await as('a', '/look')).toEqual({ views: 21 });
    // The read of a rolling session prolongs it, so that nothing is rewritten for that.
    expect(new Set(calls)).toEqual(new Set(['create', 'update']));
    expect(await as('b', '/look')).toEqual({});
  });

  it('that a factory makes has the three methods, and is up for the health check', async () => {
    calls.length = 0;
    const { app, browser } = await start({
      imports: [
        SessionModule.forRoot({
          keys,
          store: {
            inject: [Tenant, MemoryStore],
            useFactory: (tenant: Tenant, all: MemoryStore) =>
              new VersionedRequestStore(tenant, all),
          },
          extraProviders,
        }),
      ],
      controllers: [ParallelController],
    });
    await browser.json('/');
    expect(await browser.json('/')).toEqual({ views: 2 });
    expect(new Set(calls)).toEqual(new Set(['set']));
    const health = app.get(SessionHealthIndicator, { strict: false });
    expect(await health.isHealthy('store')).toMatchObject({ store: { status: 'up' } });
  });

  it('cannot list by owner, and options that need it are refused', async () => {
    const owner = () => 'ann';
    const module = SessionModule.forRoot({
      keys,
      owner,
      store: VersionedRequestStore,
      extraProviders,
    });
    await expect(start({ imports: [module] })).rejects.toMatchObject({ option: 'owner' });
  });

  it('that a factory returns is refused, with the way that works', async () => {
    const module = SessionModule.forRootAsync({
      useFactory: () => ({ keys: ['k'], store: RequestStore }),
      extraProviders: [Tenant],
    });
    await expect(start({ imports: [module] })).rejects.toMatchObject({
      option: 'store',
      message: expect.stringContaining(
        'forRootAsync({ store: RequestStore, useFactory })',
      ) as string,
    });
  });

  it('of another kind than a store is refused', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Ids {
      genid = () => 'id';
    }
    const module = SessionModule.forRoot({ keys: ['k'], genid: { useClass: Ids } });
    await expect(start({ imports: [module] })).rejects.toMatchObject({ option: 'genid' });
  });
});

describe('hooks', () => {
  @Injectable()
  class Hooks {
    constructor(@Inject(Prefix) private readonly prefix: Prefix) {}

    genid(ctx: Context): string {
      return `${this.prefix.text}${ctx.method.toLowerCase()}-${++counter}`;
    }

    beforeSave(_ctx: Context, session: object): void {
      Object.assign(session, { saved: this.prefix.text });
    }

    async valid(_ctx: Context, record: SessionRecord): Promise<boolean> {
      await Promise.resolve();
      return (record as Views).views !== 2;
    }
  }
  let counter = 0;

  const given: [string, () => SessionModuleOptions][] = [
    [
      'classes',
      () => ({ genid: Hooks, beforeSave: Hooks, valid: Hooks, extraProviders: [Prefix] }),
    ],
    [
      'objects',
      () => {
        const hooks = new Hooks(new Prefix());
        return { genid: hooks, beforeSave: hooks, valid: hooks };
      },
    ],
    [
      'functions',
      () => {
        const hooks = new Hooks(new Prefix());
        return {
          genid: (ctx) => hooks.genid(ctx),
          beforeSave: (ctx, session) => hooks.beforeSave(ctx, session),
          valid: (ctx, record) => hooks.valid(ctx, record),
        };
      },
    ],
    [
      'existing providers',
      () => ({
        genid: { useExisting: Hooks },
        beforeSave: { useExisting: Hooks },
        valid: { useExisting: Hooks },
        extraProviders: [Prefix, Hooks],
      }),
    ],
  ];

  it.each(given)('may be %s', async (_what, options) => {
    const store = new MemoryStore();
    const { browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], store, ...options() })],
      controllers: [CountController],
    });
    expect(await browser.text('/')).toBe('1');
    const id = String(await browser.cookie('koa.sess'));
    expect(id).toMatch(/^injected-get-\d+$/);
    expect(await store.get(id)).toMatchObject({ views: 1, saved: 'injected-' });
    expect(await browser.text('/')).toBe('2');
    // The record is no longer valid: a new session.
    expect(await browser.text('/')).toBe('1');
  });

  @Injectable()
  class HeaderKey {
    constructor(@Inject(Prefix) private readonly prefix: Prefix) {}

    get(ctx: Context): string {
      return ctx.get('x-session');
    }

    set(ctx: Context, key: string): void {
      ctx.set('x-session', key);
      ctx.set('x-prefix', this.prefix.text);
    }
  }

  it.each<[string, SessionModuleOptions]>([
    ['a class', { externalKey: HeaderKey, extraProviders: [Prefix] }],
    ['an instance', { externalKey: new HeaderKey(new Prefix()) }],
    ['a function that makes it', { externalKey: () => new HeaderKey(new Prefix()) }],
    [
      '{ useFactory, inject }',
      {
        externalKey: { inject: [Prefix], useFactory: (prefix: Prefix) => new HeaderKey(prefix) },
        extraProviders: [Prefix],
      },
    ],
  ])('carry the id otherwise than in a cookie, by %s', async (_what, options) => {
    const { url } = await start({
      // No cookie, and so no keys.
      imports: [SessionModule.forRoot({ store: new MemoryStore(), ...options })],
      controllers: [CountController],
    });
    const first = await fetch(url);
    expect(first.headers.get('x-prefix')).toBe('injected-');
    expect(first.headers.getSetCookie()).toEqual([]);
    const id = String(first.headers.get('x-session'));
    const second = await fetch(url, { headers: { 'x-session': id } });
    expect(await second.text()).toBe('2');
  });

  @Injectable()
  class HexCodec {
    readonly authenticates = false;

    constructor(@Inject(Prefix) private readonly prefix: Prefix) {}

    encode(record: Record<string, unknown>): string {
      return this.prefix.text + Buffer.from(JSON.stringify(record)).toString('hex');
    }

    decode(text: string): SessionRecord {
      const hex = text.slice(this.prefix.text.length);
      return JSON.parse(Buffer.from(hex, 'hex').toString()) as SessionRecord;
    }
  }

  it.each<[string, SessionModuleOptions]>([
    ['a class', { codec: HexCodec, extraProviders: [Prefix] }],
    ['an instance', { codec: new HexCodec(new Prefix()) }],
    [
      'a function that makes it later',
      { codec: () => Promise.resolve(new HexCodec(new Prefix())) },
    ],
    ['{ useExisting }', { codec: { useExisting: HexCodec }, extraProviders: [Prefix, HexCodec] }],
  ])('write the cookie, by %s', async (_what, options) => {
    const { browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], ...options })],
      controllers: [CountController],
    });
    await browser.text('/');
    expect(await browser.text('/')).toBe('2');
    expect(await browser.cookie('koa.sess')).toMatch(/^injected-[0-9a-f]+$/);
  });
});

describe('@InjectSession()', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Cart {
    constructor(@InjectSession() private readonly session: Views) {}

    count(): number {
      return (this.session.views = (this.session.views ?? 0) + 1);
    }
  }

  @Controller()
  class CartController {
    constructor(@Inject(Cart) private readonly cart: Cart) {}

    @Get()
    count() {
      return String(this.cart.count());
    }
  }

  it.each<[string, SessionModuleOptions]>([
    ['as it is', {}],
    ['loaded, where it is loaded lazily', { load: 'lazy', store: () => new MemoryStore() }],
  ])('gives the request’s session %s', async (_how, options) => {
    const { browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], isGlobal: true, ...options })],
      controllers: [CartController],
      providers: [Cart],
    });
    expect(await browser.text('/')).toBe('1');
    expect(await browser.text('/')).toBe('2');
  });
});
