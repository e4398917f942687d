import {
  Controller,
  Get,
  Injectable,
  Module,
  ParseIntPipe,
  type PipeTransform,
  Post,
  Req,
  Session as NestSession,
  UseGuards,
} from '@nestjs/common';
import { IsString } from 'class-validator';
import { ValidationPipe } from '@nestjs/common';
import type { KoaRequest } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  ExternalKey,
  IsNewSession,
  RequireSession,
  Session,
  SessionGuard,
  SessionMaxAge,
  SessionModule,
  type SessionModuleOptions,
} from '../../../src/index.js';
import { start } from './support.js';

interface Data {
  user?: unknown;
  count?: unknown;
  isNew: boolean;
  toJSON(): object;
}

class User {
  @IsString()
  name!: string;
}

@Injectable()
class ShoutPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return value.toUpperCase();
  }
}

@Controller()
class ReadingController {
  @Post('write')
  write(@Session() session: Data) {
    session.user = { name: 'ann' };
    session.count = '42';
  }

  @Post('write-badly')
  writeBadly(@Session() session: Data) {
    session.user = { name: 7 };
    session.count = 'many';
  }

  @Get('whole')
  whole(@Session() session: Data) {
    return session.toJSON();
  }

  @Get('user')
  user(@Session('user') user: User) {
    return user;
  }

  @Get('selected')
  selected(@Session({ key: 'user' }) user: User) {
    return user;
  }

  @Get('validated')
  validated(
    @Session('user', new ValidationPipe({ validateCustomDecorators: true, transform: true }))
    user: User,
  ) {
    return { isUser: user instanceof User, ...user };
  }

  @Get('number')
  number(@Session('count', ParseIntPipe) count: number) {
    return { count };
  }

  @Get('piped')
  piped(@Session('count', ShoutPipe) count: string) {
    return { count };
  }

  @Get('missing')
  missing(@Session('nothing') nothing: unknown) {
    return { type: typeof nothing };
  }

  @Get('facts')
  facts(
    @IsNewSession() isNew: boolean,
    @SessionMaxAge() maxAge: number | 'session' | undefined,
    @ExternalKey() externalKey: string | undefined,
  ) {
    return { isNew, maxAge, externalKey };
  }

  @Get('nothing')
  nothing() {
    return {};
  }

  @Get('same')
  async same(@Session() ours: Data, @NestSession() nests: Data, @Req() req: KoaRequest) {
    return {
      nests: (await nests) === ours,
      request: (await req.session) === ours,
      context: (await req.ctx.session) === (ours as unknown),
    };
  }

  @Get('destroyed')
  destroyed(@Req() req: KoaRequest) {
    req.ctx.session = null;
  }
}

@Module({ controllers: [ReadingController] })
class ReadingModule {}

const launch = (options: SessionModuleOptions) =>
  start({ imports: [SessionModule.forRoot({ keys: ['k'], ...options }), ReadingModule] });

describe.each<[string, () => SessionModuleOptions]>([
  ['in cookie mode', () => ({})],
  ['in store mode', () => ({ store: new MemoryStore() })],
  ['loaded lazily', () => ({ store: new MemoryStore(), load: 'lazy' })],
  ['loaded lazily from a cookie', () => ({ load: 'lazy' })],
])('a session %s', (mode, options) => {
  it('is read whole, by key, and through pipes', async () => {
    const { browser } = await launch(options());
    await browser.post('/write');
    expect(await browser.json('/whole')).toEqual({ user: { name: 'ann' }, count: '42' });
    expect(await browser.json('/user')).toEqual({ name: 'ann' });
    expect(await browser.json('/selected')).toEqual({ name: 'ann' });
    expect(await browser.json('/validated')).toEqual({ isUser: true, name: 'ann' });
    expect(await browser.json('/number')).toEqual({ count: 42 });
    expect(await browser.json('/piped')).toEqual({ count: '42' });
    expect(await browser.json('/missing')).toEqual({ type: 'undefined' });
  });

  it('is refused by pipes', async () => {
    const { browser } = await launch(options());
    await browser.post('/write-badly');
    expect((await browser.fetch('/validated')).status).toBe(400);
    expect((await browser.fetch('/number')).status).toBe(400);
  });

  it('tells of itself', async () => {
    const { browser } = await launch({ ...options(), maxAge: 60_000 });
    expect(await browser.json('/facts')).toMatchObject({ isNew: true, maxAge: 60_000 });
    await browser.post('/write');
    const id = mode.includes('cookie') ? undefined : await browser.cookie('koa.sess');
    expect(await browser.json('/facts')).toEqual({ isNew: false, maxAge: 60_000, externalKey: id });
  });

  it('is the one that Nest’s own decorator, the request and the context have', async () => {
    const { browser } = await launch(options());
    expect(await browser.json('/same')).toEqual({ nests: true, request: true, context: true });
  });

  it('ends when the context’s session is set to null', async () => {
    const { browser } = await launch(options());
    await browser.post('/write');
    await browser.fetch('/destroyed');
    expect(await browser.cookies()).toBe('');
    expect(await browser.json('/facts')).toMatchObject({ isNew: true });
  });
});

describe('with load: "lazy"', () => {
  class CountingStore extends MemoryStore {
    reads = 0;

    override read(...args: Parameters<MemoryStore['read']>) {
      this.reads++;
      return super.read(...args);
    }
  }

  it('a route that does not ask for the session costs the store nothing; guards and decorators load it once', async () => {
    @Controller('guarded')
    @UseGuards(SessionGuard)
    @RequireSession({ has: 'user' })
    class GuardedController {
      @Get()
      guarded(@Session('user') user: User, @IsNewSession() isNew: boolean) {
        return { user, isNew };
      }
    }

    const store = new CountingStore();
    const { browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], store, load: 'lazy' }), ReadingModule],
      controllers: [GuardedController],
    });
    await browser.post('/write');
    store.reads = 0;
    await browser.fetch('/nothing');
    expect(store.reads).toBe(0);
    expect(await browser.json('/guarded')).toEqual({ user: { name: 'ann' }, isNew: false });
    expect(store.reads).toBe(1);
  });
});
