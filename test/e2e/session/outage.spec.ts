import { Controller, Get, Module, Req, UseGuards } from '@nestjs/common';
import type { KoaRequest } from '../../../lib/platform-koa/index.js';
import {
  Session,
  SessionGuard,
  SessionModule,
  type SessionModuleOptions,
  type SessionStore,
} from '../../../src/index.js';
import { start } from './support.js';

@Controller()
class OutageController {
  @Get('read')
  read(@Session() session: { views?: number }) {
    return { views: session.views };
  }

  @Get('write')
  write(@Session() session: { views?: number }) {
    session.views = 1;
    return { written: true };
  }

  @Get('request')
  request(@Req() req: KoaRequest) {
    return { views: (req.session as { views?: number }).views };
  }

  @Get('guarded')
  @UseGuards(SessionGuard)
  guarded() {
    return {};
  }

  @Get('nothing')
  nothing() {
    return { fine: true };
  }
}

@Module({ controllers: [OutageController] })
class OutageModule {}

/** A store whose backend is down from the start, or for writes alone. */
function broken(...methods: (keyof SessionStore)[]): SessionStore {
  const fail = () => Promise.reject(new Error('connect ECONNREFUSED redis://:secret@10.0.0.1'));
  const works = () => Promise.resolve(undefined);
  return {
    get: methods.includes('get') ? fail : works,
    set: methods.includes('set') ? fail : works,
    destroy: methods.includes('destroy') ? fail : works,
  };
}

const headers = { cookie: 'koa.sess=0123456789abcdef' };

const launch = (options: SessionModuleOptions) =>
  start({ imports: [SessionModule.forRoot({ signed: false, ...options }), OutageModule] });

describe.each<[string, SessionModuleOptions]>([
  ['', {}],
  [', with lazy loading', { load: 'lazy' }],
])('while the store is down%s', (how, options) => {
  const paths = how === '' ? ['read', 'request', 'guarded'] : ['read', 'guarded'];

  it.each(paths)('"%s" is answered with 503, Retry-After and no cookie', async (path) => {
    const { url } = await launch({ store: broken('get', 'set', 'destroy'), ...options });
    const answer = await fetch(`${url}/${path}`, { headers });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await answer.text()).not.toMatch(/secret|ECONNREFUSED|0123456789abcdef/);
  });

  it('a failing write is answered with 503, Retry-After and no cookie', async () => {
    const { url } = await launch({ store: broken('set'), ...options });
    const answer = await fetch(`${url}/write`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('a route that does not use the session still answers', async () => {
    const { url } = await launch({ store: broken('get', 'set', 'destroy'), ...options });
    const answer = await fetch(`${url}/nothing`, { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('the application goes on without sessions with onStoreError: "anonymous"', async () => {
    const { url } = await launch({
      store: broken('get', 'set', 'destroy'),
      onStoreError: 'anonymous',
      ...options,
    });
    const answer = await fetch(`${url}/write`, { headers });
    expect(await answer.json()).toEqual({ written: true });
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});
