import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { createClient } from 'redis';
import type { Session, SessionEvents, SessionOptions } from '../../../lib/session/index.js';
import { createSession } from '../../../lib/session/index.js';
import { RedisStore } from '../../../lib/stores/redis.js';
import { findProgram, freePort, startRedis, until } from '../../support/processes.js';
import { describeWith } from '../../support/services.js';

type Data = Session & Record<string, unknown>;

const program = findProgram('redis-server', 'valkey-server');
const TIMEOUT = 300;

interface Site {
  get(path: string): Promise<{ status: number; text: string; headers: Headers }>;
  failures: SessionEvents['session:failed'][];
  close(): Promise<void>;
}

/** A site with sessions in a Redis server, and one visitor with a cookie jar. */
async function open(port: number, options: SessionOptions = {}): Promise<Site> {
  const client = createClient({
    url: `redis://127.0.0.1:${port}`,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: 50 },
  });
  client.on('error', () => undefined);
  void client.connect().catch(() => undefined);
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  const failures: Site['failures'] = [];
  app.on('session:failed', (event: SessionEvents['session:failed']) => failures.push(event));
  const store = new RedisStore({ client });
  app.use(createSession({ store, storeTimeout: TIMEOUT, ...options }, app));
  app.use((ctx) => {
    if (ctx.path === '/health') {
      ctx.body = 'well';
      return;
    }
    const session = ctx.session as Data;
    if (ctx.path === '/login') session.user = 'alice';
    if (ctx.path === '/write') session.n = ((session.n as number | undefined) ?? 0) + 1;
    if (ctx.path === '/logout') ctx.session = null;
    ctx.body = String((ctx.session as Data | null)?.user);
  });
  const server: Server = app.listen(0);
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let cookie = '';
  return {
    failures,
    async get(path) {
      const answer = await fetch(origin + path, { headers: { cookie } });
      const cookies = answer.headers.getSetCookie();
      if (cookies.length > 0) cookie = cookies.map((text) => text.split(';')[0]).join('; ');
      return { status: answer.status, text: await answer.text(), headers: answer.headers };
    },
    async close() {
      client.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describeWith('while the store is out', program, 'redis-server', () => {
  it('a route that reads the session answers 503 without a cookie, any other is unaffected', async () => {
    const redis = await startRedis();
    const site = await open(redis.port);
    try {
      await until(async () => (await site.get('/login')).text === 'alice', 'a login');
      redis.signal('SIGSTOP');
      const outage = await site.get('/read');
      expect(outage.status).toBe(503);
      expect(outage.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(outage.headers.getSetCookie()).toEqual([]);
      expect(outage.text).toBe('Service Unavailable');
      expect((await site.get('/health')).text).toBe('well');
      expect((await site.get('/write')).status).toBe(503);
      redis.signal('SIGCONT');
      await until(async () => (await site.get('/read')).status === 200, 'the recovery');
      expect((await site.get('/read')).text).toBe('alice');
      // The server's own start may have failed a login before.
      expect(site.failures).toContainEqual(
        expect.objectContaining({
          reason: 'store',
          error: expect.objectContaining({ code: 'ERR_STORE_TIMEOUT', kind: 'timeout' }),
        }),
      );
    } finally {
      redis.signal('SIGCONT');
      await site.close();
      await redis.stop();
    }
  });

  it('a visitor without a cookie who is given no session is not affected at all', async () => {
    const site = await open(await freePort());
    try {
      const answer = await site.get('/read');
      expect([answer.status, answer.text]).toEqual([200, 'undefined']);
      expect((await site.get('/login')).status).toBe(503);
    } finally {
      await site.close();
    }
  });

  it('an application that starts before its store serves, and recovers without a restart', async () => {
    const redis = await startRedis();
    await redis.kill();
    const site = await open(redis.port);
    try {
      expect((await site.get('/login')).status).toBe(503);
      await redis.restart();
      await until(async () => (await site.get('/login')).status === 200, 'the recovery');
      expect((await site.get('/read')).text).toBe('alice');
    } finally {
      await site.close();
      await redis.stop();
    }
  });

  it('a logout that the store did not take is no logout, and is not answered as one', async () => {
    const redis = await startRedis();
    const site = await open(redis.port);
    try {
      await until(async () => (await site.get('/login')).text === 'alice', 'a login');
      redis.signal('SIGSTOP');
      const logout = await site.get('/logout');
      expect(logout.status).toBe(503);
      expect(logout.headers.getSetCookie()).toEqual([]);
    } finally {
      redis.signal('SIGCONT');
      await site.close();
      await redis.stop();
    }
  });

  it('a route may go on as anonymous instead, when onStoreError says so', async () => {
    const redis = await startRedis();
    const site = await open(redis.port, {
      onStoreError: (_error, ctx) => (ctx.path === '/read' ? 'anonymous' : 'fail'),
    });
    try {
      await until(async () => (await site.get('/login')).text === 'alice', 'a login');
      redis.signal('SIGSTOP');
      const anonymous = await site.get('/read');
      expect([anonymous.status, anonymous.text]).toEqual([200, 'undefined']);
      expect(anonymous.headers.getSetCookie()).toEqual([]);
      expect((await site.get('/write')).status).toBe(503);
      redis.signal('SIGCONT');
      await until(async () => (await site.get('/write')).status === 200, 'the recovery');
      expect((await site.get('/read')).text).toBe('alice');
    } finally {
      redis.signal('SIGCONT');
      await site.close();
      await redis.stop();
    }
  });
});
