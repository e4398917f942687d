// The view counter without Nest: Koa and the session engine alone. What koa-session's README shows
// works unchanged; only the import differs.
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import session from 'nestjs-koa-session/session';

declare module 'nestjs-koa-session/session' {
  interface SessionData {
    views: number;
  }
}

const app = new Koa();
app.keys = [process.env.SESSION_KEY ?? 'for trying this out only: set SESSION_KEY'];

app.use(session(app));

app.use((ctx) => {
  // Browsers ask for an icon beside each page; that is no view.
  if (ctx.path === '/favicon.ico') return;
  ctx.session.views = (ctx.session.views ?? 0) + 1;
  ctx.body = `${ctx.session.views} views`;
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  const { port } = server.address() as AddressInfo;
  console.log(`Counting views on http://localhost:${port}`);
});
