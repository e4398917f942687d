// Every line below compiles, except where the comment above it says that it must not.
import type { Server } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import { NestFactory } from '@nestjs/core';
import compression from 'compression';
import express from 'express';
import type { NextFunction, Request, Response } from 'express';
import expressSession from 'express-session';
import helmet from 'helmet';
import compress from 'koa-compress';
import morgan from 'morgan';
import passport from 'passport';
import { pinoHttp } from 'pino-http';
import {
  fromConnect,
  fromKoa,
  KoaAdapter,
  type KoaMiddleware,
  type KoaRequest,
  type KoaResponse,
  type NestKoaApplication,
} from '../../../lib/platform-koa/index.js';

class AppModule {}

const app = await NestFactory.create<NestKoaApplication>(AppModule, new KoaAdapter());

// Middleware that is written in place gets its types from here.
app.use(async (ctx, next) => {
  await next();
  if (ctx.body && typeof ctx.body === 'object') ctx.body = { data: ctx.body };
  ctx.set('x-served-by', 'koa');
});
app.use('/below', async (ctx, next) => {
  ctx.set('x-served-by', 'koa');
  await next();
});
app.use(
  async (ctx, next) => {
    ctx.state['first'] = true;
    await next();
  },
  async ({ state }, next) => {
    state['second'] = true;
    await next();
  },
);
app.use(async (ctx, next) => {
  // @ts-expect-error a number, as Koa's context has it
  ctx.status = '404';
  await next();
});

// Packages for Express, and for Koa.
app.use(morgan('tiny'));
app.use(compression(), helmet());
app.use(expressSession({ secret: 's', resave: false, saveUninitialized: false }));
app.use(passport.initialize()).use(passport.session());
app.use(express.json(), express.static('public'));
app.use('/router', express.Router());
app.use(['/admin', /^\/back/], express());
app.use([helmet(), morgan('tiny')], compress());
app.use('/lists', [helmet(), compress()]);
app.use(pinoHttp());

// Middleware with the types of Express, of this package, and with none.
app.use((_req: Request, res: Response, next: NextFunction) => {
  res.setHeader('x-middleware', 'ran');
  next();
});
app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => {
  res.status(500).json({ message: error.message });
});
app.use((_req: KoaRequest, res: KoaResponse, next: () => void) => {
  res.setHeader('x-middleware', 'ran');
  next();
});
app.use(
  '/below',
  (error: unknown, _req: KoaRequest, _res: KoaResponse, next: (e: unknown) => void) => next(error),
);
app.use(fromConnect((_req, res) => res.send('done')));
app.use(fromConnect(express()), fromConnect(morgan('tiny')));
app.use(fromKoa((ctx, next) => compress()(ctx, next)));
const middleware: KoaMiddleware = (ctx, next) => next();
app.use(middleware).use('/below', middleware);

// @ts-expect-error no function
app.use(5);
// @ts-expect-error no function behind a path
app.use('/below', 'above');
// @ts-expect-error no middleware has five parameters
app.use((a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) => [a, b, c, d, e]);

// The server is Node's, as that of a NestExpressApplication is; others are named.
app.getHttpServer().keepAliveTimeout = 65_000;
app.getHttpServer() satisfies Server;
const secure = await NestFactory.create<NestKoaApplication<Http2SecureServer>>(
  AppModule,
  new KoaAdapter({ http2: true }),
);
secure.getHttpServer().updateSettings({ maxConcurrentStreams: 100 });
