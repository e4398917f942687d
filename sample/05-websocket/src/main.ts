// A chat whose WebSocket knows the session that the browser has for HTTP.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { KoaAdapter } from 'nestjs-koa-session/platform-koa';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, new KoaAdapter());
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(Number(process.env.PORT ?? 3000));

const { port } = app.getHttpServer().address() as AddressInfo;
console.log(`Chat with yourself in two tabs on http://localhost:${port}`);
