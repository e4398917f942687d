import {
  Controller,
  Get,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestMiddleware,
  type NestModule,
} from '@nestjs/common';
import type { KoaRequest, KoaResponse } from '../../../lib/platform-koa/index.js';
import { Session, SessionModule, SessionService } from '../../../src/index.js';
import { start } from './support.js';

@Injectable()
class CountViews implements NestMiddleware {
  constructor(private readonly sessions: SessionService) {}

  async use(_req: KoaRequest, _res: KoaResponse, next: () => void): Promise<void> {
    await this.sessions.update((draft: { views?: number }) => {
      draft.views = (draft.views ?? 0) + 1;
    });
    next();
  }
}

@Controller()
class ViewsController {
  @Get('views')
  views(@Session('views') views: number) {
    return { views };
  }
}

@Module({ controllers: [ViewsController] })
class ViewsModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(CountViews).forRoutes(ViewsController);
  }
}

describe('a class middleware', () => {
  it('acts on its request’s session, also where nothing else injects SessionService', async () => {
    const { browser } = await start({
      imports: [SessionModule.forRoot({ keys: ['k'], isGlobal: true }), ViewsModule],
    });
    expect(await browser.json('/views')).toEqual({ views: 1 });
    expect(await browser.json('/views')).toEqual({ views: 2 });
  });
});
