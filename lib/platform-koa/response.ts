import { createHmac } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
import { basename, extname } from 'node:path';
import { serialize } from 'cookie';
import type { SerializeOptions } from 'cookie';
import { answerDefaults, failAnswer, giveAnswer } from './answer.js';
import { answerInFormat } from './format.js';
import { emptyBody, jsonBody, redirectBody, setLocation, textBody } from './body.js';
import { keepStatus, setStatus } from './context.js';
import type {
  FileCallback,
  KoaRequest,
  KoaResponse,
  SendFileOptions,
  ViewCallback,
} from './exchange.js';
import { download, sendFile, setAttachment } from './send-file.js';
import type { Views } from './views.js';

/** The views of the adapter that serves a request, on the Koa context's prototype. @internal */
export const VIEWS = Symbol('views');

type Members = Omit<KoaResponse, keyof ServerResponse | 'ctx'>;

const members: Members & ThisType<KoaResponse> = {
  get app() {
    return this.ctx.app;
  },
  get locals() {
    return this.ctx.state;
  },
  set locals(locals) {
    this.ctx.state = locals;
  },
  status(code) {
    setStatus(this.ctx, code);
    return this;
  },
  set(name: string | Record<string, unknown>, value?: unknown) {
    if (typeof name === 'string') setHeader(this, name, value);
    else for (const [field, each] of Object.entries(name)) setHeader(this, field, each);
    return this;
  },
  header(name: string | Record<string, unknown>, value?: unknown) {
    return this.set(name as string, value);
  },
  get(name) {
    return this.getHeader(name);
  },
  append(name, value) {
    const before = this.getHeader(name);
    if (before === undefined) return this.set(name, value);
    return this.set(name, [before, value].flat());
  },
  type(type) {
    this.ctx.type = type;
    if (!this.hasHeader('Content-Type')) this.setHeader('Content-Type', 'application/octet-stream');
    return this;
  },
  contentType(type) {
    return this.type(type);
  },
  vary(field) {
    this.ctx.vary(field);
    return this;
  },
  location(url) {
    setLocation(this, url);
    return this;
  },
  links(links) {
    const added = Object.entries(links).flatMap(([rel, urls]) =>
      [urls].flat().map((url) => `<${url}>; rel="${rel}"`),
    );
    const before = this.get('Link');
    return this.set('Link', [...(before === undefined ? [] : [before]), ...added].join(', '));
  },
  format(formats) {
    answerInFormat(this, formats);
    return this;
  },
  send(body) {
    if (typeof body === 'object' && body !== null && !ArrayBuffer.isView(body))
      return this.json(body);
    if (typeof body === 'boolean' || typeof body === 'number') return this.json(body);
    giveAnswer(this);
    keepStatus(this.ctx);
    if (body === undefined || body === null) emptyBody(this.ctx);
    else if (ArrayBuffer.isView(body)) {
      this.ctx.body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    } else textBody(this, String(body));
    return this;
  },
  json(body) {
    giveAnswer(this);
    keepStatus(this.ctx);
    jsonBody(this, body);
    return this;
  },
  sendStatus(code) {
    return this.status(code)
      .type('txt')
      .send(STATUS_CODES[code] ?? String(code));
  },
  redirect(first: string | number, second?: string) {
    const [status, url] = typeof first === 'number' ? [first, String(second)] : [302, first];
    giveAnswer(this);
    redirectBody(this, status, url);
  },
  render(view: string, options?: Record<string, unknown> | ViewCallback, callback?: ViewCallback) {
    const views = this.ctx[VIEWS] as Views;
    const [variables, done] = typeof options === 'function' ? [{}, options] : [options, callback];
    views.renderFor(this, view, variables ?? {}, done).catch((error: unknown) => {
      failAnswer(this, error);
    });
  },
  sendFile(path: string, options?: SendFileOptions | FileCallback | null, callback?: FileCallback) {
    if (typeof options === 'function') sendFile(this, path, {}, options);
    else sendFile(this, path, options ?? {}, callback);
  },
  download(path: string, ...rest: (string | SendFileOptions | FileCallback | null | undefined)[]) {
    const name = rest.find((each) => typeof each === 'string');
    const options = rest.find((each) => typeof each === 'object' && each !== null);
    const callback = rest.find((each) => typeof each === 'function');
    download(this, path, name, (options ?? {}) as SendFileOptions, callback as FileCallback);
  },
  attachment(name) {
    if (name !== undefined) this.type(extname(name));
    setAttachment(this.ctx, name === undefined ? undefined : basename(name));
    return this;
  },
  cookie(name, value, options = {}) {
    const { signed, ...attributes } = options;
    let text = typeof value === 'object' ? `j:${JSON.stringify(value)}` : String(value);
    if (signed === true) text = sign(this, text);
    return this.append('Set-Cookie', serialize(name, text, cookieAttributes(attributes)));
  },
  clearCookie(name, options = {}) {
    const { maxAge: _maxAge, ...attributes } = options;
    return this.cookie(name, '', { ...attributes, expires: new Date(1) });
  },
};

function setHeader(response: KoaResponse, name: string, value: unknown): void {
  const isType = name.toLowerCase() === 'content-type';
  if (isType && typeof value === 'string') response.type(value);
  else response.setHeader(name, Array.isArray(value) ? value.map(String) : String(value));
}

function cookieAttributes(attributes: SerializeOptions): SerializeOptions {
  // An application in JavaScript may well pass null, or a number as text.
  const { maxAge, ...others } = attributes as SerializeOptions & { maxAge?: unknown };
  const path = attributes.path ?? '/';
  if (maxAge === undefined || maxAge === null) return { ...others, path };
  const milliseconds = Number(maxAge);
  if (Number.isNaN(milliseconds)) return { ...attributes, path };
  return {
    ...others,
    path,
    expires: new Date(Date.now() + milliseconds),
    maxAge: Math.floor(milliseconds / 1000),
  };
}

function sign(response: KoaResponse, value: string): string {
  const secret = (response.req as KoaRequest & { secret?: string }).secret;
  if (secret === undefined) {
    throw new Error('Signed cookies need a secret: install cookie-parser with one first');
  }
  const signature = createHmac('sha256', secret).update(value).digest('base64');
  return `s:${value}.${signature.replace(/=+$/, '')}`;
}

/** What a response gets beyond Node's own members. @internal */
export const responseMembers: PropertyDescriptorMap = {
  ...Object.getOwnPropertyDescriptors(answerDefaults),
  ...Object.getOwnPropertyDescriptors(members),
};
