import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { createSession, type SessionOptions } from '../../../../lib/session/index.js';
import { MemoryStore } from '../../../../lib/stores/memory.js';
import { Browser } from '../../../support/browser.js';

describe('what caches are told', () => {
  let server: Server | undefined;

  afterEach(() => {
    server?.close();
    server?.closeAllConnections();
  });

  async function visit(options: SessionOptions): Promise<Browser> {
    const app = new Koa();
    app.keys = ['a key'];
    app.use(createSession(options, app));
    app.use((ctx) => {
      if (ctx.path === '/in') Object.assign(ctx.session, { user: 'ada' });
      ctx.body = 'a page';
    });
    server = app.listen(0);
    await once(server, 'listening');
    const browser = new Browser(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await browser.fetch('/in');
    return browser;
  }

  // A shared cache would hand the cookie to whoever asks for the page next (CVE-2023-30861).
  it.each([
    ['rolling, in a store', { rolling: true, store: new MemoryStore() }],
    ['renewEvery', { renewEvery: 1, store: new MemoryStore() }],
  ] satisfies [string, SessionOptions][])(
    'is not to keep an answer that prolongs a session nobody asked for: %s',
    async (_name, options) => {
      const browser = await visit(options);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const answer = await browser.fetch('/page');
      expect(answer.headers.getSetCookie()).not.toEqual([]);
      expect(answer.headers.get('vary')).toBe('Cookie');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    },
  );

  it('is nothing where the session had no part in the answer', async () => {
    const browser = await visit({});
    const answer = await browser.fetch('/page');
    expect(answer.headers.get('vary')).toBeNull();
    expect(answer.headers.get('cache-control')).toBeNull();
  });
});
