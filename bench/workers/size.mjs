// What a session of growing size costs to load, change and commit. The store keeps nothing, so
// that the engines alone are measured; the records differ from request to request in one counter.
import Koa from 'koa';
import koaSession from 'koa-session';
import createSession from 'nestjs-koa-session/session';
import { KEYS, SEED } from '../data.mjs';
import { cookieOf, driver, pairedCalls } from '../in-process.mjs';

/** A session whose JSON has about `bytes` bytes: the usual data, and a basket of articles. */
export function dataOfSize(bytes) {
  const data = { ...SEED, basket: [] };
  for (let i = 0; JSON.stringify(data).length < bytes; i++) {
    data.basket.push({ id: 1000 + i, title: `Article number ${i}`, price: 19.99, count: 1 });
  }
  return data;
}

function constantStore(data) {
  return {
    get: async () => ({ ...data }),
    set: async () => undefined,
    destroy: async () => undefined,
  };
}

async function changer(addSession, data) {
  const app = new Koa();
  app.keys = KEYS;
  app.use(addSession({ store: constantStore(data) }, app));
  let views = 0;
  app.use((ctx) => {
    ctx.session.views = ++views;
    ctx.body = 'changed';
  });
  const drive = driver(app);
  const cookie = cookieOf(await drive('/'));
  return () => drive('/', cookie);
}

export default async function size({ sizes, rounds, calls }, progress) {
  const results = [];
  for (const [i, bytes] of sizes.entries()) {
    const data = dataOfSize(bytes);
    const samples = await pairedCalls(
      {
        'koa-session': await changer(koaSession, data),
        ours: await changer(createSession, data),
      },
      { rounds, count: Math.max(30, Math.round(calls / Math.sqrt(bytes))) },
      (done, all) => progress(i * all + done, sizes.length * all),
    );
    results.push({ bytes: JSON.stringify(data).length, samples });
  }
  return results;
}
