// Nest applications that differ in their platform and its session only. The controller is the same.
import 'reflect-metadata';
import { Controller, Get, Module, Session } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import fastifyCookie from '@fastify/cookie';
import fastifySecureSession from '@fastify/secure-session';
import fastifySession from '@fastify/session';
import expressSession from 'express-session';
import { SessionModule } from 'nestjs-koa-session';
import { KoaAdapter } from 'nestjs-koa-session/platform-koa';
import { MemoryStore } from 'nestjs-koa-session/stores/memory';
import { describe, GREETING, KEYS, nextUser } from '../data.mjs';

const [KEY] = KEYS;
const DAY = 86_400_000;

// Plain JavaScript has no decorators yet: each is called as the compiler would.
function route(type, method, path, ...parameters) {
  Get(path)(type.prototype, method, Object.getOwnPropertyDescriptor(type.prototype, method));
  for (const [i, decorator] of parameters.entries()) decorator(type.prototype, method, i);
}

class SessionController {
  none() {
    return GREETING;
  }

  login(session) {
    Object.assign(session, nextUser());
    return describe(session);
  }

  read(session) {
    return describe(session);
  }

  change(session) {
    session.views++;
    return describe(session);
  }
}
Controller()(SessionController);
route(SessionController, 'none', 'none');
route(SessionController, 'login', 'login', Session());
route(SessionController, 'read', 'read', Session());
route(SessionController, 'change', 'change', Session());

function moduleOf(imports = [], controllers = [SessionController]) {
  class BenchModule {}
  Module({ imports, controllers })(BenchModule);
  return BenchModule;
}

async function nest(adapter, { imports, controllers, prepare } = {}) {
  const app = await NestFactory.create(moduleOf(imports, controllers), adapter, { logger: false });
  await prepare?.(app);
  return app;
}

function onKoa(options) {
  return () =>
    nest(new KoaAdapter(), {
      imports: [SessionModule.forRoot({ keys: KEYS, ...options?.() })],
    });
}

function onFastifySession(rolling) {
  return () =>
    nest(new FastifyAdapter(), {
      prepare: async (app) => {
        await app.register(fastifyCookie);
        await app.register(fastifySession, {
          secret: KEY,
          saveUninitialized: false,
          rolling,
          cookie: { secure: false, maxAge: DAY },
        });
      },
    });
}

/** By name: an application, made anew at each call. */
export const nestApps = {
  'Nest on Koa': () => nest(new KoaAdapter()),
  'Nest on Fastify': () => nest(new FastifyAdapter()),
  'Nest on Express': () => nest(new ExpressAdapter()),
  'Nest on Koa, cookie': onKoa(),
  'Nest on Koa, MemoryStore': onKoa(() => ({ store: new MemoryStore() })),
  'Nest on Fastify, secure-session': () =>
    nest(new FastifyAdapter(), {
      prepare: (app) =>
        app.register(fastifySecureSession, {
          key: Buffer.alloc(32, KEY),
          cookie: { path: '/', httpOnly: true },
        }),
    }),
  'Nest on Fastify, @fastify/session': onFastifySession(true),
  'Nest on Fastify, @fastify/session without rolling': onFastifySession(false),
  'Nest on Express, express-session': () =>
    nest(new ExpressAdapter(), {
      prepare: (app) => {
        app.use(
          expressSession({
            secret: KEY,
            resave: false,
            saveUninitialized: false,
            cookie: { maxAge: DAY },
          }),
        );
      },
    }),
};

const PLATFORMS = { Koa: KoaAdapter, Fastify: FastifyAdapter, Express: ExpressAdapter };

/** A Nest application without session and with `count` more routes, each with a parameter. */
export function nestWithRoutes(platform, count) {
  const PER_CONTROLLER = 10;
  const controllers = [SessionController];
  for (let i = 0; i < count; i += PER_CONTROLLER) {
    class Resource {}
    for (let j = i; j < Math.min(count, i + PER_CONTROLLER); j++) {
      Resource.prototype[`get${j}`] = () => GREETING;
      route(Resource, `get${j}`, `:id/part${j}`);
    }
    Controller(`resource${i}`)(Resource);
    controllers.push(Resource);
  }
  return nest(new PLATFORMS[platform](), { controllers });
}

/** The path of the last route that {@link nestWithRoutes} made. */
export function lastRoute(count) {
  const last = count - 1;
  return `/resource${last - (last % 10)}/42/part${last}`;
}
