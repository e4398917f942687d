import type { ServerOptions as HttpServerOptions } from 'node:http';
import type { SecureServerOptions } from 'node:http2';
import type { ServerOptions as HttpsServerOptions } from 'node:https';
import type { AsyncLocalStorage } from 'node:async_hooks';
import type { QueryParser } from './query-parser.js';

/**
 * What `new KoaAdapter(options)` takes: the settings of a Koa application, and the adapter's own.
 *
 * @publicApi
 */
export interface KoaAdapterOptions {
  /** Trust what a proxy says of host, protocol and address. Koa's option. Default: false. */
  proxy?: boolean | undefined;
  /** The header that a proxy puts addresses in. Koa's option. Default: `X-Forwarded-For`. */
  proxyIpHeader?: string | undefined;
  /** How many addresses, counted from the server's side, are believed. Koa's option. Default: all. */
  maxIpsCount?: number | undefined;
  /** How many parts of a host name make the domain. Koa's option. Default: 2. */
  subdomainOffset?: number | undefined;
  /** The keys of `ctx.cookies`. Koa's option. */
  keys?: string[] | undefined;
  /** The environment's name. Koa's option. Default: `NODE_ENV` or `development`. */
  env?: string | undefined;
  /** Makes `app.currentContext` work. Koa's option. Default: false. */
  asyncLocalStorage?: boolean | AsyncLocalStorage<unknown> | undefined;
  /** Whether `/Users` and `/users` are different paths. Default: false. */
  caseSensitive?: boolean | undefined;
  /** Whether `/users/` and `/users` are different paths. Default: false. */
  strict?: boolean | undefined;
  /**
   * How `req.query` is read from the query string: `simple` as Node's `querystring` does,
   * `extended` with nesting (`a[b]=1`), or by a function. Default: `simple`.
   */
  queryParser?: 'simple' | 'extended' | QueryParser | undefined;
  /** Settings of Node's server: timeouts, header limits and the like. */
  server?: HttpServerOptions | HttpsServerOptions | undefined;
  /**
   * Serves HTTP/2. With Nest's `httpsOptions`, browsers speak it over TLS and older clients get
   * HTTP/1.1 unless `allowHTTP1` is false; without, it is plain-text HTTP/2 for clients that know.
   * Default: false.
   */
  http2?: boolean | SecureServerOptions | undefined;
}
