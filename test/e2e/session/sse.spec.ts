import { Controller, Get, Sse } from '@nestjs/common';
import type Koa from 'koa';
import { of } from 'rxjs';
import { setTimeout as delay } from 'node:timers/promises';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { Session, SessionModule } from '../../../src/index.js';
import { start } from './support.js';

interface Visit {
  user?: string;
  views?: number;
}

@Controller()
class EventsController {
  @Get('visit') visit(@Session() session: Visit) {
    session.views = (session.views ?? 0) + 1;
    return { user: session.user, views: session.views };
  }
  @Sse('events') events(@Session() session: Visit) {
    return of({ data: `${session.views}` });
  }
  @Sse('login') login(@Session() session: Visit) {
    session.user = 'alice';
    return of({ data: 'hello' });
  }
}

/** A site whose sessions are due for a new id with the next request, and the reasons of new ids. */
async function open() {
  const { app, browser } = await start({
    imports: [
      SessionModule.forRoot({
        keys: ['a key for tests'],
        store: new MemoryStore(),
        rotateOn: ['user'],
        renewEvery: 1,
      }),
    ],
    controllers: [EventsController],
  });
  const reasons: string[] = [];
  const koa = app.getHttpAdapter().getInstance() as unknown as Koa;
  koa.on('session:regenerated', ({ reason }: { reason: string }) => reasons.push(reason));
  koa.on('session:failed', ({ reason }: { reason: string }) => reasons.push(`failed: ${reason}`));
  const visit = async (path: string) => {
    await delay(5);
    return (await browser.fetch(path)).text();
  };
  return { visit, reasons };
}

describe('server-sent events', () => {
  it('leave an id that is due for renewal to the next answer', async () => {
    const { visit, reasons } = await open();
    await visit('/visit');
    expect(await visit('/events')).toContain('data: 1');
    expect(reasons).toEqual([]);
    expect(await visit('/visit')).toBe('{"views":2}');
    expect(reasons).toEqual(['renewEvery']);
    expect(await visit('/visit')).toBe('{"views":3}');
  });

  it('bring the new id of a user who logs in with them', async () => {
    const { visit, reasons } = await open();
    await visit('/visit');
    expect(await visit('/login')).toContain('data: hello');
    expect(reasons).toEqual(['rotateOn']);
    expect(await visit('/visit')).toBe('{"user":"alice","views":2}');
    expect(reasons).toEqual(['rotateOn', 'renewEvery']);
  });
});
