// The sample 02-login, as it is but for where its sessions live: `node load-server.mjs <kind>`,
// `cookie` or a Redis URL. Tells its port, and on request its memory.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { createClient } from 'redis';
import { SessionModule } from 'nestjs-koa-session';
import { KoaAdapter } from 'nestjs-koa-session/platform-koa';
import { RedisStore } from 'nestjs-koa-session/stores/redis';
import { AppModule } from '../sample/02-login/dist/app.module.js';
import { KEYS } from './data.mjs';

const [, , kind] = process.argv;
const options = { keys: KEYS, sameSite: 'lax' };
if (kind !== 'cookie') {
  options.store = new RedisStore({ client: await createClient({ url: kind }).connect() });
}
const imports = Reflect.getMetadata('imports', AppModule).map((each) =>
  each.module === SessionModule ? SessionModule.forRoot(options) : each,
);
Reflect.defineMetadata('imports', imports, AppModule);

const app = await NestFactory.create(AppModule, new KoaAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
// The first of a thousand users waits until the last has logged in, which may take a slow machine longer
// than Node keeps an idle connection.
app.getHttpServer().keepAliveTimeout = 60_000;
process.on('message', () => {
  globalThis.gc();
  const { user, system } = process.cpuUsage();
  process.send({
    rss: process.memoryUsage.rss(),
    heap: process.memoryUsage().heapUsed,
    micros: user + system,
  });
});
process.on('disconnect', () => process.exit());
process.send({ port: app.getHttpServer().address().port });
