import {
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Post,
  Req,
  UseGuards,
} from '@nestjs/common';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-local';
import type { KoaRequest } from '../../lib/platform-koa/index.js';
import { json, sessions, start } from './application.js';

type WithUser = KoaRequest & { user?: unknown; logout(done: (error: unknown) => void): void };

@Injectable()
class LocalStrategy extends PassportStrategy(Strategy) {
  validate(username: string, password: string): { name: string } | null {
    return password === 'right' ? { name: username } : null;
  }
}

@Injectable()
class LoginGuard extends AuthGuard('local') {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const result = (await super.canActivate(context)) as boolean;
    await super.logIn(context.switchToHttp().getRequest());
    return result;
  }
}

@Injectable()
class Serializer extends PassportSerializer {
  serializeUser(user: unknown, done: (error: null, id: unknown) => void): void {
    done(null, (user as { name: string }).name);
  }

  deserializeUser(name: unknown, done: (error: null, user: unknown) => void): void {
    done(null, { name });
  }
}

@Controller()
class AccountController {
  @Post('login')
  @UseGuards(LoginGuard)
  login(@Req() req: WithUser): unknown {
    return req.user;
  }

  @Get('me')
  me(@Req() req: WithUser): unknown {
    return { user: req.user ?? null };
  }

  @Post('logout')
  async logout(@Req() req: WithUser): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      req.logout((error) => (error ? reject(error as Error) : resolve()));
    });
  }
}

it('@nestjs/passport logs in, remembers and logs out through the session', async () => {
  const { browser } = await start(
    {
      imports: [sessions, PassportModule.register({ session: true })],
      controllers: [AccountController],
      providers: [LocalStrategy, LoginGuard, Serializer],
    },
    {
      configure: (app) => app.use(passport.initialize()).use(passport.session()),
    },
  );
  const me = async (): Promise<unknown> => (await browser.fetch('/me')).json();

  const refused = await browser.fetch('/login', json({ username: 'ada', password: 'wrong' }));
  expect(refused.status).toBe(401);
  expect(await me()).toEqual({ user: null });

  const accepted = await browser.fetch('/login', json({ username: 'ada', password: 'right' }));
  expect(await accepted.json()).toEqual({ name: 'ada' });
  expect(await me()).toEqual({ user: { name: 'ada' } });

  await browser.fetch('/logout', { method: 'POST' });
  expect(await me()).toEqual({ user: null });
});
