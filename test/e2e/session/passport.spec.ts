import {
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  Post,
  Req,
  UseGuards,
} from '@nestjs/common';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-local';
import type { KoaRequest } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { SessionModule, type SessionModuleOptions } from '../../../src/index.js';
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
  logout(done: (error?: unknown) => void): void;
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
  async logout(@Req() req: PassportRequest) {
    await new Promise<void>((resolve, reject) => {
      req.logout((error) => (error === undefined ? resolve() : reject(error as Error)));
    });
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
    called.push(await call('regenerate'), await call('destroy'));
    return { called, value };
  }
}

@Module({
  imports: [PassportModule.register({ session: true })],
  controllers: [AuthController],
  providers: [LocalStrategy, UserSerializer],
})
class AuthModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(passport.initialize(), passport.session()).forRoutes('{*path}');
  }
}

const launch = (options: SessionModuleOptions) =>
  start({ imports: [SessionModule.forRoot({ keys: ['k'], ...options }), AuthModule] });

const ann = { username: 'ann', password: 'right' };

describe.each<[string, () => SessionModuleOptions]>([
  ['in a store', () => ({ store: new MemoryStore() })],
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

  it('calls back from save, regenerate, reload and destroy', async () => {
    const { browser } = await launch(options());
    await browser.post('/write');
    const answer = await (await browser.post('/callbacks')).json();
    expect(answer).toEqual({ called: ['save', 'reload', 'regenerate', 'destroy'], value: 1 });
    expect(await browser.cookies()).toBe('');
  });
});

describe('Passport in store mode', () => {
  it('gives the session a new id with the login and with the logout, and ends the old ones', async () => {
    const { browser, url } = await launch({ store: new MemoryStore() });
    await browser.post('/write');
    const planted = await browser.cookies();
    await browser.post('/login', ann);
    const loggedIn = await browser.cookies();
    await browser.post('/logout');
    const loggedOut = await browser.cookies();
    expect(new Set([planted, loggedIn, loggedOut]).size).toBe(3);
    for (const cookie of [planted, loggedIn, loggedOut]) {
      const answer = await fetch(`${url}/me`, { headers: { cookie } });
      expect(await answer.json()).toEqual({ name: null });
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
        app.use(passport.initialize() as never, passport.session() as never);
      },
    );
    await browser.post('/login', ann);
    expect(await browser.json('/me')).toEqual({ name: 'ann' });
  });
});
