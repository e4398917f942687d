// Log in, see a guarded page, log out: Passport on sessions in a memory store.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { KoaAdapter } from 'nestjs-koa-session/platform-koa';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, new KoaAdapter());
app.enableShutdownHooks();
await app.listen(Number(process.env.PORT ?? 3000));

const { port } = app.getHttpServer().address() as AddressInfo;
console.log(`Log in as ann with "correct horse" on http://localhost:${port}`);
