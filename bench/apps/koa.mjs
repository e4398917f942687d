// Koa applications that differ in their session only.
import Koa from 'koa';
import koaSession from 'koa-session';
import createSession from 'nestjs-koa-session/session';
import { MemoryStore } from 'nestjs-koa-session/stores/memory';
import { leastSession } from './least-session.mjs';
import { describe, GREETING, KEYS, nextUser, plainStore } from '../data.mjs';

/** `/none` leaves the session alone, `/login` fills it, `/read` and `/change` use it. */
function answer(ctx) {
  if (ctx.path === '/none') {
    ctx.body = GREETING;
    return;
  }
  const { session } = ctx;
  if (ctx.path === '/login') Object.assign(session, nextUser());
  else if (ctx.path === '/change') session.views++;
  ctx.body = describe(session);
}

async function answerLazily(ctx) {
  if (ctx.path !== '/none') await ctx.session;
  answer(ctx);
}

function koa(addSession, handler = answer) {
  const app = new Koa();
  app.keys = KEYS;
  if (addSession !== undefined) app.use(addSession(app));
  app.use(handler);
  return app;
}

/** By name: an application, made anew at each call. */
export const koaApps = {
  koa: () => koa(),
  'koa with an async handler': () => koa(undefined, answerLazily),
  'koa with a middleware that does nothing': () => koa(() => (ctx, next) => next()),
  'koa-session, cookie': () => koa((app) => koaSession(app)),
  'koa-session, store': () => koa((app) => koaSession({ store: plainStore() }, app)),
  'the least, cookie': () => koa(leastSession),
  'ours, cookie': () => koa((app) => createSession(app)),
  'ours, same store': () => koa((app) => createSession({ store: plainStore() }, app)),
  'ours, MemoryStore': () => koa((app) => createSession({ store: new MemoryStore() }, app)),
  'ours, lazy store': () =>
    koa((app) => createSession({ store: plainStore(), load: 'lazy' }, app), answerLazily),
};
