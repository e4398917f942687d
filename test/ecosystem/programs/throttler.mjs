import { Controller, Get } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { SkipThrottle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { decorate, serve } from './serve.mjs';

class PagesController {
  limited() {
    return 'here';
  }

  free() {
    return 'always here';
  }
}
decorate(PagesController, [Controller()], {
  limited: [Get()],
  free: [Get('free'), SkipThrottle()],
});

await serve({
  imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2 }])],
  controllers: [PagesController],
  providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
});
