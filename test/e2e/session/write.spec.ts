import { Readable } from 'node:stream';
import {
  Catch,
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  Module,
  Redirect,
  Res,
  Sse,
  StreamableFile,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { delay, map, of } from 'rxjs';
import type { KoaResponse } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { Session, SessionModule, type SessionModuleOptions } from '../../../src/index.js';
import { start } from './support.js';

interface Counter {
  views?: number;
}

/** Loaded lazily, it is to be awaited where no decorator does that. */
interface WithSession {
  session: Counter | Promise<Counter>;
}

function count(session: Counter): string {
  session.views = (session.views ?? 0) + 1;
  return `${session.views}`;
}

class CountingGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const session = await context.switchToHttp().getRequest<WithSession>().session;
    count(session);
    throw new ForbiddenException(`${session.views}`);
  }
}

@Catch(HttpException)
class CountingFilter implements ExceptionFilter {
  async catch(_error: HttpException, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const session = await http.getRequest<WithSession>().session;
    http.getResponse<KoaResponse>().status(418).send(count(session));
  }
}

@Controller()
class CounterController {
  @Get('sync')
  sync(@Session() session: Counter) {
    return count(session);
  }

  @Get('async')
  async async(@Session() session: Counter) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return count(session);
  }

  @Get('observable')
  observable(@Session() session: Counter) {
    return of(session).pipe(delay(5), map(count));
  }

  @Get('file')
  file(@Session() session: Counter) {
    return new StreamableFile(Readable.from([Buffer.from(count(session))]), {
      type: 'text/plain',
    });
  }

  @Get('res')
  async res(@Session() session: Counter, @Res() response: KoaResponse) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    response.send(count(session));
  }

  @Get('res-end')
  end(@Session() session: Counter, @Res() response: KoaResponse) {
    response.end(count(session));
  }

  @Get('res-write')
  write(@Session() session: Counter, @Res() response: KoaResponse) {
    response.write(count(session));
    setTimeout(() => response.end(), 5);
  }

  @Sse('sse')
  events(@Session() session: Counter) {
    return of({ data: count(session) });
  }

  @Get('redirect')
  @Redirect('/elsewhere', 302)
  redirect(@Session() session: Counter) {
    return { url: `/views/${count(session)}` };
  }

  @Get('guard')
  @UseGuards(CountingGuard)
  guarded() {
    return 'never';
  }

  @Get('throw')
  throws(@Session() session: Counter) {
    throw new ForbiddenException(count(session));
  }

  @Get('filter')
  @UseFilters(CountingFilter)
  filtered() {
    throw new ForbiddenException();
  }
}

const MODES: [string, () => SessionModuleOptions][] = [
  ['in a cookie', () => ({ keys: ['secret'] })],
  ['in a store', () => ({ keys: ['secret'], store: new MemoryStore() })],
  [
    'in a store that only has koa-session’s three methods',
    () => ({ keys: ['secret'], store: plainStore() }),
  ],
  [
    'in a store, loaded lazily',
    () => ({ keys: ['secret'], store: new MemoryStore(), load: 'lazy' }),
  ],
];

function plainStore() {
  const records = new Map<string, string>();
  return {
    get: (key: string) => JSON.parse(records.get(key) ?? 'null') as object | null,
    set: (key: string, record: object) => records.set(key, JSON.stringify(record)),
    destroy: (key: string) => records.delete(key),
  };
}

const KINDS: [string, string, number, (body: string) => string][] = [
  ['a handler that returns a value', 'sync', 200, (body) => body],
  ['a handler that writes after an await', 'async', 200, (body) => body],
  ['a handler that returns an Observable', 'observable', 200, (body) => body],
  ['a handler that returns a StreamableFile', 'file', 200, (body) => body],
  ['a handler that answers with @Res() later', 'res', 200, (body) => body],
  ['a handler that ends @Res() itself', 'res-end', 200, (body) => body],
  ['a handler that streams to @Res()', 'res-write', 200, (body) => body],
  [
    'a handler that throws',
    'throw',
    403,
    (body) => (JSON.parse(body) as { message: string }).message,
  ],
];

describe.each(MODES)('a session %s', (_mode, options) => {
  it.each(KINDS)('keeps what %s wrote', async (_kind, path, status, views) => {
    const { browser } = await app(options());
    for (const expected of ['1', '2', '3']) {
      const response = await browser.fetch(`/${path}`);
      expect(response.status).toBe(status);
      expect(views(await response.text())).toBe(expected);
    }
    expect(failures).toEqual([]);
  });

  it('keeps what a rejecting guard wrote', async () => {
    const { browser } = await app(options());
    for (const expected of ['1', '2']) {
      const response = await browser.fetch('/guard');
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ message: expected });
    }
    expect(failures).toEqual([]);
  });

  it('keeps what an exception filter wrote', async () => {
    const { browser } = await app(options());
    for (const expected of ['1', '2']) {
      const response = await browser.fetch('/filter');
      expect(response.status).toBe(418);
      expect(await response.text()).toBe(expected);
    }
    expect(failures).toEqual([]);
  });

  it('sends nothing for a session that nobody uses', async () => {
    const { browser } = await app(options());
    const response = await browser.fetch('/nothing');
    expect(response.headers.getSetCookie()).toEqual([]);
  });
});

/** What went wrong out of a request's sight, such as ERR_HTTP_HEADERS_SENT. */
const failures: unknown[] = [];

beforeEach(() => {
  failures.length = 0;
  process.on('uncaughtException', onFailure);
  process.on('unhandledRejection', onFailure);
});

afterEach(() => {
  process.off('uncaughtException', onFailure);
  process.off('unhandledRejection', onFailure);
});

function onFailure(error: unknown): void {
  failures.push(error);
}

@Module({ controllers: [CounterController] })
class CounterModule {}

async function app(options: SessionModuleOptions) {
  const running = await start({ imports: [SessionModule.forRoot(options), CounterModule] });
  running.app.getHttpAdapter().getInstance().on('error', onFailure).on('session:failed', onFailure);
  return running;
}
