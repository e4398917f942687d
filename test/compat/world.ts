import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import Keygrip from 'keygrip';
import Koa from 'koa';
import type { Context } from 'koa';
import type { Engine } from './engines.js';
import { clock, type Host, START } from './host.js';
import { type CookieTrick, type Op, perform, type Step } from './steps.js';

/** An application with a session, described by data. */
export interface Setup {
  backing: 'cookie' | 'store' | 'ContextStore';
  /** The id travels in a header of the application's own instead of a cookie. */
  external: boolean;
  /** The plain options. */
  options: Record<string, unknown>;
  /** `counter`: "id1", "id2" and so on, so that both engines make the same ids. */
  genid: 'counter' | 'default';
  hooks: { valid: boolean; beforeSave: boolean; codec: boolean };
  /** `app.keys`, newest first. */
  keys: readonly string[];
  /** Whether a middleware in front turns errors into answers, so that headers survive. */
  catches: boolean;
  /** Whether a proxy in front says that the client came over HTTPS. */
  https: boolean;
}

export const PLAIN: Setup = {
  backing: 'cookie',
  external: false,
  options: {},
  genid: 'counter',
  hooks: { valid: false, beforeSave: false, codec: false },
  keys: ['the newest key', 'an older key'],
  catches: false,
  https: false,
};

/** A context whose session is not typed, since either engine may have put it there. */
export type LooseContext = Omit<Context, 'session' | 'sessionOptions'> & {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- handlers use members of either engine, also such as neither has
  session: any;
  sessionOptions: Record<string, unknown>;
};

/** All that an engine did in one request, as far as anybody outside can tell. */
export interface Exchange {
  status: number;
  body: string;
  setCookie: string[];
  /** The external key, where it travels in a header. */
  header: string | undefined;
  /** Calls of the store and of the hooks, with their arguments, in order. */
  calls: unknown[];
  /** koa-session's three events. */
  events: unknown[];
  /** What Koa's `error` event told. */
  errors: string[];
  /** What the handlers saw. */
  seen: unknown[];
}

/** One application, one client, one store. */
export class World {
  readonly app = new Koa();
  readonly options: Record<string, unknown>;
  readonly records: Map<string, string>;
  readonly jar: Map<string, string>;
  /** All headers of the last answer. */
  headers: IncomingHttpHeaders = {};
  readonly #host: Host;
  readonly #setup: Setup;
  #first: Map<string, string> | undefined;
  #header: string | undefined;
  #calls: unknown[] = [];
  #events: unknown[] = [];
  #errors: string[] = [];
  #seen: unknown[] = [];
  #ids = 0;
  #keys = 0;
  #ctx: Context | undefined;
  #before: readonly Op[] = [];
  #ops: readonly Op[] = [];
  #after: readonly Op[] = [];
  #handler: ((ctx: LooseContext) => unknown) | undefined;

  /** @param shared what two worlds have in common: the store's records, and the client's cookies. */
  constructor(
    engine: Engine,
    setup: Setup,
    host: Host,
    shared: { records: Map<string, string>; jar: Map<string, string> } = {
      records: new Map(),
      jar: new Map(),
    },
  ) {
    this.#host = host;
    this.#setup = setup;
    this.records = shared.records;
    this.jar = shared.jar;
    clock.now = START;
    const { app } = this;
    app.keys = [...setup.keys];
    app.proxy = setup.https;
    app.on('error', (error: Error) => this.#errors.push(`${error.name}: ${error.message}`));
    for (const name of ['missed', 'expired', 'invalid']) {
      app.on(
        `session:${name}`,
        ({ key, value, ctx }: { key: unknown; value: unknown; ctx: unknown }) =>
          this.#events.push([name, { key, value: copy(value), ctx: ctx === this.#ctx }]),
      );
    }
    this.options = this.#sessionOptions();
    const { first, session } = engine.install(app, this.options);
    if (setup.catches) app.use(catchErrors);
    if (first) app.use(first);
    app.use(async (ctx, next) => {
      this.#ctx = ctx as unknown as Context;
      ctx.body = 'ok';
      await perform(this.#before, this.#ctx, this.#seen);
      await next();
      await perform(this.#after, this.#ctx, this.#seen);
    });
    for (const middleware of session) app.use(middleware);
    app.use((ctx) => {
      const context = ctx as unknown as Context;
      return this.#handler === undefined
        ? perform(this.#ops, context, this.#seen)
        : (this.#handler(context as unknown as LooseContext) as Promise<void>);
    });
  }

  #sessionOptions(): Record<string, unknown> {
    const { backing, external, genid, hooks, options } = this.#setup;
    const all = { ...options };
    const store = this.#store();
    if (backing === 'store') all.store = store;
    if (backing === 'ContextStore') {
      const called = (what: unknown): void => void this.#calls.push(what);
      all.ContextStore = class {
        constructor(ctx: Context) {
          called(['new ContextStore', typeof ctx.req]);
        }
        get(...args: Parameters<typeof store.get>): unknown {
          return store.get(...args);
        }
        set(...args: Parameters<typeof store.set>): unknown {
          return store.set(...args);
        }
        destroy(...args: Parameters<typeof store.destroy>): unknown {
          return store.destroy(...args);
        }
      };
    }
    if (external) {
      all.externalKey = {
        get: (ctx: Context) => this.#call('externalKey.get', ctx.get('x-session') || undefined),
        set: (ctx: Context, key: string) => {
          this.#call('externalKey.set', key);
          ctx.set('x-session', key);
        },
      };
    }
    if (genid === 'counter' && !('genid' in all))
      all.genid = () => this.#call('genid', `id${++this.#ids}`);
    if (hooks.valid) {
      all.valid = (_ctx: Context, data: Record<string, unknown>) => {
        this.#calls.push(['valid', copy(data)]);
        return data.bad === undefined;
      };
    }
    if (hooks.beforeSave) {
      all.beforeSave = (_ctx: Context, session: Record<string, unknown>) => {
        this.#calls.push(['beforeSave', copy(session)]);
        session.saves = Number(session.saves ?? 0) + 1;
      };
    }
    if (hooks.codec) {
      all.encode = (record: object) =>
        this.#call('encode', Buffer.from(JSON.stringify(record)).toString('hex'));
      all.decode = (text: string): unknown => {
        this.#calls.push(['decode', text]);
        return JSON.parse(Buffer.from(text, 'hex').toString());
      };
    }
    return all;
  }

  #call<T>(name: string, result: T): T {
    this.#calls.push([name, result]);
    return result;
  }

  #store(): Record<'get' | 'set' | 'destroy', (...args: never[]) => Promise<unknown>> {
    const { records } = this;
    const show = (options: Record<string, unknown>): unknown => ({
      ...options,
      ctx: options.ctx === this.#ctx,
    });
    return {
      get: async (key: string, maxAge: unknown, options: Record<string, unknown>) => {
        this.#calls.push(['get', key, maxAge, show(options)]);
        const text = records.get(key);
        return text === undefined ? undefined : JSON.parse(text);
      },
      set: async (
        key: string,
        record: unknown,
        maxAge: unknown,
        options: Record<string, unknown>,
      ) => {
        this.#calls.push(['set', key, copy(record), maxAge, show(options)]);
        records.set(key, JSON.stringify(record));
      },
      destroy: async (key: string, options: Record<string, unknown>) => {
        this.#calls.push(['destroy', key, show(options)]);
        records.delete(key);
      },
    };
  }

  get #cookieName(): string {
    return (this.#setup.options.key as string | undefined) ?? 'koa.sess';
  }

  /** Takes one step; a request gives an exchange. */
  async take(step: Step): Promise<Exchange | undefined> {
    switch (step.step) {
      case 'request':
        return this.request(step.ops, step);
      case 'wait':
        clock.now += step.ms;
        return;
      case 'rotate keys':
        this.app.keys = [`key ${++this.#keys}`, ...(this.app.keys as string[])];
        return;
      case 'lose records':
        this.records.clear();
        return;
      case 'put record':
        for (const key of this.records.keys()) this.records.set(key, JSON.stringify(step.record));
        return;
      case 'forge cookie':
        this.#forge(step.payload);
        return;
      case 'set option':
        this.options[step.name] = step.value;
    }
  }

  /** A cookie that only somebody with the key (an older version of the application) can make. */
  #forge(payload: unknown): void {
    const encoding = this.#setup.hooks.codec ? 'hex' : 'base64';
    const value = Buffer.from(JSON.stringify(payload)).toString(encoding);
    this.jar.set(this.#cookieName, value);
    const signature = new Keygrip(this.app.keys as string[]).sign(`${this.#cookieName}=${value}`);
    this.jar.set(`${this.#cookieName}.sig`, signature);
  }

  async request(
    ops: readonly Op[],
    more: { before?: Op[]; after?: Op[]; cookies?: CookieTrick } = {},
  ): Promise<Exchange> {
    this.#calls = [];
    this.#events = [];
    this.#errors = [];
    this.#seen = [];
    this.#ops = ops;
    this.#before = more.before ?? [];
    this.#after = more.after ?? [];
    this.#host.listener = this.app.callback() as RequestListener;
    const headers: Record<string, string> = { 'x-forwarded-proto': 'https' };
    const cookie = this.#cookie(more.cookies ?? 'its own');
    if (cookie !== '') headers.cookie = cookie;
    if (this.#header && more.cookies !== 'none') headers['x-session'] = this.#header;
    const answer = await this.#host.get(headers);
    // Events come in the event loop's next turn.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    this.headers = answer.headers;
    const setCookie = answer.headers['set-cookie'] ?? [];
    this.#keep(setCookie, answer.headers['x-session'] as string | undefined);
    return {
      status: answer.status,
      body: answer.body,
      setCookie,
      header: answer.headers['x-session'] as string | undefined,
      calls: this.#calls,
      events: this.#events,
      errors: this.#errors,
      seen: this.#seen,
    };
  }

  /** A request whose handler is a function. */
  async visit(
    handler: (ctx: LooseContext) => unknown,
    more: { before?: Op[]; after?: Op[]; cookies?: CookieTrick } = {},
  ): Promise<Exchange> {
    this.#handler = handler;
    try {
      return await this.request([], more);
    } finally {
      this.#handler = undefined;
    }
  }

  #cookie(trick: CookieTrick): string {
    const name = this.#cookieName;
    const jar = new Map(trick === 'its first' ? this.#first : this.jar);
    if (trick === 'none') jar.clear();
    if (trick === 'other value' && jar.has(name)) jar.set(name, altered(jar.get(name) as string));
    const signature = jar.get(`${name}.sig`);
    if (trick === 'other signature' && signature) jar.set(`${name}.sig`, altered(signature));
    if (trick === 'no signature') jar.delete(`${name}.sig`);
    if (trick === 'no value') jar.delete(name);
    if (trick === 'garbage') jar.set(name, 'garbage').set(`${name}.sig`, 'garbage');
    return [...jar].map(([key, value]) => `${key}=${value}`).join('; ');
  }

  #keep(setCookie: readonly string[], header: string | undefined): void {
    if (header !== undefined) this.#header = header;
    for (const line of setCookie) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? [];
      const expires = /; expires=([^;]*)/.exec(line)?.[1];
      if (expires !== undefined && Date.parse(expires) <= clock.now) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    if (this.#first === undefined && this.jar.size > 0) this.#first = new Map(this.jar);
  }
}

async function catchErrors(ctx: Koa.Context, next: Koa.Next): Promise<void> {
  try {
    await next();
  } catch (error) {
    ctx.status = (error as { status?: number }).status ?? 500;
    ctx.body = `${(error as Error).name}: ${(error as Error).message}`;
  }
}

function copy(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function altered(text: string): string {
  return `${text.startsWith('z') ? 'y' : 'z'}${text.slice(1)}`;
}
