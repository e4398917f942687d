import { Controller, Get, Param, Post, Query } from '@nestjs/common';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  Flash,
  FlashMessages,
  SessionModule,
  type SessionModuleOptions,
} from '../../../src/index.js';
import { start } from './support.js';

@Controller()
class FlashController {
  @Post(':type')
  async add(
    @Flash() flash: FlashMessages,
    @Param('type') type: string,
    @Query('text') text: string | string[],
  ) {
    await flash.add(type, ...[text].flat());
  }

  @Get(':type')
  take(@Flash() flash: FlashMessages, @Param('type') type: string) {
    return flash.take(type);
  }

  @Get()
  takeAll(@Flash() flash: FlashMessages) {
    return flash.takeAll();
  }
}

const launch = (options: SessionModuleOptions) =>
  start({
    imports: [SessionModule.forRoot({ keys: ['k'], ...options })],
    controllers: [FlashController],
  });

describe.each<[string, () => SessionModuleOptions]>([
  ['in a cookie', () => ({})],
  ['in a store', () => ({ store: new MemoryStore() })],
  ['loaded lazily', () => ({ store: new MemoryStore(), load: 'lazy' })],
])('flash messages %s', (_mode, options) => {
  it('are read once, in the order they were left', async () => {
    const { browser } = await launch(options());
    await browser.post('/info?text=one&text=two');
    await browser.post('/info?text=three');
    expect(await browser.json('/info')).toEqual(['one', 'two', 'three']);
    expect(await browser.json('/info')).toEqual([]);
  });

  it('are taken by type, or all', async () => {
    const { browser } = await launch(options());
    await browser.post('/info?text=one');
    await browser.post('/error?text=two');
    expect(await browser.json('/error')).toEqual(['two']);
    expect(await browser.json('/')).toEqual({ info: ['one'] });
    expect(await browser.json('/')).toEqual({});
  });

  it('may have any type', async () => {
    const { browser } = await launch(options());
    for (const type of ['__proto__', 'constructor', 'toString']) {
      expect(await browser.json(`/${type}`)).toEqual([]);
      await browser.post(`/${type}?text=one`);
      expect(await browser.json(`/${type}`)).toEqual(['one']);
      expect(await browser.json(`/${type}`)).toEqual([]);
    }
  });

  it('start no session and write nothing where there are none', async () => {
    const { browser } = await launch(options());
    const answer = await browser.fetch('/info');
    expect(await answer.json()).toEqual([]);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe('flash messages under parallel requests', () => {
  it('are each read exactly once, and none is lost', async () => {
    const { browser } = await launch({ store: new MemoryStore() });
    await browser.post('/info?text=first');
    const texts = Array.from({ length: 10 }, (_each, index) => `text-${index}`);
    await Promise.all(texts.map((text) => browser.post(`/info?text=${text}`)));
    const pages = await Promise.all(Array.from({ length: 6 }, () => browser.json('/info')));
    const shown = pages.flat();
    expect(shown).toHaveLength(11);
    expect(new Set(shown)).toEqual(new Set(['first', ...texts]));
  });
});
