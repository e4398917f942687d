import { Controller, Get, Post, Query, UseInterceptors } from '@nestjs/common';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { start } from './application.js';

let calls = 0;

@Controller()
@UseInterceptors(CacheInterceptor)
class PagesController {
  @Get('count')
  count(@Query('of') of: string): { of: string; calls: number } {
    return { of, calls: ++calls };
  }

  @Post('count')
  write(): number {
    return ++calls;
  }
}

it('@nestjs/cache-manager answers a GET again from its cache, by its whole URL', async () => {
  const { browser } = await start({
    imports: [CacheModule.register({ ttl: 60_000 })],
    controllers: [PagesController],
  });
  const get = async (path: string): Promise<unknown> => (await browser.fetch(path)).json();

  expect(await get('/count?of=a')).toEqual({ of: 'a', calls: 1 });
  expect(await get('/count?of=a')).toEqual({ of: 'a', calls: 1 });
  expect((await browser.fetch('/count?of=a')).headers.get('x-cache')).toBe('HIT');
  expect(await get('/count?of=b')).toEqual({ of: 'b', calls: 2 });
  await browser.fetch('/count', { method: 'POST' });
  expect(calls).toBe(3);
});
