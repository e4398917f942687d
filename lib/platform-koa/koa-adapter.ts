import type { NestApplicationOptions } from '@nestjs/common';
import cors from 'cors';
import Koa from 'koa';
import serveStatic from 'serve-static';
import { AdapterError, typeName } from '../errors.js';
import { createBodyParser } from './body-parser.js';
import type { BodyParserOptions, BodyParserType } from './body-parser.js';
import { redirectBody } from './body.js';
import { giveAnswer, hasAnswer } from './answer.js';
import { mapException } from './exceptions.js';
import { giveExpressFace } from './express-face.js';
import type { ConnectMiddleware } from './middleware-kind.js';
import type { KoaAdapterOptions } from './options.js';
import { isAnswered, reply } from './reply.js';
import { queryParserOf } from './query-parser.js';
import { QUERY_PARSER } from './request.js';
import type { KoaRequest } from './exchange.js';
import { VIEWS } from './response.js';
import type { KoaResponse } from './exchange.js';
import { RoutingAdapter } from './routing-adapter.js';
import { Connections, createServer } from './server.js';
import type { KoaServer } from './server.js';
import type { ServeStaticOptions } from './static-assets.js';
import { trustProxies } from './trust-proxy.js';
import { Views } from './views.js';
import type { ViewEngine } from './views.js';

/**
 * Runs a Nest application, 11 or 12, on Koa, 2.16 or 3.
 *
 * Handlers get Node's own request and response, with the Koa context attached; what they answer
 * goes through `ctx.body`, so Koa middleware sees and changes it. An application written for
 * `@nestjs/platform-express` behaves the same; the few differences are in `docs/platform-koa.md`.
 *
 * @example
 * ```ts
 * const app = await NestFactory.create<NestKoaApplication>(AppModule, new KoaAdapter());
 * app.use(async (ctx, next) => {
 *   await next();
 *   ctx.set('x-served-by', 'koa');
 * });
 * await app.listen(3000);
 * ```
 * @publicApi
 */
export class KoaAdapter extends RoutingAdapter {
  private readonly settings: KoaAdapterOptions;
  private readonly views: Views;
  private connections: Connections | undefined;
  private refusesOnClosing = false;

  /**
   * @param app A Koa application to use, with its middleware in front; or the options of a new one.
   * @param options Options of the adapter, beside a given application.
   * @throws AdapterError `ERR_ADAPTER` when the first argument is neither.
   */
  constructor(app?: Koa | KoaAdapterOptions, options?: KoaAdapterOptions) {
    const settings = options ?? (isKoa(app) ? {} : (app ?? {}));
    const instance = isKoa(app) ? app : createKoa(settings);
    super(instance, {
      caseSensitive: settings.caseSensitive ?? false,
      strict: settings.strict ?? false,
    });
    this.settings = settings;
    this.views = new Views(instance.env);
    (instance.context as Record<symbol, unknown>)[VIEWS] = this.views;
    this.views.settings['trust proxy'] = instance.proxy;
    this.set('query parser', settings.queryParser ?? 'simple');
    giveExpressFace(instance, this, this.views);
  }

  /** `'koa'`. */
  getType(): string {
    return 'koa';
  }

  // The answer

  reply(response: KoaResponse, body: unknown, statusCode?: number): void {
    reply(response, body, statusCode);
  }

  status(response: KoaResponse, statusCode: number): KoaResponse {
    return response.status(statusCode);
  }

  end(response: KoaResponse, message?: string): KoaResponse {
    // An answer that waits for the middleware on its way out is not to be cut off.
    return hasAnswer(response) ? response : (response.end(message), response);
  }

  render(response: KoaResponse, view: string, options: unknown): Promise<void> {
    return this.views.renderFor(response, view, Object(options ?? {}) as Record<string, unknown>);
  }

  redirect(response: KoaResponse, statusCode: number, url: string): void {
    giveAnswer(response);
    redirectBody(response, statusCode, url);
  }

  isHeadersSent(response: KoaResponse): boolean {
    return isAnswered(response);
  }

  getHeader(response: KoaResponse, name: string): ReturnType<KoaResponse['get']> {
    return response.get(name);
  }

  setHeader(response: KoaResponse, name: string, value: string): KoaResponse {
    return response.set(name, value);
  }

  appendHeader(response: KoaResponse, name: string, value: string): KoaResponse {
    return response.append(name, value);
  }

  override mapException(error: unknown): unknown {
    return mapException(error);
  }

  // The request

  getRequestHostname(request: KoaRequest): string {
    return request.hostname;
  }

  getRequestMethod(request: KoaRequest): string {
    return request.method ?? 'GET';
  }

  getRequestUrl(request: KoaRequest): string {
    return request.originalUrl;
  }

  // Middleware that Nest asks for

  /** Answers CORS preflights and sets CORS headers; takes what the package `cors` takes. */
  enableCors(options?: unknown): this {
    return this.use(cors(options as cors.CorsOptions) as unknown as ConnectMiddleware);
  }

  /** Parses JSON and forms, unless the application has added such a parser itself. */
  registerParserMiddleware(_prefix?: string, rawBody = false): void {
    if (!this.names.has('jsonParser')) this.addParser('json', rawBody);
    if (!this.names.has('urlencodedParser'))
      this.addParser('urlencoded', rawBody, { extended: true });
  }

  /**
   * Adds a parser of the package body-parser. A body over its `limit` (default `100kb`) is
   * answered with 413.
   */
  useBodyParser(type: BodyParserType, rawBody: boolean, options?: BodyParserOptions): this {
    return this.addParser(type, rawBody, options);
  }

  private addParser(type: BodyParserType, rawBody: boolean, options?: BodyParserOptions): this {
    this.names.add(`${type}Parser`);
    const handler = createBodyParser(type, rawBody, options);
    this.pipeline.add({ path: '/', mount: true, needsBody: true, handler });
    return this;
  }

  /** Serves the files of a folder, below `prefix` if given. Takes the options of serve-static. */
  useStaticAssets(path: string, options: ServeStaticOptions = {}): this {
    const { prefix = '/', ...settings } = options;
    return this.use(prefix, serveStatic(path, settings) as unknown as ConnectMiddleware);
  }

  // Views and settings

  /** Sets the folder or folders that views are looked for in. Default: `views`. */
  setBaseViewsDir(path: string | string[]): this {
    return this.set('views', path);
  }

  /** Sets the engine, and extension, of views that are named without one. */
  setViewEngine(engine: string): this {
    return this.set('view engine', engine);
  }

  /** Renders files of an extension with an engine, where the engine's package is not named so. */
  engine(extension: string, engine: ViewEngine): this {
    this.views.engine(extension, engine);
    return this;
  }

  /** Sets a variable that every view sees. */
  setLocal(key: string, value: unknown): this {
    this.views.locals[key] = value;
    return this;
  }

  /**
   * Sets one of Express's settings: those of views, `trust proxy`, `query parser` and
   * `subdomain offset`. Others are kept for those who ask for them, and change nothing.
   *
   * @throws AdapterError `ERR_ADAPTER` for a value that would not do what it does on Express.
   */
  set(name: string, value: unknown): this {
    const app = this.getInstance<Koa>();
    if (name === 'trust proxy') trustProxies(app, value, this.settings.maxIpsCount);
    if (name === 'subdomain offset') app.subdomainOffset = Number(value);
    if (name === 'query parser')
      (app.context as Record<symbol, unknown>)[QUERY_PARSER] = queryParserOf(value);
    this.views.settings[name] = value;
    return this;
  }

  enable(name: string): this {
    return this.set(name, true);
  }

  disable(name: string): this {
    return this.set(name, false);
  }

  // The server

  initHttpServer(options?: NestApplicationOptions): void {
    this.httpServer = createServer(this.pipeline.listener, this.settings, options?.httpsOptions);
    this.refusesOnClosing = options?.return503OnClosing === true;
    this.connections = new Connections(this.httpServer, options?.forceCloseConnections === true);
  }

  /** Listens as Node's servers do: on a port, or the path of a Unix socket. */
  override listen(port: string | number, ...args: unknown[]): KoaServer {
    return this.httpServer.listen(port as number, ...(args as []));
  }

  /** From here on new requests get 503, if the application was created with `return503OnClosing`. */
  override beforeClose(): void {
    this.pipeline.isRefusing = this.refusesOnClosing;
  }

  /** Stops listening, and resolves when the open requests are answered. */
  close(): Promise<void> | undefined {
    this.beforeClose();
    this.connections?.close();
    if ((this.httpServer as KoaServer | undefined) === undefined) return undefined;
    return new Promise((resolve) => this.httpServer.close(() => resolve()));
  }
}

function isKoa(value: unknown): value is Koa {
  const { middleware, use, createContext } = Object(value) as Record<string, unknown>;
  return (
    Array.isArray(middleware) && typeof use === 'function' && typeof createContext === 'function'
  );
}

function createKoa(options: KoaAdapterOptions): Koa {
  if (typeof options !== 'object') {
    throw new AdapterError(
      `new KoaAdapter() takes a Koa application or options, received ${typeName(options)}`,
    );
  }
  const { caseSensitive, strict, queryParser, server, http2, ...koaOptions } = options;
  void [caseSensitive, strict, queryParser, server, http2];
  return new Koa(koaOptions as ConstructorParameters<typeof Koa>[0]) as Koa;
}
