import { jest } from '@jest/globals';
import {
  Controller,
  Get,
  ImATeapotException,
  type INestApplicationContext,
  Post,
  Req,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { KoaRequest } from '../../lib/platform-koa/index.js';
import { csrfToken, type SessionOptions } from '../../lib/session/index.js';
import { MemoryStore } from '../../lib/stores/memory.js';
import {
  CsrfGuard,
  RequireFresh,
  Session,
  SessionModule,
  type SessionModuleOptions,
  SkipCsrf,
} from '../../src/index.js';
import { start } from '../e2e/session/support.js';
import type { Data } from './support.js';

const MINUTE = 60_000;

afterEach(() => {
  jest.useRealTimers();
});

function advance(ms: number): void {
  const now = Date.now() + ms;
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setTimeout'] });
  jest.setSystemTime(now);
}

@Controller()
class AccountController {
  @Post('login')
  @SkipCsrf()
  async login(@Session() session: Data) {
    session.userId = 'alice';
    await session.login();
  }

  @Post('visit')
  @SkipCsrf()
  visit(@Session() session: Data) {
    session.cart = 1;
  }

  @Get('password')
  @RequireFresh('10m')
  password() {
    return 'changed';
  }

  @Get('token')
  token(@Req() request: KoaRequest) {
    return csrfToken(request.ctx);
  }

  @Post('pay')
  pay() {
    return 'paid';
  }
}

@RequireFresh(10 * MINUTE)
@Controller('class')
class ClassController {
  @Get('long')
  @RequireFresh('1.5h')
  long() {
    return 'in';
  }

  @Get('short')
  short() {
    return 'in';
  }
}

const application = (
  options: SessionModuleOptions = {},
  guards: Parameters<typeof start>[0]['providers'] = [],
) =>
  start(
    {
      imports: [SessionModule.forRoot({ store: new MemoryStore(), keys: ['a key'], ...options })],
      controllers: [AccountController, ClassController],
      providers: guards,
    },
    (app: INestApplicationContext) => app,
  );

describe.each<[string, SessionOptions]>([
  ['in a store', {}],
  ['loaded lazily', { load: 'lazy' }],
  ['in a cookie', { store: null }],
])('@RequireFresh() with sessions %s', (_, options) => {
  it('lets a fresh login in, and later asks for another', async () => {
    const { browser } = await application(options as SessionModuleOptions);
    await browser.post('/login');
    expect(await browser.text('/password')).toBe('changed');
    advance(9 * MINUTE);
    expect(await browser.text('/password')).toBe('changed');
    advance(2 * MINUTE);
    const refused = await browser.fetch('/password');
    expect(refused.status).toBe(403);
    expect(await refused.json()).toEqual({
      statusCode: 403,
      error: 'Forbidden',
      message: 'the login is too long ago: log in again',
      rule: 'fresh',
    });
    await browser.post('/login');
    expect(await browser.text('/password')).toBe('changed');
  });

  it('answers 401 without a session, and 403 with one that nobody logged in to', async () => {
    const { browser } = await application(options as SessionModuleOptions);
    const without = await browser.fetch('/password');
    expect(without.status).toBe(401);
    expect(await without.json()).toMatchObject({ rule: 'fresh' });
    await browser.post('/visit');
    expect((await browser.fetch('/password')).status).toBe(403);
  });
});

describe('@RequireFresh()', () => {
  it('on a method goes before the one on its class', async () => {
    const { browser } = await application();
    await browser.post('/login');
    advance(60 * MINUTE);
    expect((await browser.fetch('/class/short')).status).toBe(403);
    expect((await browser.fetch('/class/long')).status).toBe(200);
  });

  it('does not take a login for fresh because the clock was set back', async () => {
    const { browser } = await application();
    await browser.post('/login');
    advance(-20 * MINUTE);
    expect((await browser.fetch('/password')).status).toBe(403);
  });

  it('lets the module’s exceptionFactory make the answer', async () => {
    const { browser } = await application({
      exceptionFactory: ({ rule }) => new ImATeapotException(rule),
    });
    const refused = await browser.fetch('/password');
    expect(refused.status).toBe(418);
  });

  it.each([0, -1, NaN, Infinity, '10', 'm', '10 minutes', '', undefined])(
    'refuses %p as a time when the class is declared',
    (within) => {
      expect(() => RequireFresh(within as number)).toThrow(
        /@RequireFresh\(\) must be given a time/,
      );
    },
  );
});

describe.each([
  ['in a store', {}],
  ['in a cookie', { store: null }],
])('CsrfGuard with sessions %s', (_, options) => {
  const guarded = () =>
    application(options as SessionModuleOptions, [{ provide: APP_GUARD, useClass: CsrfGuard }]);

  it('lets a write through with the token of its session alone, in a header or a form', async () => {
    const { browser } = await guarded();
    await browser.post('/login');
    const token = await browser.text('/token');
    const refused = await browser.post('/pay');
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ statusCode: 403, rule: 'csrf' });
    const headers = { 'x-csrf-token': token };
    expect((await browser.fetch('/pay', { method: 'POST', headers })).status).toBe(201);
    const body = new URLSearchParams({ _csrf: token });
    expect((await browser.fetch('/pay', { method: 'POST', body })).status).toBe(201);
    expect((await browser.post('/pay', { _csrf: token })).status).toBe(201);
  });

  it('refuses another session’s token, and one in the URL', async () => {
    const { browser, url } = await guarded();
    const attacker = new (browser.constructor as new (base: string) => typeof browser)(url);
    await browser.post('/login');
    await attacker.post('/login');
    const theirs = await attacker.text('/token');
    const own = await browser.text('/token');
    expect((await browser.post('/pay', { _csrf: theirs })).status).toBe(403);
    expect((await browser.post(`/pay?_csrf=${own}`)).status).toBe(403);
  });

  it('refuses a token of before the login', async () => {
    const { browser } = await guarded();
    await browser.post('/visit');
    const planted = await browser.text('/token');
    await browser.post('/login');
    expect((await browser.post('/pay', { _csrf: planted })).status).toBe(403);
  });
});

it('CsrfGuard can be extended for other names', async () => {
  class ScriptGuard extends CsrfGuard {
    protected override readonly options = { header: 'x-xsrf-token' };
  }
  @Controller()
  @UseGuards(ScriptGuard)
  class OtherController extends AccountController {}
  const { browser } = await start({
    imports: [SessionModule.forRoot({ store: new MemoryStore(), keys: ['a key'] })],
    controllers: [OtherController],
  });
  await browser.post('/login');
  const token = await browser.text('/token');
  const pay = (name: string) =>
    browser.fetch('/pay', { method: 'POST', headers: { [name]: token } });
  expect((await pay('x-csrf-token')).status).toBe(403);
  expect((await pay('x-xsrf-token')).status).toBe(201);
});
