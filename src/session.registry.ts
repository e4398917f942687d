import { AsyncLocalStorage } from 'node:async_hooks';
import type { Server } from 'node:http';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type Koa from 'koa';
import type { Context, Next } from 'koa';
import {
  AdapterError,
  createSession,
  isClosableStore,
  SessionOptionsError,
  SessionStateError,
  type SessionMiddleware,
  type SessionOptions,
} from '../lib/session/index.js';
import { typeName } from '../lib/errors.js';
import type { ConfiguredSession } from './configured-session.js';
import { followUpgrades, rememberApplication, rememberServer } from './handshake.context.js';
import { isInjectedAnywhere } from './injection-search.js';
import { keepFrom } from './session-exclusion.js';
import { type SessionApplication, SessionService } from './session.service.js';
import { SessionRoutes } from './session-routes.js';

const registries = new WeakMap<object, SessionRegistry>();

/**
 * The sessions of the application a context belongs to.
 *
 * @throws SessionStateError ERR_SESSION_NOT_INSTALLED
 * @internal
 */
export function registryOf(ctx: Context): SessionRegistry {
  const registry = registries.get(ctx.app);
  if (registry === undefined) {
    throw new SessionStateError(
      'ERR_SESSION_NOT_INSTALLED',
      'this application has no session: import SessionModule.forRoot() in its root module',
    );
  }
  return registry;
}

/**
 * Every session of one Nest application, and its place in the Koa application: one middleware, in
 * front of everything that the application adds.
 *
 * It takes its place when Nest creates the providers (before `app.use()` can be called), and gets
 * its sessions when the modules are initialised: by then stores and hooks exist, and `app.keys`
 * may have been set.
 *
 * @internal
 */
@Injectable()
export class SessionRegistry implements SessionApplication, OnModuleInit, OnApplicationShutdown {
  readonly #host: HttpAdapterHost;
  readonly #config: ApplicationConfig;
  readonly #modules: ModulesContainer;
  readonly #sessions = new Map<string | undefined, ConfiguredSession>();
  readonly #requests = new AsyncLocalStorage<Context>();
  #tracksRequests = false;
  #koa: Koa | undefined;
  #refusal: AdapterError | undefined;
  #chain: Chain = nest([]);

  constructor(
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#host = host;
    this.#config = config;
    this.#modules = modules;
    // A testing module gets its adapter after its providers, and may get none.
    host.init$.subscribe(() => {
      this.#takePlace();
    });
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** The Koa application; `undefined` in a Nest application without HTTP. */
  get koa(): Koa | undefined {
    return this.#koa;
  }

  /** The context of the request that is being served, where that is tracked. */
  get currentContext(): Context | undefined {
    return (this.#koa?.currentContext as Context | undefined) ?? this.#requests.getStore();
  }

  /** @throws SessionOptionsError when the application already has a session of this name. */
  add(session: ConfiguredSession): void {
    if (this.#sessions.has(session.name)) {
      const which =
        session.name === undefined ? 'a default session' : `a session "${session.name}"`;
      throw new SessionOptionsError(
        'name',
        `the application already has ${which}: import SessionModule.forRoot() once, or give each session a "name" and a "key" of its own`,
        'ERR_SESSION_ALREADY_INSTALLED',
      );
    }
    this.#sessions.set(session.name, session);
  }

  /** @throws SessionStateError ERR_SESSION_NOT_INSTALLED when there is no session of that name. */
  get(name: string | undefined): ConfiguredSession {
    const session = this.#sessions.get(name);
    if (session !== undefined) return session;
    const wanted = name === undefined ? '' : `{ name: ${JSON.stringify(name)}, ... }`;
    throw new SessionStateError(
      'ERR_SESSION_NOT_INSTALLED',
      `this application has no such session: import SessionModule.forRoot(${wanted})`,
    );
  }

  async onModuleInit(): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const sessions = this.#inOrder();
    for (const session of sessions) await session.complete();
    const koa = this.#koa;
    if (koa === undefined) return;
    const layers = sessions.map((session) => this.#layer(koa, session));
    for (const session of sessions) checkKeys(koa, session);
    this.#chain = nest(layers);
    this.#tracksRequests = koa.currentContext === undefined && this.#needsRequests(sessions);
    rememberUpgrades(this.#host, koa);
  }

  async onApplicationShutdown(): Promise<void> {
    // Several sessions may share a store.
    const stores = new Set([...this.#sessions.values()].map(({ store }) => store));
    const closable = [...stores].filter(isClosableStore);
    const closed = await Promise.allSettled(closable.map(async (store) => store.close()));
    // One that fails must not keep the others open.
    for (const each of closed) if (each.status === 'rejected') throw each.reason;
  }

  #takePlace(): void {
    const adapter = this.#host.httpAdapter as unknown;
    if (adapter === null || adapter === undefined || this.#koa !== undefined) return;
    const instance: unknown = (adapter as { getInstance(): unknown }).getInstance();
    if (!isKoa(instance)) {
      this.#refusal = new AdapterError(
        `SessionModule needs an application on Koa, but this one runs on ${typeName(adapter)}: create it with NestFactory.create(AppModule, new KoaAdapter()), KoaAdapter from 'nestjs-koa-session/platform-koa'`,
      );
      return;
    }
    this.#refusal = undefined;
    this.#koa = instance;
    registries.set(instance, this);
    instance.use((ctx, next) => this.#serve(ctx, next));
  }

  #serve(ctx: Context, next: Next): Promise<unknown> {
    if (!this.#tracksRequests) return this.#chain(ctx, next);
    return this.#requests.run(ctx, () => this.#chain(ctx, next));
  }

  /** The default session first: the engine's first session is `ctx.session`. */
  #inOrder(): ConfiguredSession[] {
    return [...this.#sessions.values()].sort(
      (a, b) => Number(a.name !== undefined) - Number(b.name !== undefined),
    );
  }

  #layer(koa: Koa, session: ConfiguredSession): SessionMiddleware {
    const middleware = createSession(session.options, koa);
    const { forRoutes, exclude } = session.extras;
    if (forRoutes === undefined && exclude === undefined) return middleware;
    const routes = new SessionRoutes({ forRoutes, exclude }, this.#config, this.#modules);
    return (ctx, next) => {
      if (routes.include(ctx)) return middleware(ctx, next);
      keepFrom(ctx, session.name);
      return next() as Promise<void>;
    };
  }

  #needsRequests(sessions: readonly ConfiguredSession[]): boolean {
    const wishes = sessions.map(({ extras }) => extras.requestContext ?? 'auto');
    if (wishes.includes(true)) return true;
    if (!wishes.includes('auto')) return false;
    return isInjectedAnywhere(SessionService, this.#modules);
  }
}

type Chain = (ctx: Context, next: Next) => Promise<unknown>;

/** Middleware within middleware, the first outermost. Most applications have one. */
function nest([layer, ...inside]: readonly SessionMiddleware[]): Chain {
  if (layer === undefined) return (_ctx, next) => next();
  if (inside.length === 0) return layer;
  const inner = nest(inside);
  return (ctx, next) => layer(ctx, () => inner(ctx, next) as Promise<void>);
}

/** Signing needs `app.keys`: without them every request would fail. */
function checkKeys(koa: Koa, { options }: ConfiguredSession): void {
  if (!isSigned(options) || hasKeys(koa)) return;
  throw new SessionOptionsError(
    'keys',
    `"keys" is missing, received ${typeName(options.keys)}: signed cookies need at least one secret. Pass SessionModule.forRoot({ keys: [secret] }), set the Koa application's "keys", or turn signing off with signed: false`,
    'ERR_SESSION_KEYS_MISSING',
  );
}

function isSigned({ externalKey, signed, codec }: SessionOptions): boolean {
  if (externalKey != null || signed === false) return false;
  return codec?.authenticates !== true || codec.writesSigned === true;
}

function hasKeys({ keys }: { keys?: unknown }): boolean {
  // A Keygrip may stand in for the list.
  return Array.isArray(keys) ? keys.length > 0 : typeof keys === 'object' && keys !== null;
}

function isKoa(value: unknown): value is Koa {
  const { use, createContext, middleware, context } = Object(value) as Record<string, unknown>;
  return (
    typeof use === 'function' &&
    typeof createContext === 'function' &&
    Array.isArray(middleware) &&
    typeof context === 'object'
  );
}

/** WebSocket handshakes bypass Koa: Node's server tells of them in an event of its own. */
function rememberUpgrades(host: HttpAdapterHost, koa: Koa): void {
  rememberApplication(koa);
  const server = host.httpAdapter.getHttpServer() as Server | undefined;
  if (server === undefined) return;
  rememberServer(server, koa);
  followUpgrades(server, koa);
}
