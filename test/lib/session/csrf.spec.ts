import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import {
  createSession,
  csrfProtection,
  csrfToken,
  type Session,
} from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';

type Data = Session & Record<string, unknown>;

let server: Server | undefined;

async function start(options: object): Promise<string> {
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.use(createSession(options, app));
  app.use(csrfProtection());
  app.use(async (ctx) => {
    if (ctx.path === '/login') {
      (ctx.session as Data).user = 'alice';
      await ctx.session.login();
    }
    if (ctx.path === '/regenerate') await ctx.session?.regenerate();
    ctx.body = await csrfToken(ctx as Koa.Context);
  });
  server = app.listen(0);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

function user(origin: string) {
  const jar = new Map<string, string>();
  return async (path: string, token?: string) => {
    const answer = await fetch(origin + path, {
      method: path === '/' ? 'GET' : 'POST',
      headers: {
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(token === undefined ? {} : { 'x-csrf-token': token }),
      },
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      jar.set(name, value);
    }
    return { status: answer.status, text: await answer.text() };
  };
}

describe.each([
  ['in a cookie', () => ({})],
  ['in a store', () => ({ store: new MemoryStore() })],
])('a CSRF token of a session kept %s', (_, options) => {
  it('lets the pages of that session change something, and no others', async () => {
    const origin = await start(options());
    const alice = user(origin);
    const mallory = user(origin);
    const { text: token } = await alice('/');
    const { text: foreign } = await mallory('/');
    expect((await alice('/change', token)).status).toBe(200);
    expect((await alice('/change', (await alice('/')).text)).status).toBe(200);
    expect((await alice('/change', foreign)).status).toBe(403);
    expect((await alice('/change')).status).toBe(403);
    const altered = (token.startsWith('A') ? 'B' : 'A') + token.slice(1);
    expect((await alice('/change', altered)).status).toBe(403);
  });

  it.each([
    ['a login', '/login'],
    ['regenerate(), which is a login to many applications', '/regenerate'],
  ])('is over after %s', async (_title, path) => {
    const alice = user(await start(options()));
    const { text: before } = await alice('/');
    const { text: after, status } = await alice(path, before);
    expect(status).toBe(200);
    expect((await alice('/change', before)).status).toBe(403);
    expect((await alice('/change', after)).status).toBe(200);
  });

  it('cannot come from a visitor who has no session', async () => {
    const origin = await start(options());
    const { text: token } = await user(origin)('/');
    expect((await user(origin)('/change', token)).status).toBe(403);
  });
});
