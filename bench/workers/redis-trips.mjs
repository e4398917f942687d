// Round trips to Redis, counted on the wire: a proxy between client and server counts how often
// the client speaks after the server has had the last word.
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { createClient } from 'redis';
import Koa from 'koa';
import createSession from 'nestjs-koa-session/session';
import { RedisStore } from 'nestjs-koa-session/stores/redis';
import { KEYS, SEED } from '../data.mjs';
import { cookieOf, driver } from '../in-process.mjs';

async function countingProxy(target) {
  const counter = { trips: 0 };
  const server = createServer((client) => {
    const upstream = connect(target);
    let isServersTurn = false;
    client.on('data', (chunk) => {
      if (!isServersTurn) counter.trips++;
      isServersTurn = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      isServersTurn = false;
      client.write(chunk);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.on('error', () => undefined);
    upstream.on('error', () => undefined);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { counter, port: server.address().port, close: () => server.close() };
}

/** The Redis of `REDIS_URL`, or one of our own; `undefined` when there is none. */
export async function findRedis() {
  if (process.env.REDIS_URL) {
    const { hostname, port } = new URL(process.env.REDIS_URL);
    return { host: hostname, port: Number(port || 6379), stop: () => undefined };
  }
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--dir', '/tmp'], {
    stdio: 'ignore',
  });
  const failed = new Promise((resolve) => server.once('error', () => resolve('missing')));
  for (let i = 0; i < 100; i++) {
    const outcome = await Promise.race([failed, tryConnect(port)]);
    if (outcome === 'missing') return undefined;
    if (outcome === 'open') return { host: '127.0.0.1', port, stop: () => server.kill() };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  server.kill();
  return undefined;
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function tryConnect(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve('open');
    });
    socket.once('error', () => resolve('closed'));
  });
}

function appWith(store, options) {
  const app = new Koa();
  app.keys = KEYS;
  app.use(createSession({ store, ...options }, app));
  app.use((ctx) => {
    if (ctx.path === '/login') Object.assign(ctx.session, SEED);
    if (ctx.path === '/change') ctx.session.views++;
    ctx.body = String(ctx.session.views);
  });
  return driver(app);
}

export default async function redisTrips() {
  const redis = await findRedis();
  if (redis === undefined) return undefined;
  const proxy = await countingProxy(redis);
  const client = await createClient({ socket: { host: '127.0.0.1', port: proxy.port } }).connect();
  const store = new RedisStore({ client, prefix: `bench-${randomUUID()}:` });
  const plain = appWith(store);
  const rolling = appWith(store, { rolling: true, key: 'rolling.sess' });
  const trips = async (drive, path, cookie) => {
    const before = proxy.counter.trips;
    const { statusCode } = await drive(path, cookie);
    if (statusCode !== 200) throw new Error(`${path} was answered with ${statusCode}`);
    return proxy.counter.trips - before;
  };
  const cookie = cookieOf(await plain('/login'));
  const rollingCookie = cookieOf(await rolling('/login'));
  // The first use of a script may send it twice: the server has to learn it.
  await plain('/change', cookie);
  await rolling('/read', rollingCookie);
  const counts = {
    anonymous: await trips(plain, '/read'),
    read: await trips(plain, '/read', cookie),
    changed: await trips(plain, '/change', cookie),
    rolling: await trips(rolling, '/read', rollingCookie),
    rollingChanged: await trips(rolling, '/change', rollingCookie),
  };
  await store.clear();
  client.destroy();
  proxy.close();
  redis.stop();
  return counts;
}
