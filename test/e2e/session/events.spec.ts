import { once } from 'node:events';
import { Controller, Get, Inject, Injectable, Post, Req, Scope } from '@nestjs/common';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import type { KoaRequest } from '../../../lib/platform-koa/index.js';
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

  @Post('renew')
  renew(@Session() session: Session) {
    return session.regenerate();
  }

  /** As if another request had written meanwhile. */
  @Post('race')
  async race(@Session() session: Session, @Req() { ctx }: KoaRequest) {
    const store = ctx.sessionOptions.store as MemoryStore;
    const key = String(session.externalKey);
    await store.set(key, { ...(await store.get(key)), other: 1 }, 60_000);
    Object.assign(session, { mine: 1 });
  }

  @Post('reserved')
  reserved(@Session() session: object) {
    Object.assign(session, { isNew: 'data' });
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

  it('hears of every kind of event', async () => {
    const heard = new Set<string>();

    @Injectable()
    class Everything {
      @OnSessionEvent('expired')
      expired({ key, value }: SessionEventPayload<'expired'>): void {
        heard.add(`expired ${typeof key} ${typeof value}`);
      }

      @OnSessionEvent('invalid')
      invalid({ key, value }: SessionEventPayload<'invalid'>): void {
        heard.add(`invalid ${typeof key} ${typeof value}`);
      }

      @OnSessionEvent('regenerated')
      regenerated({ reason }: SessionEventPayload<'regenerated'>): void {
        heard.add(`regenerated ${reason}`);
      }

      @OnSessionEvent('refused')
      refused({ reason }: SessionEventPayload<'refused'>): void {
        heard.add(`refused ${reason}`);
      }

      @OnSessionEvent('merged')
      merged({ attempts }: SessionEventPayload<'merged'>): void {
        heard.add(`merged ${attempts}`);
      }

      @OnSessionEvent('failed')
      failed({ reason }: SessionEventPayload<'failed'>): void {
        heard.add(`failed ${reason}`);
      }
    }

    const store = new MemoryStore();
    const { app, browser } = await start({
      imports: [
        SessionModule.forRoot({
          keys: ['k'],
          store,
          absoluteMaxAge: 60_000,
          valid: (_ctx, { bad }) => bad === undefined,
        }),
      ],
      controllers: [EventsController],
      providers: [Everything],
    });
    const id = async () => String(await browser.cookie('koa.sess'));
    const edit = async (fields: object) =>
      store.set(await id(), { ...(await store.get(await id())), ...fields }, 60_000);

    await browser.post('/');
    await browser.post('/renew');
    await browser.post('/race');
    await browser.post('/reserved');
    await edit({ bad: true });
    await browser.fetch('/');
    await browser.post('/');
    await edit({ _created: 1 });
    await browser.fetch('/');
    store.create = () => Promise.reject(new Error('down'));
    expect((await browser.post('/')).status).toBe(503);
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(
      new Set([
        'regenerated requested',
        'merged 1',
        'refused reserved-key',
        'invalid string object',
        'expired string object',
        'failed store',
      ]),
    );
    await app.close();
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
