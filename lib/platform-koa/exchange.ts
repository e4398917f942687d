import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { SerializeOptions } from 'cookie';
import type Koa from 'koa';
import type { KoaContext } from './context.js';
import type { FileOptions } from './static-assets.js';

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
  /** The Koa application, which knows the settings that `app.set()` has set. */
  readonly app: Koa;
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

/**
 * Cookie attributes as Express has them: `maxAge` in milliseconds, `path` `/` unless given.
 *
 * @publicApi
 */
export interface KoaCookieOptions extends SerializeOptions {
  /** Signs the value with `req.secret`, in the format of cookie-parser. Default: false. */
  signed?: boolean;
}

/**
 * The response that handlers and middleware get: Node's own, with the Koa context attached and
 * the methods that Express users know.
 *
 * `send`, `json`, `sendStatus`, `redirect`, `render` and `sendFile` set the answer on the context
 * and leave the writing to Koa, so middleware that awaits `next()` still sees and changes it.
 * `write`, `end` and `pipe` write at once, past that middleware.
 *
 * @publicApi
 */
export interface KoaResponse extends ServerResponse {
  /** The Koa context of this request. */
  ctx: KoaContext;
  /** The Koa application, which knows the settings that `app.set()` has set. */
  readonly app: Koa;
  /** The same object as `ctx.state`, and the variables of a view. */
  locals: Record<string, unknown>;
  /** Sets the status code. */
  status(code: number): this;
  /** Sets a header, or several; a content type gets its charset. */
  set(name: string, value: unknown): this;
  set(headers: Record<string, unknown>): this;
  /** The same as `set`. */
  header(name: string, value: unknown): this;
  header(headers: Record<string, unknown>): this;
  /** A header that was set. */
  get(name: string): OutgoingHttpHeader | undefined;
  /** Adds a value to a header. */
  append(name: string, value: string | readonly string[]): this;
  /** Sets the content type, from a media type, a file extension or a short name. */
  type(type: string): this;
  /** The same as `type`. */
  contentType(type: string): this;
  /** Adds a field to `Vary`. */
  vary(field: string | string[]): this;
  /** Sets `Location`. */
  location(url: string): this;
  /** Adds URLs to `Link`, by their relation: `{ next: '/users?page=2' }`. */
  links(links: Record<string, string | readonly string[]>): this;
  /** Answers with text, bytes, or anything else as JSON. */
  send(body?: unknown): this;
  /** Answers with JSON. */
  json(body: unknown): this;
  /** Answers with a status and its name. */
  sendStatus(code: number): this;
  /** Answers in the format that the client likes best; 406 where there is none and no `default`. */
  format(formats: ResponseFormats): this;
  /** Answers with a redirect, 302 unless a status is given. */
  redirect(url: string): void;
  redirect(status: number, url: string): void;
  /** Answers with a rendered view, or hands the text to the callback. */
  render(view: string, callback: ViewCallback): void;
  render(view: string, options?: Record<string, unknown>, callback?: ViewCallback): void;
  /** Answers with a file: an absolute path, or one below `options.root`. */
  sendFile(path: string, callback?: FileCallback): void;
  sendFile(path: string, options?: SendFileOptions | null, callback?: FileCallback): void;
  /** As `sendFile`, for the client to save under `name`. */
  download(path: string, callback?: FileCallback): void;
  download(path: string, options: string | SendFileOptions, callback?: FileCallback): void;
  download(
    path: string,
    name: string | undefined,
    options: SendFileOptions,
    callback?: FileCallback,
  ): void;
  /** Tells the client to save the answer, under `name` if given. */
  attachment(name?: string): this;
  /** Sets a cookie. */
  cookie(name: string, value: unknown, options?: KoaCookieOptions): this;
  /** Makes the client forget a cookie; `path` and `domain` must be those it was set with. */
  clearCookie(name: string, options?: KoaCookieOptions): this;
}

/** What `res.format()` takes: by content type or extension, what answers in it. @publicApi */
export type ResponseFormats = Record<string, (req: KoaRequest, res: KoaResponse) => unknown>;

/** Gets the rendered text, or what went wrong. @publicApi */
export type ViewCallback = (error: unknown, text?: string) => void;

/** What `res.sendFile()` takes beside the path. @publicApi */
export interface SendFileOptions extends FileOptions {
  /** The folder that the path is looked for in. Default: none; then the path is absolute. */
  root?: string;
  /** The first byte that is sent. Default: 0. */
  start?: number;
  /** The last byte that is sent. Default: the file's last. */
  end?: number;
  /** Headers to send with the file. */
  headers?: Record<string, string | string[]>;
}

/** Called when a file was sent, with an error when it was not. @publicApi */
export type FileCallback = (error?: Error) => void;
