/* eslint-disable @typescript-eslint/no-require-imports -- CommonJS is what is tried here */
// One small use of each part of the package, as an application would use it. `load` is `import`
// or `require`: what is given to it resolves from the application's folder.
const assert = require('node:assert/strict');
const { readdirSync } = require('node:fs');
const { createServer } = require('node:http');
const { dirname, join } = require('node:path');

module.exports = async function probe(load) {
  for (const subpath of subpaths()) {
    const loaded = await load(subpath);
    assert.ok(Object.keys(loaded).length > 0, `${subpath} exports nothing`);
  }
  const { MemoryStore } = await load('nestjs-koa-session/stores/memory');
  const { sealed, strict } = await load('nestjs-koa-session/session');
  const codec = sealed({ keys: ['a5f0c2d49b7e4c1d8f3a6b2e9c7d1f40'] });
  for (const options of [{}, { store: new MemoryStore() }, { codec }, { load: 'lazy' }]) {
    await countsThree(await koaApplication(load, { keys: ['secret'], ...options }));
    await countsThree(await nestApplication(load, { keys: ['secret'], ...options }));
  }
  assert.equal(strict().key, '__Host-sid');
};

/** Every module that package.json lets an application name. */
function subpaths() {
  const manifestPath = require.resolve('nestjs-koa-session/package.json');
  const stores = readdirSync(join(dirname(manifestPath), 'dist/lib/stores'))
    .filter((file) => file.endsWith('.js'))
    .map((file) => `./stores/${file.slice(0, -3)}`);
  return Object.keys(require(manifestPath).exports)
    .filter((name) => !name.includes('*') && !name.endsWith('.json') && !needsMore(name))
    .concat(stores)
    .map((name) => `nestjs-koa-session${name.slice(1)}`);
}

/** The Apollo driver needs GraphQL packages of the same major version as Nest. */
function needsMore(name) {
  return name.endsWith('/apollo');
}

async function koaApplication(load, options) {
  const { default: Koa } = await load('koa').then((koa) => (koa.default ? koa : { default: koa }));
  const { createSession } = await load('nestjs-koa-session/session');
  const app = new Koa();
  app.use(createSession(options, app));
  app.use(async (ctx) => {
    const session = await ctx.session;
    session.views = (session.views ?? 0) + 1;
    ctx.body = `${session.views} views`;
  });
  const server = createServer(app.callback());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, close: () => new Promise((resolve) => server.close(resolve)) };
}

async function nestApplication(load, options) {
  const { Controller, Get, Module } = await load('@nestjs/common');
  const { NestFactory } = await load('@nestjs/core');
  const { Session, SessionModule } = await load('nestjs-koa-session');
  const { KoaAdapter } = await load('nestjs-koa-session/platform-koa');

  class ViewsController {
    async count(session) {
      await new Promise((resolve) => setImmediate(resolve));
      session.views = (session.views ?? 0) + 1;
      return `${session.views} views`;
    }
  }
  Session()(ViewsController.prototype, 'count', 0);
  const descriptor = Object.getOwnPropertyDescriptor(ViewsController.prototype, 'count');
  Get()(ViewsController.prototype, 'count', descriptor);
  Controller()(ViewsController);
  class AppModule {}
  Module({ imports: [SessionModule.forRoot(options)], controllers: [ViewsController] })(AppModule);

  const app = await NestFactory.create(AppModule, new KoaAdapter(), { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  return { server: app.getHttpServer(), close: () => app.close() };
}

async function countsThree({ server, close }) {
  const url = `http://127.0.0.1:${server.address().port}/`;
  let cookie = '';
  try {
    for (const views of [1, 2, 3]) {
      const answer = await fetch(url, { headers: { cookie, connection: 'close' } });
      assert.equal(await answer.text(), `${views} views`);
      const set = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0]);
      if (set.length > 0) cookie = set.join('; ');
    }
  } finally {
    await close();
  }
}
