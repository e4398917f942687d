import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express from 'express';
import expressSession from 'express-session';
import Koa from 'koa';
import { createSession, strict, type SessionOptions } from '../../lib/session/index.js';
import { MemoryStore } from '../../lib/stores/memory.js';
import { told } from './support.js';

type Data = Record<string, unknown>;

/** What the same small application asks of each session library. */
interface Visit {
  path: string;
  session(): Data;
  save(): Promise<unknown>;
  end(): Promise<unknown>;
  regenerate(): Promise<unknown>;
}

/** How a store is made to fail, and what it was asked. */
export interface StoreControl {
  mode: 'works' | 'fails' | 'hangs' | 'fails to end';
  readonly calls: string[];
}

/** What a browser learns of an answer. */
export interface Answer {
  status: number;
  text: string;
  headers: Headers;
  setCookie: string[];
  /** The cookies as the next request sends them. */
  cookie: string;
}

/** One application, served over HTTP. */
export interface Site {
  readonly name: SiteName;
  readonly store: StoreControl;
  /** How many sessions the store holds. */
  sessions(): Promise<number>;
  get(path: string, cookie?: string): Promise<Answer>;
  /** Whose session the cookie opens. */
  user(cookie: string): Promise<string>;
  /** Starts a request to `/slow` or `/slow-read`, and waits until its handler holds the session. */
  slow(path: string, cookie: string): Promise<() => Promise<Answer>>;
}

/** The sites that an attack is run against. */
export type SiteName = 'this package' | 'koa-session 7.0.2' | 'express-session 1.19';

/** What a site is made with, for each library in its own words. */
export interface SiteOptions {
  own?: SessionOptions;
  koa?: Data;
  express?: Data;
  /** Keep the session in the cookie, where the library can. */
  inCookie?: boolean;
}

const SECRET = 'a key for tests';
const open = new Set<Server>();

/** Ends every site. */
export async function closeSites(): Promise<void> {
  for (const server of open) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  open.clear();
}

/** The answers of the handler: the same whatever keeps the session. */
async function handle(visit: Visit, gate: Gate): Promise<string> {
  const { path } = visit;
  if (path === '/public') return 'public';
  if (path === '/logout') await visit.end();
  else if (path === '/regenerate') await visit.regenerate();
  else if (path === '/login') visit.session().user = 'alice';
  else if (path === '/login-bob') visit.session().user = 'bob';
  else if (path === '/second-factor') visit.session().secondFactor = true;
  else if (path === '/cart') visit.session().cart = 1;
  else if (path === '/user-gone') visit.session().user = undefined;
  else if (path === '/user-deleted') delete visit.session().user;
  else if (path === '/user-null') visit.session().user = null;
  else if (path === '/save-and-fail') {
    visit.session().user = 'alice';
    await visit.save();
    throw new Error('the handler fails');
  } else if (path.startsWith('/slow')) {
    const session = visit.session();
    void session.user;
    await gate.pass();
    if (path === '/slow') session.late = Date.now();
    if (path === '/slow-touch') (session as { touch?: () => void }).touch?.();
  } else return JSON.stringify(visit.session());
  return 'done';
}

interface Signal {
  readonly given: Promise<void>;
  give(): void;
}

function signal(): Signal {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}

/** Holds a handler until the test lets it go on. */
class Gate {
  #arrived = signal();
  #released = signal();

  async pass(): Promise<void> {
    this.#arrived.give();
    await this.#released.given;
  }

  /** @returns what lets the handler go on that arrived. */
  async arrival(): Promise<() => void> {
    await this.#arrived.given;
    const { give } = this.#released;
    this.#arrived = signal();
    this.#released = signal();
    return give;
  }
}

/** The store with a switch in front of it, for promises and for callbacks. */
function controlled<T extends object>(store: T, control: StoreControl): T {
  const calls = new Set(['get', 'read', 'set', 'create', 'update', 'touch', 'destroy']);
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (!calls.has(String(name))) return member.bind(target) as unknown;
      return (...args: unknown[]): unknown => {
        control.calls.push(`${String(name)} ${String(args[0])}`);
        const callback = args.find((arg) => typeof arg === 'function') as
          ((error: Error) => void) | undefined;
        if (control.mode === 'hangs') return new Promise(() => undefined);
        // This package ends a record by an update where it leaves a pointer.
        const ends = name === 'destroy' || name === 'update';
        const isHit = control.mode === 'fails to end' ? ends : true;
        if (control.mode === 'works' || !isHit)
          return Reflect.apply(member, target, args) as unknown;
        const error = new Error('the store is down');
        if (callback === undefined) return Promise.reject(error);
        setImmediate(callback, error);
        return undefined;
      };
    },
  });
}

/** Serves one of the libraries. */
export async function serve(name: SiteName, options: SiteOptions = {}): Promise<Site> {
  const control: StoreControl = { mode: 'works', calls: [] };
  const gate = new Gate();
  const made =
    name === 'express-session 1.19'
      ? withExpress(options, control, gate)
      : withKoa(name, options, control, gate);
  const server = made.listen();
  open.add(server);
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = (path: string, cookie = ''): Promise<Answer> => ask(origin + path, cookie);
  return {
    name,
    store: control,
    sessions: made.sessions,
    get,
    async user(cookie) {
      const { status, text } = await get('/me', cookie);
      if (status !== 200) return `status ${status}`;
      return String((JSON.parse(text) as Data).user ?? 'nobody');
    },
    async slow(path, cookie) {
      const answer = get(path, cookie);
      const release = await gate.arrival();
      return async () => {
        release();
        const ended = await answer;
        await told();
        return ended;
      };
    },
  };
}

/** How long an answer is waited for, in milliseconds: far beyond the deadline of the stores. */
const PATIENCE = 3_000;

async function ask(url: string, cookie: string): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      headers: cookie === '' ? {} : { cookie },
      signal: AbortSignal.timeout(PATIENCE),
    });
    const setCookie = answer.headers.getSetCookie();
    return {
      status: answer.status,
      text: await answer.text(),
      headers: answer.headers,
      setCookie,
      cookie: setCookie.map((line) => line.split(';')[0]).join('; '),
    };
  } catch {
    return { status: 599, text: 'no answer', headers: new Headers(), setCookie: [], cookie: '' };
  }
}

interface Made {
  listen(): Server;
  sessions(): Promise<number>;
}

function withKoa(name: SiteName, options: SiteOptions, control: StoreControl, gate: Gate): Made {
  const memory = new MemoryStore();
  const app = new Koa();
  app.keys = [SECRET];
  app.silent = true;
  const store = options.inCookie === true ? {} : { store: controlled(memory, control) };
  if (name === 'this package') {
    const safe = { ...strict(), secure: false, key: 'sid', rotateOn: ['user', 'secondFactor'] };
    app.use(createSession({ ...safe, ...store, storeTimeout: 200, ...options.own }, app));
  } else {
    app.use(koaSession({ key: 'sid', ...store, ...options.koa }, app));
  }
  app.use(async (ctx) => {
    type Held = Data & Record<'save' | 'regenerate', () => Promise<void>>;
    const held = (): Held => ctx.session as unknown as Held;
    ctx.body = await handle(
      {
        path: ctx.path,
        session: held,
        save: () => held().save(),
        regenerate: () => held().regenerate(),
        end: async () => {
          ctx.session = null as never;
        },
      },
      gate,
    );
  });
  const isSession = (key: string) => Number(memory.get(key)?.['_expire']) > Date.now();
  const keys = () => new Set(control.calls.map((call) => call.slice(call.indexOf(' ') + 1)));
  return {
    listen: () => app.listen(0, '127.0.0.1'),
    sessions: async () => [...keys()].filter(isSession).length,
  };
}

function withExpress({ express: own }: SiteOptions, control: StoreControl, gate: Gate): Made {
  const memory = new expressSession.MemoryStore();
  const store = controlled(memory, control);
  const app = express();
  const defaults = { name: 'sid', secret: SECRET, resave: false, saveUninitialized: false };
  app.use(expressSession({ ...defaults, ...own, store }));
  app.use(async (req, res) => {
    const call = (method: 'save' | 'destroy' | 'regenerate'): Promise<unknown> =>
      new Promise((resolve, reject) => {
        req.session[method]((error: unknown) => (error ? reject(error as Error) : resolve(0)));
      });
    const visit: Visit = {
      path: req.path,
      session: () => req.session as unknown as Data,
      save: () => call('save'),
      regenerate: () => call('regenerate'),
      end: () => call('destroy'),
    };
    res.send(await handle(visit, gate));
  });
  app.use((_error: unknown, _req: unknown, res: express.Response, _next: unknown) => {
    res.status(500).end();
  });
  return {
    listen: () => app.listen(0, '127.0.0.1'),
    sessions: () =>
      new Promise((resolve) => {
        memory.all?.((_error, sessions) => {
          resolve(Object.keys(sessions ?? {}).length);
        });
      }),
  };
}

/** koa-session’s types are of another Koa. */
export const { default: koaSession } = createRequire(import.meta.url)('koa-session') as {
  default: (options: object, app: Koa) => Koa.Middleware;
};
