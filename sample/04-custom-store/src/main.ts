// A store of one's own: a class that Nest creates, with the dependencies it needs.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { KoaAdapter } from 'nestjs-koa-session/platform-koa';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, new KoaAdapter());
app.enableShutdownHooks();
await app.listen(Number(process.env.PORT ?? 3000));

const { port } = app.getHttpServer().address() as AddressInfo;
console.log(`Counting views, in files that outlive the server, on http://localhost:${port}`);
