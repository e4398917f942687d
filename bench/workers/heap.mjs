// The heap of a process whose many users come back again and again, with the MemoryStore.
import { MemoryStore } from 'nestjs-koa-session/stores/memory';
import Koa from 'koa';
import createSession from 'nestjs-koa-session/session';
import { KEYS, nextUser } from '../data.mjs';
import { cookieOf, driver } from '../in-process.mjs';

function heapBytes() {
  globalThis.gc();
  globalThis.gc();
  // The store's columns of numbers lie outside V8's heap.
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export default async function heap({ users, requests }, progress) {
  const store = new MemoryStore({ maxRecords: users, maxBytes: Infinity });
  const app = new Koa();
  app.keys = KEYS;
  app.use(createSession({ store }, app));
  app.use((ctx) => {
    if (ctx.session.isNew) Object.assign(ctx.session, nextUser());
    else if (ctx.path === '/change') ctx.session.views++;
    ctx.body = String(ctx.session.views);
  });
  const drive = driver(app);

  // The cookies are the benchmark's own weight: they are made first, and stay.
  const cookies = [];
  for (let i = 0; i < users; i++) cookies.push(Buffer.from(cookieOf(await drive('/'))));
  const afterLogin = heapBytes();
  const points = [[users, afterLogin]];
  const every = Math.ceil(requests / 10);
  for (let i = users; i < requests; i++) {
    await drive(i % 4 === 0 ? '/change' : '/read', cookies[(i * 7919) % users].latin1Slice());
    if (i % 10_000 === 0) progress(i, requests);
    if ((i + 1) % every === 0) points.push([i + 1, heapBytes()]);
  }
  const recordBytes = store.bytes - store.size * MemoryStore.RECORD_OVERHEAD;
  const full = heapBytes();
  const { size, bytes: countedBytes } = store;
  await store.clear();
  const storeBytes = full - heapBytes();
  return { points, size, recordBytes, countedBytes, storeBytes };
}
