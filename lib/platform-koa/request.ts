import type { IncomingMessage } from 'node:http';
import type { KoaContext } from './context.js';
import type { KoaRequest, KoaResponse } from './exchange.js';
import { LENT, lendToExpress } from './express-prototypes.js';
import { NO_PARAMS } from './path-match.js';
import type { QueryParser } from './query-parser.js';

/** The parser of the adapter that serves a request, on the Koa context's prototype. @internal */
export const QUERY_PARSER = Symbol('query parser');

const QUERY = Symbol('query');
const QUERY_TEXT = Symbol('query text');
const SESSION = Symbol('session');
const RESPONSE = Symbol('response');

interface Slots {
  [QUERY]?: Record<string, unknown> | undefined;
  /** The query string that was parsed; `null` for a value that was assigned. */
  [QUERY_TEXT]?: string | null;
  [SESSION]?: unknown;
  /** What others assigned as `req.res`: engine.io does, to requests that never come to Koa. */
  [RESPONSE]?: KoaResponse | undefined;
  [LENT]?: undefined;
}

type Members = Omit<KoaRequest, keyof IncomingMessage | 'ctx' | 'rawBody' | 'route'>;
type This = KoaRequest & Slots;

const members: Members & Slots & ThisType<This> = {
  [QUERY]: undefined,
  [QUERY_TEXT]: null,
  [SESSION]: undefined,
  [RESPONSE]: undefined,
  [LENT]: undefined,
  baseUrl: '',

  get app() {
    return this.ctx.app;
  },
  get res() {
    return this[RESPONSE] ?? (this.ctx.res as KoaResponse);
  },
  set res(response) {
    this[RESPONSE] = response;
    // The first that an Express application does with a request.
    const ctx = this.ctx as KoaContext | undefined;
    if (response === ctx?.res) lendToExpress(this, response);
  },
  get body() {
    return (this.ctx.request as { body?: unknown }).body;
  },
  set body(body) {
    (this.ctx.request as { body?: unknown }).body = body;
  },
  get params() {
    const params = this.ctx['params'] as KoaRequest['params'];
    // Who asks may write to them, too; most middleware without a path does not ask.
    return params === NO_PARAMS ? (this.ctx['params'] = {}) : params;
  },
  set params(params) {
    this.ctx['params'] = params;
  },
  get query() {
    const held = this[QUERY];
    if (held !== undefined && this[QUERY_TEXT] === null) return held;
    const text = this.ctx.querystring;
    if (held !== undefined && this[QUERY_TEXT] === text) return held;
    const query = (this.ctx[QUERY_PARSER] as QueryParser)(text);
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
