import { once } from 'node:events';
import { Controller, Get, Inject, Injectable, Post, Scope } from '@nestjs/common';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  OnSessionEvent,
  Session,
  type SessionEventPayload,
  SessionModule,
} from '../../../src/index.js';
import { start } from './support.js';

@Injectable()
class Counter {
  readonly seen: string[] = [];
}

@Injectable()
class Listener {
  constructor(@Inject(Counter) private readonly counter: Counter) {}

  @OnSessionEvent('created')
  @OnSessionEvent('destroyed')
  either({ name, ctx }: SessionEventPayload<'created' | 'destroyed'>): void {
    this.counter.seen.push(`${name} ${ctx.method}`);
  }

  @OnSessionEvent('saved')
  async saved({ reason }: SessionEventPayload<'saved'>): Promise<void> {
    await Promise.resolve();
    this.counter.seen.push(reason);
    throw new Error('a listener’s own');
  }

  @OnSessionEvent('missed')
  missed(): void {
    this.counter.seen.push('missed');
    throw new Error('a listener’s own');
  }
}

@Controller()
class EventsController {
  @Get()
  get() {
    return {};
  }

  @Post()
  write(@Session() session: object) {
    Object.assign(session, { written: 1 });
  }

  @Post('end')
  end(@Session() session: Session) {
    return session.destroy();
  }

  @OnSessionEvent('refused')
  refused(): void {
    // Controllers may listen too.
  }
}

describe('@OnSessionEvent()', () => {
  it('calls methods of providers, whose errors hurt nobody', async () => {
    const { app, url, browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], store: new MemoryStore() })],
      controllers: [EventsController],
      providers: [Counter, Listener],
    });
    const logged: unknown[] = [];
    app.useLogger({
      log: () => undefined,
      warn: () => undefined,
      error: (message: unknown) => logged.push(message),
    });
    const koa = app.getHttpAdapter().getInstance();
    const { seen } = app.get(Counter);

    const saved = once(koa, 'session:saved');
    await browser.post('/');
    await saved;
    expect(seen).toEqual(['koa.sess POST', 'changed']);

    const destroyed = once(koa, 'session:destroyed');
    const cookie = await browser.cookies();
    await browser.post('/end');
    await destroyed;
    const missed = once(koa, 'session:missed');
    await fetch(url, { headers: { cookie } });
    await missed;
    expect(seen.slice(2)).toEqual(['koa.sess POST', 'missed']);
    expect(logged).toEqual([
      'a listener of session:saved failed',
      'a listener of session:missed failed',
    ]);
  });

  it('is refused on a request-scoped provider, which no event could reach', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @OnSessionEvent('expired')
      never(): void {
        // Nobody makes an instance for an event.
      }
    }
    await expect(
      start({ imports: [SessionModule.forRoot({ keys: ['k'] })], providers: [Scoped] }),
    ).rejects.toMatchObject({
      option: '@OnSessionEvent',
      message: expect.stringContaining('Scoped.never') as string,
    });
  });
});

describe('@nestjs/event-emitter', () => {
  @Injectable()
  class Subscriber {
    readonly seen: unknown[] = [];

    @OnEvent('session:saved')
    saved({ name, reason }: SessionEventPayload<'saved'>): void {
      this.seen.push([name, reason]);
    }
  }

  it('hears the events where the application uses it', async () => {
    const { app, browser } = await start({
      imports: [
        EventEmitterModule.forRoot(),
        SessionModule.forRoot({ keys: ['k'], store: new MemoryStore() }),
      ],
      controllers: [EventsController],
      providers: [Subscriber],
    });
    const saved = once(app.getHttpAdapter().getInstance(), 'session:saved');
    await browser.post('/');
    await saved;
    // The emitter calls its subscribers from promises of its own.
    await new Promise((resolve) => setImmediate(resolve));
    expect(app.get(Subscriber).seen).toEqual([['koa.sess', 'changed']]);
  });
});
