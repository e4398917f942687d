import {
  Controller,
  Get,
  ImATeapotException,
  Module,
  Post,
  Req,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { KoaRequest } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  RequireNewSession,
  RequireSession,
  Session,
  SessionGuard,
  SessionModule,
  type SessionModuleOptions,
  SkipSession,
} from '../../../src/index.js';
import { start } from './support.js';

@Controller()
class WriteController {
  @Post('write')
  @SkipSession()
  write(@Session() session: object, @Req() { body }: KoaRequest) {
    Object.assign(session, body);
  }
}

@Controller('guarded')
@UseGuards(SessionGuard)
class GuardedController {
  @Get('default')
  default() {
    return 'in';
  }

  @Get('there')
  @RequireSession()
  there() {
    return 'in';
  }

  @Get('new')
  @RequireNewSession()
  new() {
    return 'in';
  }

  @Get('user')
  @RequireSession({ has: 'user' })
  user() {
    return 'in';
  }

  @Get('both')
  @RequireSession({ has: ['user', 'role'] })
  both() {
    return 'in';
  }

  @Get('hour')
  @RequireSession({ maxAge: { atLeast: 3_600_000 } })
  hour() {
    return 'in';
  }

  @Get('day')
  @RequireSession({ maxAge: { atLeast: 86_400_000 } })
  day() {
    return 'in';
  }

  @Get('key')
  @RequireSession({ externalKey: true })
  key() {
    return 'in';
  }

  @Get('uuid')
  @RequireSession({ externalKey: /^[0-9a-f-]{36}$/g })
  uuid() {
    return 'in';
  }

  @Get('prefixed')
  @RequireSession({ externalKey: /^v2-/ })
  prefixed() {
    return 'in';
  }

  @Get('judged')
  @RequireSession({
    externalKey: async (key, ctx) => {
      await Promise.resolve();
      return key.length === 36 && ctx.get('x-judge') === 'kind';
    },
  })
  judged() {
    return 'in';
  }

  @Get('twice')
  @RequireSession({ has: 'user' })
  @RequireSession({ has: 'role' })
  twice() {
    return 'in';
  }

  @Get('skipped')
  @SkipSession()
  skipped() {
    return 'in';
  }
}

@Controller('class')
@UseGuards(SessionGuard)
@RequireSession({ has: 'user' })
class ClassController {
  @Get()
  inherits() {
    return 'in';
  }

  @Get('own')
  @RequireSession({ has: 'role' })
  own() {
    return 'in';
  }

  @Get('open')
  @SkipSession()
  open() {
    return 'in';
  }
}

@Module({ controllers: [WriteController, GuardedController, ClassController] })
class GuardedModule {}

const launch = (options: SessionModuleOptions = {}, controllers: Type<unknown>[] = []) =>
  start({
    imports: [SessionModule.forRoot({ keys: ['k'], ...options }), GuardedModule],
    controllers,
  });

const SECRET = 'top-secret-content';

describe('SessionGuard', () => {
  it('answers 401 without a session, and says which rule failed', async () => {
    const { browser } = await launch();
    for (const path of ['default', 'there', 'user', 'hour', 'key', 'twice']) {
      const answer = await browser.fetch(`/guarded/${path}`);
      expect(answer.status).toBe(401);
      expect(await answer.json()).toEqual({
        statusCode: 401,
        error: 'Unauthorized',
        message: 'a session is required',
        rule: 'isNew',
      });
    }
  });

  it.each<[string, object, number, rule?: string]>([
    ['default', {}, 200],
    ['there', {}, 200],
    ['new', {}, 403, 'isNew'],
    ['user', { user: SECRET }, 200],
    ['user', { user: '' }, 200],
    ['user', { user: null }, 403, 'has'],
    ['user', { role: SECRET }, 403, 'has'],
    ['both', { user: SECRET, role: 'admin' }, 200],
    ['both', { user: SECRET }, 403, 'has'],
    ['twice', { user: SECRET, role: 'admin' }, 200],
    ['twice', { role: SECRET }, 403, 'has'],
    ['hour', {}, 200],
    ['day', {}, 403, 'maxAge'],
    ['key', {}, 200],
    ['uuid', {}, 200],
    ['prefixed', {}, 403, 'externalKey'],
    ['judged', {}, 403, 'externalKey'],
    ['skipped', {}, 200],
  ])('on "%s" with %j answers %i', async (path, data, status, ...[rule]) => {
    const { browser } = await launch({ store: new MemoryStore(), maxAge: 7_200_000 });
    await browser.post('/write', { something: 1, ...data });
    // Twice, as a pattern with a memory would fail the second time.
    for (let time = 0; time < 2; time++) {
      const answer = await browser.fetch(`/guarded/${path}`);
      const text = await answer.text();
      expect(answer.status).toBe(status);
      if (status !== 200) expect(JSON.parse(text)).toMatchObject({ statusCode: status, rule });
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(await browser.cookie('koa.sess'));
    }
  });

  it('asks a function about the external key and the context', async () => {
    const { browser } = await launch({ store: new MemoryStore() });
    await browser.post('/write', { user: 1 });
    const answer = await browser.fetch('/guarded/judged', { headers: { 'x-judge': 'kind' } });
    expect(answer.status).toBe(200);
  });

  it('takes a session that ends with the browser for one without limit', async () => {
    const { browser } = await launch({ maxAge: 'session' });
    await browser.post('/write', { user: 1 });
    expect((await browser.fetch('/guarded/day')).status).toBe(200);
  });

  it('takes an unset maxAge for the day that the record lives', async () => {
    const { browser } = await launch();
    await browser.post('/write', { user: 1 });
    expect((await browser.fetch('/guarded/day')).status).toBe(200);
  });

  it('finds no external key in cookie mode', async () => {
    const { browser } = await launch();
    await browser.post('/write', { user: 1 });
    const answer = await browser.fetch('/guarded/key');
    expect(await answer.json()).toMatchObject({ statusCode: 403, rule: 'externalKey' });
  });

  it('lets a method’s requirements go before its class’s', async () => {
    const { browser } = await launch();
    expect((await browser.fetch('/class/open')).status).toBe(200);
    await browser.post('/write', { role: 'admin' });
    expect((await browser.fetch('/class')).status).toBe(403);
    expect((await browser.fetch('/class/own')).status).toBe(200);
  });

  it('does not take a name of the prototype for data', async () => {
    @Controller('proto')
    @UseGuards(SessionGuard)
    @RequireSession({ has: ['constructor'] })
    class ProtoController {
      @Get()
      get() {
        return 'in';
      }
    }
    const { browser } = await launch({}, [ProtoController]);
    await browser.post('/write', { user: 1 });
    expect((await browser.fetch('/proto')).status).toBe(403);
  });

  it('takes a request that its session is not for as one without a session', async () => {
    const { browser } = await launch({ exclude: ['guarded/there', 'guarded/new'] });
    await browser.post('/write', { user: 1 });
    expect((await browser.fetch('/guarded/default')).status).toBe(200);
    expect((await browser.fetch('/guarded/there')).status).toBe(401);
    expect((await browser.fetch('/guarded/new')).status).toBe(200);
  });

  it('asks for the session of a name', async () => {
    @Controller('named')
    class NamedController {
      @Get()
      @UseGuards(SessionGuard)
      @RequireSession()
      @RequireSession({ name: 'admin', has: 'role' })
      get() {
        return 'in';
      }

      @Post()
      login(@Session({ name: 'admin' }) admin: object) {
        Object.assign(admin, { role: 'root' });
      }
    }
    const { browser } = await start({
      imports: [
        SessionModule.forRoot({ keys: ['k'] }),
        SessionModule.forRoot({ name: 'admin', key: 'admin' }),
        GuardedModule,
      ],
      controllers: [NamedController],
    });
    await browser.post('/named');
    expect((await browser.fetch('/named')).status).toBe(401);
    await browser.post('/write', { user: 1 });
    expect((await browser.fetch('/named')).status).toBe(200);
  });

  it('guards the whole application as a global guard', async () => {
    @Controller('plain')
    class PlainController {
      @Get()
      get() {
        return 'in';
      }
    }
    const { browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'] }), GuardedModule],
      controllers: [PlainController],
      providers: [{ provide: APP_GUARD, useClass: SessionGuard }],
    });
    expect((await browser.fetch('/plain')).status).toBe(401);
    expect((await browser.fetch('/class/open')).status).toBe(200);
    await browser.post('/write', { user: 1 });
    expect((await browser.fetch('/plain')).status).toBe(200);
  });

  it('throws what an exception factory makes, the decorator’s before the module’s', async () => {
    @Controller('made')
    @UseGuards(SessionGuard)
    class MadeController {
      @Get()
      module() {
        return 'in';
      }

      @Get('own')
      @RequireSession({ exceptionFactory: () => new ImATeapotException('own') })
      own() {
        return 'in';
      }
    }
    const { browser } = await launch(
      {
        exceptionFactory: ({ rule, name }, context) =>
          new ImATeapotException(`${rule} ${name} ${context.getHandler().name}`),
      },
      [MadeController],
    );
    expect(await browser.json('/made')).toMatchObject({
      statusCode: 418,
      message: 'isNew undefined module',
    });
    expect(await browser.json('/made/own')).toMatchObject({ message: 'own' });
  });
});
