import {
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  Post,
  Query,
  Req,
  Session,
  UseGuards,
} from '@nestjs/common';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-local';
import type { KoaRequest } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  RequireFresh,
  type Session as EngineSession,
  SessionModule,
  type SessionModuleOptions,
} from '../../../src/index.js';
import { PlainStore } from '../../support/koa-site.js';
import { start } from './support.js';

interface User {
  name: string;
}

@Injectable()
class LocalStrategy extends PassportStrategy(Strategy) {
  validate(username: string, password: string): User | null {
    return password === 'right' ? { name: username } : null;
  }
}

@Injectable()
class UserSerializer extends PassportSerializer {
  serializeUser(user: User, done: (error: null, id: string) => void): void {
    done(null, user.name);
  }

  deserializeUser(name: string, done: (error: null, user: User) => void): void {
    done(null, { name });
  }
}

@Injectable()
class LoginGuard extends AuthGuard('local') {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    await super.canActivate(context);
    await super.logIn(context.switchToHttp().getRequest());
    return true;
  }
}

/** What Passport adds to a request, and koa-session's callbacks. */
interface PassportRequest extends Omit<KoaRequest, 'session'> {
  user?: User;
  logout(options: { keepSessionInfo?: boolean }, done: (error?: unknown) => void): void;
  session: Record<
    'save' | 'regenerate' | 'destroy' | 'reload',
    (done: (error?: unknown) => void) => void
  > & {
    value?: number;
  };
}

@Controller()
class AuthController {
  @Post('login')
  @UseGuards(LoginGuard)
  login(@Req() req: PassportRequest) {
    return req.user;
  }

  @Get('me')
  me(@Req() req: PassportRequest) {
    return req.user ?? { name: null };
  }

  @Post('logout')
  async logout(@Req() req: PassportRequest, @Query('keep') keep?: string) {
    await new Promise<void>((resolve, reject) => {
      req.logout({ keepSessionInfo: keep !== undefined }, (error) =>
        error === undefined ? resolve() : reject(error as Error),
      );
    });
  }

  @Get('data')
  data(@Session() session: EngineSession) {
    return session;
  }

  @Post('after-logout')
  async leave(@Req() req: PassportRequest) {
    await this.logout(req);
    req.session.value = 3;
  }

  @Post('fresh')
  @RequireFresh('1m')
  fresh() {
    return { fresh: true };
  }

  @Post('write')
  write(@Req() req: PassportRequest) {
    req.session.value = 1;
  }

  @Post('callbacks')
  async callbacks(@Req() req: PassportRequest) {
    const call = (method: 'save' | 'regenerate' | 'destroy' | 'reload') =>
      new Promise<unknown>((resolve) => req.session[method]((error) => resolve(error ?? method)));
    const called = [await call('save')];
    req.session.value = 2;
    called.push(await call('reload'));
    const { value } = req.session;
    called.push(await call('regenerate'));
    const left = req.session.value ?? null;
    called.push(await call('destroy'));
    return { called, value, left };
  }
}

class PassportMiddleware implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(passport.initialize(), passport.session()).forRoutes('{*path}');
  }
}

/** @param passport what Passport is told at each login. */
const launch = (options: SessionModuleOptions, passport: { keepSessionInfo?: boolean } = {}) => {
  @Module({
    imports: [PassportModule.register({ session: true, ...passport })],
    controllers: [AuthController],
    providers: [LocalStrategy, UserSerializer],
  })
  class AuthModule extends PassportMiddleware {}
  return start({ imports: [SessionModule.forRoot({ keys: ['k'], ...options }), AuthModule] });
};

const ann = { username: 'ann', password: 'right' };

describe.each<[string, () => SessionModuleOptions]>([
  ['in a store', () => ({ store: new MemoryStore() })],
  ["in a store with koa-session's methods", () => ({ store: new PlainStore() })],
  ['in a cookie', () => ({})],
])('Passport with sessions %s', (_mode, options) => {
  it('logs in, knows the user, and logs out', async () => {
    const { browser } = await launch(options());
    expect(await browser.json('/me')).toEqual({ name: null });
    expect((await browser.post('/login', { ...ann, password: 'wrong' })).status).toBe(401);
    expect(await (await browser.post('/login', ann)).json()).toEqual({ name: 'ann' });
    expect(await browser.json('/me')).toEqual({ name: 'ann' });
    expect((await browser.post('/logout')).status).toBe(201);
    expect(await browser.json('/me')).toEqual({ name: null });
  });

  it('logs in without what the session held before', async () => {
    const { browser } = await launch(options());
    await browser.post('/write');
    await browser.post('/login', ann);
    expect(await browser.json('/data')).toEqual({ passport: { user: 'ann' } });
  });

  it('ends the session with the logout: no data and no cookie is left', async () => {
    const { browser } = await launch(options());
    await browser.post('/login', ann);
    await browser.post('/write');
    expect(await browser.json('/data')).toEqual({ passport: { user: 'ann' }, value: 1 });
    await browser.post('/logout');
    expect(await browser.cookies()).toBe('');
    expect(await browser.json('/data')).toEqual({});
  });

  it('begins a session for what is written after the logout', async () => {
    const { browser } = await launch(options());
    await browser.post('/login', ann);
    await browser.post('/write');
    await browser.post('/after-logout');
    expect(await browser.json('/data')).toEqual({ value: 3 });
    expect(await browser.json('/me')).toEqual({ name: null });
  });

  it('carries data over a login and a logout where keepSessionInfo says so', async () => {
    const { browser } = await launch(options(), { keepSessionInfo: true });
    await browser.post('/write');
    await browser.post('/login', ann);
    expect(await browser.json('/data')).toEqual({ passport: { user: 'ann' }, value: 1 });
    await browser.post('/logout?keep');
    expect(await browser.json('/data')).toEqual({ passport: {}, value: 1 });
    expect(await browser.json('/me')).toEqual({ name: null });
  });

  it('counts a login as an authentication, where rotateOn names its key', async () => {
    const { browser } = await launch({ ...options(), rotateOn: ['passport'] });
    expect((await browser.post('/fresh')).status).toBe(401);
    await browser.post('/write');
    expect((await browser.post('/fresh')).status).toBe(403);
    await browser.post('/login', ann);
    expect((await browser.post('/fresh')).status).toBe(201);
    await browser.post('/logout');
    expect((await browser.post('/fresh')).status).toBe(401);
  });

  it('keeps the data at both with callbackStyle koa-session', async () => {
    const { browser } = await launch({ ...options(), callbackStyle: 'koa-session' });
    await browser.post('/write');
    await browser.post('/login', ann);
    await browser.post('/logout');
    expect(await browser.json('/data')).toEqual({ passport: {}, value: 1 });
  });

  it('calls back from save, regenerate, reload and destroy', async () => {
    const { browser } = await launch(options());
    await browser.post('/write');
    const answer = await (await browser.post('/callbacks')).json();
    expect(answer).toEqual({
      called: ['save', 'reload', 'regenerate', 'destroy'],
      value: 1,
      left: null,
    });
    expect(await browser.cookies()).toBe('');
  });
});

describe('Passport in store mode', () => {
  it('gives the session a new id with the login and with the logout, and ends the old ones', async () => {
    const store = new MemoryStore();
    const { browser, url } = await launch({ store });
    await browser.post('/write');
    const planted = await browser.cookies();
    await browser.post('/login', ann);
    const loggedIn = await browser.cookies();
    await browser.post('/after-logout');
    const loggedOut = await browser.cookies();
    expect(new Set([planted, loggedIn, loggedOut]).size).toBe(3);
    for (const cookie of [planted, loggedIn, loggedOut]) {
      const answer = await fetch(`${url}/me`, { headers: { cookie } });
      expect(await answer.json()).toEqual({ name: null });
    }
    for (const cookie of [planted, loggedIn]) {
      const answer = await fetch(`${url}/data`, { headers: { cookie } });
      expect(await answer.json()).toEqual({});
    }
  });

  it('works with app.use() as well', async () => {
    const { browser } = await start(
      {
        imports: [
          SessionModule.forRoot({ keys: ['k'], store: new MemoryStore() }),
          PassportModule.register({ session: true }),
        ],
        controllers: [AuthController],
        providers: [LocalStrategy, UserSerializer],
      },
      (app) => {
        app.use(passport.initialize(), passport.session());
      },
    );
    await browser.post('/login', ann);
    expect(await browser.json('/me')).toEqual({ name: 'ann' });
  });
});
