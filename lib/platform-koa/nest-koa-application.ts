import type { Server } from 'node:http';
import type { INestApplication, HttpServer } from '@nestjs/common';
import type Koa from 'koa';
import type { BodyParserOptions, BodyParserType } from './body-parser.js';
import type { KoaMiddleware } from './context.js';
import type { AnyMiddleware } from './middleware-kind.js';
import type { KoaRequest, KoaResponse } from './exchange.js';
import type { RoutePath } from './route-path.js';
import type { ServeStaticOptions } from './static-assets.js';
import type { ViewEngine } from './views.js';

/**
 * A Nest application on Koa: what `NestFactory.create<NestKoaApplication>(AppModule, new
 * KoaAdapter())` gives. Its server is named where it is not Node's for HTTP/1:
 * `NestKoaApplication<Http2SecureServer>`.
 *
 * @publicApi
 */
export interface NestKoaApplication<TServer = Server> extends INestApplication<TServer> {
  /** The adapter. */
  getHttpAdapter(): HttpServer<KoaRequest, KoaResponse, Koa>;
  /** Adds Koa middleware; of what is written in place, the types of its parameters are known. */
  use(...middleware: KoaMiddleware[]): this;
  /** Adds Koa middleware for a path and all below it. */
  use(path: RoutePath, ...middleware: KoaMiddleware[]): this;
  /** Adds middleware: Koa's, Express's, or Express's for errors. */
  use(...middleware: (AnyMiddleware | readonly AnyMiddleware[])[]): this;
  /** Adds middleware for a path and all below it. */
  use(path: RoutePath, ...middleware: (AnyMiddleware | readonly AnyMiddleware[])[]): this;
  /** Adds a parser of the package body-parser; `rawBody` is kept as the application asks. */
  useBodyParser(type: BodyParserType, options?: BodyParserOptions): this;
  /** Serves the files of a folder, below `prefix` if given. */
  useStaticAssets(path: string, options?: ServeStaticOptions): this;
  /** Sets the folder or folders that views are looked for in. */
  setBaseViewsDir(path: string | string[]): this;
  /** Sets the engine of views that are named without an extension. */
  setViewEngine(engine: string): this;
  /** Renders files of an extension with an engine. */
  engine(extension: string, engine: ViewEngine): this;
  /** Sets a variable that every view sees. */
  setLocal(key: string, value: unknown): this;
  /** Sets one of Express's settings for views, or `trust proxy`. */
  set(name: string, value: unknown): this;
  /** Sets a setting to true. */
  enable(name: string): this;
  /** Sets a setting to false. */
  disable(name: string): this;
}
