import { Controller, Get, Module, Post } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import Koa from 'koa';
import request from 'supertest';
import { KoaAdapter, type NestKoaApplication } from '../../../lib/platform-koa/index.js';
import { createSession, sealed, type SessionOptions } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { readSession, sessionCookie } from '../../../lib/testing/index.js';
import {
  Session,
  SESSION_STORE,
  SessionModule,
  type SessionModuleOptions,
} from '../../../src/index.js';

interface Data {
  user?: string;
}

@Controller()
class AccountController {
  @Get()
  show(@Session() session: { toJSON(): object }) {
    return session.toJSON();
  }

  @Post('login')
  login(@Session() session: Data) {
    session.user = 'ann';
  }

  @Post('logout')
  logout(@Session() session: Session) {
    return session.destroy();
  }

  @Get('admin')
  admin(@Session({ name: 'admin' }) session: { toJSON(): object }) {
    return session.toJSON();
  }
}

@Module({ controllers: [AccountController] })
class AccountModule {}

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function application(options: SessionModuleOptions): Promise<NestKoaApplication> {
  const testing = await Test.createTestingModule({
    imports: [
      SessionModule.forRoot({ keys: ['k'], ...options }),
      SessionModule.forRoot({ name: 'admin', key: 'admin' }),
      AccountModule,
    ],
  }).compile();
  const app = testing.createNestApplication<NestKoaApplication>(new KoaAdapter(), {
    logger: false,
  });
  open.push(app);
  return app.init();
}

const MODES: [string, () => SessionModuleOptions][] = [
  ['in a signed cookie', () => ({})],
  ['in a sealed cookie', () => ({ codec: sealed({ keys: ['a-long-secret-of-32-characters-!'] }) })],
  ['in an unsigned cookie', () => ({ signed: false })],
  ['in a store', () => ({ store: new MemoryStore() })],
  ['loaded lazily', () => ({ store: new MemoryStore(), load: 'lazy' })],
  ['in a cookie for https only', () => ({ secure: true })],
];

describe.each(MODES)('a test with a session %s', (mode, options) => {
  it('starts logged in with one line', async () => {
    const app = await application(options());
    const cookie = await sessionCookie(app, { user: 'ann' });
    const server = request(app.getHttpServer());
    await server.get('/').set('Cookie', cookie).expect(200, { user: 'ann' });
  });

  // Over plain HTTP an application sends no cookie that is for HTTPS only.
  const overHttp = !mode.includes('https');

  it('reads the session out of an answer', async () => {
    const app = await application(options());
    const server = request(app.getHttpServer());
    if (!overHttp) {
      await server.post('/login').expect(500);
      return;
    }
    const answer = await server.post('/login').expect(201);
    expect(await readSession(app, answer)).toEqual({ user: 'ann' });
    expect(await readSession(app, answer.headers['set-cookie'] as unknown as string[])).toEqual({
      user: 'ann',
    });
    const cookie = await sessionCookie(app, { user: 'eve' });
    expect(await readSession(app, cookie)).toEqual({ user: 'eve' });
    const out = await server.post('/logout').set('Cookie', cookie).expect(201);
    expect(await readSession(app, out)).toBeUndefined();
  });

  it('finds no session in cookies that lead to none', async () => {
    const app = await application(options());
    expect(await readSession(app, '')).toBeUndefined();
    expect(await readSession(app, 'koa.sess=nonsense; koa.sess.sig=nonsense')).toBeUndefined();
  });
});

describe('a test', () => {
  it('may use a named session', async () => {
    const app = await application({});
    const cookie = await sessionCookie(app, { role: 'root' }, { key: 'admin' });
    const server = request(app.getHttpServer());
    await server.get('/admin').set('Cookie', cookie).expect(200, { role: 'root' });
    await server.get('/').set('Cookie', cookie).expect(200, {});
    expect(await readSession(app, cookie, { key: 'admin' })).toEqual({ role: 'root' });
  });

  it('may replace the store', async () => {
    const store = new MemoryStore();
    const testing = await Test.createTestingModule({
      imports: [
        SessionModule.forRoot({ keys: ['k'], store: () => Promise.reject(new Error('no server')) }),
        AccountModule,
      ],
    })
      .overrideProvider(SESSION_STORE)
      .useValue(store)
      .compile();
    const app = await testing
      .createNestApplication<NestKoaApplication>(new KoaAdapter(), { logger: false })
      .init();
    open.push(app);
    const cookie = await sessionCookie(app, { user: 'ann' });
    const [, id = ''] = /koa\.sess=([^;]+)/.exec(cookie) ?? [];
    expect(await store.get(id)).toMatchObject({ user: 'ann' });
  });

  it('sends the headers that a session is bound to', async () => {
    const app = await application({
      store: new MemoryStore(),
      binding: (ctx) => ctx.get('user-agent'),
    });
    const headers = { 'user-agent': 'test' };
    const cookie = await sessionCookie(app, { user: 'ann' }, { headers });
    const server = request(app.getHttpServer());
    await server.get('/').set('Cookie', cookie).set(headers).expect(200, { user: 'ann' });
    await server.get('/').set('Cookie', cookie).set('user-agent', 'other').expect(200, {});
    expect(await readSession(app, cookie, { headers })).toEqual({ user: 'ann' });
  });

  it('is told when the application is not ready', async () => {
    const koa = new Koa();
    await expect(sessionCookie(koa, {})).rejects.toMatchObject({
      code: 'ERR_SESSION_NOT_INSTALLED',
      message: expect.stringContaining('app.init()') as string,
    });
  });

  it('may be for plain Koa, and for an application that runs elsewhere', async () => {
    const options: SessionOptions = { key: 'sid', keys: ['k'], maxAge: 60_000 };
    const koa = new Koa();
    koa.use(createSession(options, koa));
    koa.use((ctx) => {
      ctx.body = ctx.session.toJSON();
    });
    const cookie = await sessionCookie(options, { user: 'ann' });
    const answer = await request(koa.callback()).get('/').set('Cookie', cookie).expect(200);
    expect(answer.body).toEqual({ user: 'ann' });
    expect(await readSession(koa, cookie)).toEqual({ user: 'ann' });
    const fetched = new Response(null, { headers: answer.headers as Record<string, string> });
    expect(await readSession(options, fetched)).toBeUndefined();
    expect(await readSession({ ...options, keys: ['other'] }, cookie)).toBeUndefined();
  });
});
