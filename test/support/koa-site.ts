import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import type { Context, Next } from 'koa';
import {
  createSession,
  type Session,
  type SessionEventName,
  type SessionOptions,
  type SessionStore,
} from '../../lib/session/index.js';
import { Browser } from './browser.js';

/** A session whose data keys are not typed. */
export type AnySession = Session & Record<string, unknown>;

export type Handler = (ctx: Context, session: () => AnySession, next: Next) => unknown;

const EVENTS: readonly SessionEventName[] = [
  'session:missed',
  'session:invalid',
  'session:expired',
  'session:created',
  'session:saved',
  'session:regenerated',
  'session:destroyed',
  'session:refused',
  'session:merged',
  'session:failed',
];

/** A Koa application with a session, on a free port, and a browser that visits it. */
export class KoaSite {
  readonly app = new Koa();
  readonly errors: Error[] = [];
  /** Every session event, by its name without `session:` and its reason. */
  readonly events: string[] = [];
  readonly payloads: Record<string, unknown>[] = [];
  browser = new Browser('http://localhost');
  #handler: Handler = () => undefined;
  #server: Server | undefined;

  /** @param install puts sessions on the application. Default: one, with `options`. */
  static async open(
    options: SessionOptions = {},
    install: (app: Koa) => void = (app) => void app.use(createSession(options, app)),
  ): Promise<KoaSite> {
    const site = new KoaSite();
    const { app } = site;
    app.keys = ['a key for tests'];
    app.on('error', (error: Error) => site.errors.push(error));
    for (const name of EVENTS) {
      app.on(name, (payload: Record<string, unknown>) => {
        site.events.push([name.slice('session:'.length), payload.reason].filter(Boolean).join(' '));
        site.payloads.push(payload);
      });
    }
    install(app);
    app.use((ctx, next) => {
      const context = ctx as unknown as Context;
      ctx.body = 'ok';
      return site.#handler(context, () => context.session as AnySession, next) as Promise<void>;
    });
    const server = app.listen(0);
    site.#server = server;
    await once(server, 'listening');
    site.browser = new Browser(`http://localhost:${(server.address() as AddressInfo).port}`);
    return site;
  }

  /** One request, handled by `handler`. Events have arrived when it resolves. */
  async visit(handler: Handler, init?: RequestInit): Promise<Response & { said: string }> {
    let failed: unknown;
    this.#handler = async (...all) => {
      try {
        await handler(...all);
      } catch (error) {
        // An expectation in a handler is the test's, not the application's.
        if (error instanceof Error && 'matcherResult' in error) failed = error;
        throw error;
      }
    };
    const response = await this.browser.fetch('/', init);
    const said = await response.text();
    await new Promise((resolve) => setImmediate(resolve));
    if (failed !== undefined) throw failed as Error;
    return Object.assign(response, { said });
  }

  /** The data of the browser's session, as the next request finds it. */
  async data(): Promise<unknown> {
    let data: unknown;
    await this.visit(async (ctx) => {
      data = { ...(await ctx.session)?.toJSON() };
    });
    return data;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}

/** A store with koa-session's three methods, which counts its calls and can be told to misbehave. */
export class PlainStore implements SessionStore {
  readonly records = new Map<string, string>();
  readonly calls: string[] = [];
  /** What a call does instead of its work, by its name. */
  readonly instead: Partial<Record<'get' | 'set' | 'destroy', () => unknown>> = {};

  async get(key: string): Promise<Record<string, unknown> | undefined> {
    this.calls.push('get');
    if (this.instead.get) return (await this.instead.get()) as undefined;
    const text = this.records.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }

  async set(key: string, record: object): Promise<void> {
    this.calls.push('set');
    if (this.instead.set) return void (await this.instead.set());
    this.records.set(key, JSON.stringify(record));
  }

  async destroy(key: string): Promise<void> {
    this.calls.push('destroy');
    if (this.instead.destroy) return void (await this.instead.destroy());
    this.records.delete(key);
  }
}
