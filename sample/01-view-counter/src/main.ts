// koa-session's view counter as a Nest application; the session lives in its cookie.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { KoaAdapter } from 'nestjs-koa-session/platform-koa';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, new KoaAdapter());
await app.listen(Number(process.env.PORT ?? 3000));

const { port } = app.getHttpServer().address() as AddressInfo;
console.log(`Counting views on http://localhost:${port}`);
