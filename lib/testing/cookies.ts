import Koa from 'koa';
import type { Context } from 'koa';
import {
  contextSession,
  createSession,
  type SessionData,
  type SessionOptions,
  SessionStateError,
} from '../session/index.js';
import { contextOn, setCookies } from './contexts.js';

/**
 * Where sessions come from: a Nest application, a Koa application, or the options of one that runs
 * elsewhere.
 *
 * @publicApi
 */
export type SessionSource =
  Koa | { getHttpAdapter(): { getInstance(): unknown } } | (SessionOptions & { callback?: never });

/** Which session, and what kind of request it is for. @publicApi */
export interface TestSessionOptions {
  /** The session's option `key`. Default: the application's default session. */
  key?: string;
  /** Request headers that the application's hooks look at, as `binding` does. Default: none. */
  headers?: Record<string, string>;
}

/**
 * An answer to read cookies from: of `fetch`, of supertest, or of Node itself; or the lines of its
 * `Set-Cookie`, or a `Cookie` header.
 *
 * @publicApi
 */
export type CookieSource =
  | { headers: { getSetCookie(): string[] } }
  | { headers: Record<string, string | readonly string[] | undefined> }
  | readonly string[]
  | string;

/**
 * Makes a session with the given data, as a handler of the application would, and gives the
 * `Cookie` header of a client that has it: signed, sealed and stored as the application does it.
 *
 * @example
 * ```ts
 * const cookie = await sessionCookie(app, { userId: '1' });
 * await request(app.getHttpServer()).get('/account').set('Cookie', cookie).expect(200);
 * ```
 * @param source the application, initialised; or the options of one that runs elsewhere.
 * @throws SessionStateError ERR_SESSION_NOT_INSTALLED when the application has no such session.
 * @publicApi
 */
export async function sessionCookie(
  source: SessionSource,
  data: Partial<SessionData> & Record<string, unknown>,
  options: TestSessionOptions = {},
): Promise<string> {
  const ctx = contextOn(koaOf(source), options.headers);
  const session = await open(ctx, options.key);
  Object.assign(session, data);
  await session.save();
  return cookieHeader(setCookies(ctx));
}

/**
 * Reads the session that a client has after an answer.
 *
 * @example
 * ```ts
 * const response = await request(app.getHttpServer()).post('/login').send(credentials);
 * expect(await readSession(app, response)).toEqual({ userId: '1' });
 * ```
 * @param source the application, initialised; or the options of one that runs elsewhere.
 * @param cookies the answer, or cookies.
 * @returns the data; `undefined` when the cookies lead to no session.
 * @throws SessionStateError ERR_SESSION_NOT_INSTALLED when the application has no such session.
 * @publicApi
 */
export async function readSession(
  source: SessionSource,
  cookies: CookieSource,
  options: TestSessionOptions = {},
): Promise<(Partial<SessionData> & Record<string, unknown>) | undefined> {
  const cookie = typeof cookies === 'string' ? cookies : cookieHeader(linesOf(cookies));
  const ctx = contextOn(koaOf(source), { ...options.headers, cookie });
  const session = await open(ctx, options.key);
  if (session.isNew) return undefined;
  // As the next request would read it: without what JSON does not keep.
  return JSON.parse(JSON.stringify(session)) as Record<string, unknown>;
}

/** The application, or a new one that has the same sessions as the one with these options. */
function koaOf(source: SessionSource): Koa {
  if ('getHttpAdapter' in source && typeof source.getHttpAdapter === 'function') {
    return source.getHttpAdapter().getInstance() as Koa;
  }
  if (typeof (source as Partial<Koa>).createContext === 'function') return source as Koa;
  const koa = new Koa();
  koa.use(createSession(source as SessionOptions, koa));
  return koa;
}

async function open(ctx: Context, key: string | undefined) {
  const context = contextSession(ctx, key);
  if (context === undefined) {
    throw new SessionStateError(
      'ERR_SESSION_NOT_INSTALLED',
      'the application has no such session (yet): call app.init() or app.listen() first',
    );
  }
  const session = await context.ready();
  if (session === null) throw new TypeError('a session that was just loaded cannot be removed');
  return session;
}

function linesOf(source: Exclude<CookieSource, string>): readonly string[] {
  if (Array.isArray(source)) return source as readonly string[];
  const { headers } = source as Exclude<CookieSource, string | readonly string[]>;
  if (typeof headers.getSetCookie === 'function') return headers.getSetCookie();
  const lines = (headers as Record<string, string | readonly string[] | undefined>)['set-cookie'];
  return typeof lines === 'string' ? [lines] : (lines ?? []);
}

/** What a client sends back; a cookie whose time is over, it does not. */
function cookieHeader(lines: readonly string[]): string {
  const cookies = new Map<string, string>();
  for (const line of lines) {
    const [pair = '', ...attributes] = line.split(/; */);
    const name = pair.slice(0, pair.indexOf('='));
    const expires = attributes.find((attribute) => /^expires=/i.test(attribute));
    const isOver = expires !== undefined && Date.parse(expires.slice(8)) <= Date.now();
    if (isOver) cookies.delete(name);
    else cookies.set(name, pair);
  }
  return [...cookies.values()].join('; ');
}
