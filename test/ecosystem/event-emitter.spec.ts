import { Controller, Get, Injectable } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Session } from '../../src/index.js';
import { sessions, start } from './application.js';

const heard: unknown[] = [];

@Injectable()
class Listener {
  @OnEvent('order.*')
  hear(payload: unknown): void {
    heard.push(payload);
  }
}

@Controller()
class OrdersController {
  constructor(private readonly events: EventEmitter2) {}

  @Get()
  async order(@Session() session: Session & { orders?: number }): Promise<number> {
    session.orders = (session.orders ?? 0) + 1;
    await this.events.emitAsync('order.made', { number: session.orders });
    return session.orders;
  }
}

it('@nestjs/event-emitter hears what handlers emit while they answer', async () => {
  const { browser } = await start({
    imports: [sessions, EventEmitterModule.forRoot({ wildcard: true })],
    controllers: [OrdersController],
    providers: [Listener],
  });
  expect(await browser.text('/')).toBe('1');
  expect(await browser.text('/')).toBe('2');
  expect(heard).toEqual([{ number: 1 }, { number: 2 }]);
});
