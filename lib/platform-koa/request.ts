import type { IncomingMessage } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import type { KoaContext } from './context.js';
import type { KoaResponse } from './response.js';

/**
 * The request that handlers, guards, pipes and middleware get: Node's own, with the Koa context
 * attached and the properties that Express users know. What both have is stored once: setting
 * `req.body` sets `ctx.request.body`, `req.params` is `ctx.params`, and `req.session` is
 * `ctx.session` wherever the context has one.
 *
 * @publicApi
 */
export interface KoaRequest extends IncomingMessage {
  /** The Koa context of this request. */
  ctx: KoaContext;
  /** The response to this request. */
  readonly res: KoaResponse;
  /** The parsed body; `undefined` without a parser or without a body. Stored in `ctx.request.body`. */
  body: unknown;
  /** The unparsed body, when the application was created with `rawBody: true`. */
  rawBody?: Buffer;
  /** The parameters of the route that runs. Stored in `ctx.params`. */
  params: Record<string, string | string[] | undefined>;
  /**
   * The parsed query string of `url`. An assigned value stays what it is; unlike assigning
   * `ctx.query`, it does not rewrite the URL.
   */
  query: Record<string, unknown>;
  /** `ctx.session` where the context has one, else an ordinary property of the request. */
  session: unknown;
  /** The URL as the client sent it, with query; `url` is shorter within a mounted middleware. */
  originalUrl: string;
  /** The path a middleware is mounted at, without a slash at the end. */
  baseUrl: string;
  /** The route that runs, as instrumentation wants it. */
  route?: { readonly path: unknown };
  /** The client's address; what a proxy says counts only with `proxy: true`. */
  readonly ip: string;
  /** The proxies' addresses, with `proxy: true`. */
  readonly ips: string[];
  /** The host name without port. */
  readonly hostname: string;
  /** The host name with port. */
  readonly host: string;
  /** `https` or `http`. */
  readonly protocol: string;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  /** The path of `url`, without query. */
  readonly path: string;
  /** The parts of the host name below the domain, from right to left. */
  readonly subdomains: string[];
  /** Whether the client's copy is still good (RFC 9110 section 13). */
  readonly fresh: boolean;
  /** The opposite of `fresh`. */
  readonly stale: boolean;
  /** Whether a script library asked (`X-Requested-With`). */
  readonly xhr: boolean;
  /** One header of the request. */
  get(name: string): string | string[] | undefined;
  /** The same as `get`. */
  header(name: string): string | string[] | undefined;
  /** Which of the given content types the body has; `false` when none. */
  is(...types: (string | string[])[]): string | false | null;
  /** The best of the given content types for the client; `false` when none will do. */
  accepts(...types: (string | string[])[]): string | string[] | false;
  /** As `accepts`, for encodings. */
  acceptsEncodings(...encodings: (string | string[])[]): string | string[] | false;
  /** As `accepts`, for charsets. */
  acceptsCharsets(...charsets: (string | string[])[]): string | string[] | false;
  /** As `accepts`, for languages. */
  acceptsLanguages(...languages: (string | string[])[]): string | string[] | false;
}

/** How `req.query` is made from a query string. @internal */
export type QueryParser = (text: string) => Record<string, unknown>;

/** The parser of the adapter that serves a request, on the Koa context's prototype. @internal */
export const QUERY_PARSER = Symbol('query parser');

const QUERY = Symbol('query');
const QUERY_TEXT = Symbol('query text');
const SESSION = Symbol('session');

interface Slots {
  [QUERY]?: Record<string, unknown> | undefined;
  /** The query string that was parsed; `null` for a value that was assigned. */
  [QUERY_TEXT]?: string | null;
  [SESSION]?: unknown;
}

type Members = Omit<KoaRequest, keyof IncomingMessage | 'ctx' | 'rawBody' | 'route'>;
type This = KoaRequest & Slots;

const members: Members & Slots & ThisType<This> = {
  [QUERY]: undefined,
  [QUERY_TEXT]: null,
  [SESSION]: undefined,
  baseUrl: '',

  get res() {
    return this.ctx.res as KoaResponse;
  },
  get body() {
    return (this.ctx.request as { body?: unknown }).body;
  },
  set body(body) {
    (this.ctx.request as { body?: unknown }).body = body;
  },
  get params() {
    return this.ctx['params'] as KoaRequest['params'];
  },
  set params(params) {
    this.ctx['params'] = params;
  },
  get query() {
    const held = this[QUERY];
    if (held !== undefined && this[QUERY_TEXT] === null) return held;
    const text = this.ctx.querystring;
    if (held !== undefined && this[QUERY_TEXT] === text) return held;
    const parser = this.ctx[QUERY_PARSER] as QueryParser | undefined;
    const query = (parser ?? parseQuery)(text) as Record<string, unknown>;
    this[QUERY] = query;
    this[QUERY_TEXT] = text;
    return query;
  },
  set query(query) {
    this[QUERY] = query;
    this[QUERY_TEXT] = null;
  },
  get session() {
    const ctx = this.ctx as { session?: unknown };
    return 'session' in ctx ? ctx.session : this[SESSION];
  },
  set session(session) {
    const ctx = this.ctx as { session?: unknown };
    if ('session' in ctx) ctx.session = session;
    else this[SESSION] = session;
  },
  get originalUrl() {
    return this.ctx.originalUrl;
  },
  set originalUrl(url) {
    this.ctx.originalUrl = url;
  },
  get ip() {
    return this.ctx.request.ip;
  },
  get ips() {
    return this.ctx.request.ips;
  },
  get hostname() {
    return this.ctx.request.hostname;
  },
  get host() {
    return this.ctx.request.host;
  },
  get protocol() {
    return this.ctx.request.protocol;
  },
  get secure() {
    return this.ctx.request.secure;
  },
  get path() {
    return this.ctx.request.path;
  },
  get subdomains() {
    return this.ctx.request.subdomains;
  },
  get fresh() {
    return this.ctx.request.fresh;
  },
  get stale() {
    return !this.ctx.request.fresh;
  },
  get xhr() {
    const requestedWith = this.headers['x-requested-with'];
    return typeof requestedWith === 'string' && requestedWith.toLowerCase() === 'xmlhttprequest';
  },
  get(name) {
    const field = name.toLowerCase();
    if (field === 'referer' || field === 'referrer') {
      return this.headers['referrer'] ?? this.headers.referer;
    }
    return this.headers[field];
  },
  header(name) {
    return this.get(name);
  },
  is(...types) {
    const [first = '', ...others] = types.flat();
    return this.ctx.request.is(first, ...others);
  },
  accepts(...types) {
    return this.ctx.request.accepts(types.flat());
  },
  acceptsEncodings(...encodings) {
    return this.ctx.request.acceptsEncodings(encodings.flat());
  },
  acceptsCharsets(...charsets) {
    return this.ctx.request.acceptsCharsets(charsets.flat());
  },
  acceptsLanguages(...languages) {
    return this.ctx.request.acceptsLanguages(languages.flat());
  },
};

/** What a request gets beyond Node's own members. @internal */
export const requestMembers: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(members);
