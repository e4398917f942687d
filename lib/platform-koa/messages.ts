import { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import type { KoaContext } from './context.js';
import { requestMembers } from './request.js';
import type { KoaRequest } from './exchange.js';
import { responseMembers } from './response.js';
import type { KoaResponse } from './exchange.js';
import { isStrayEnd } from './answer.js';

const logger = new Logger('KoaAdapter');

/** Ends a response with a body, past its own `write` and `end`. */
const END_WITH = Symbol('end with');

/** Node's classes with the adapter's members, for the servers that the adapter creates. */
class HttpRequest extends IncomingMessage {}
class HttpResponse extends ServerResponse {
  /** A bare `end()` after `res.json()` is no second answer, and must not cut the first one off. */
  override end(...args: never[]): this {
    if (isStrayEnd(this, args[0]) || this.isTooLate(args)) return this;
    return super.end(...(args as []));
  }

  override write(...args: never[]): boolean {
    return this.isTooLate(args) ? false : super.write(...(args as unknown as [string]));
  }

  [END_WITH](socket: Socket, body: string | Buffer, encoding: 'latin1' | 'utf8'): void {
    // Node's `end(body)` sends two pieces, of which the second is empty and tells that all has left.
    // A body that the socket has taken before costs it one, and a twentieth of a small request less.
    socket.cork();
    try {
      super.write(body, encoding);
    } finally {
      socket.uncork();
    }
    super.end();
  }

  /** Node raises an error for bytes behind the end, which would end the process if nobody listens. */
  private isTooLate(args: readonly unknown[]): boolean {
    const [chunk] = args;
    if (!this.writableEnded || chunk === undefined || chunk === null) return false;
    if (typeof chunk === 'function' || this.listenerCount('error') > 0) return false;
    logger.error('An answer was written to after its end: what came too late is left out');
    return true;
  }
}

const { end, write } = HttpResponse.prototype;
const OWN = { end, write };
const NODES = { end: OutgoingMessage.prototype.end, write: OutgoingMessage.prototype.write };

class SecureRequest extends Http2ServerRequest {}
class SecureResponse extends Http2ServerResponse {}

Object.defineProperties(HttpRequest.prototype, requestMembers);
Object.defineProperties(HttpResponse.prototype, responseMembers);
Object.defineProperties(SecureRequest.prototype, requestMembers);
Object.defineProperties(SecureResponse.prototype, responseMembers);

/** The classes that a server of the adapter makes requests and responses from. @internal */
export const http1Messages = { IncomingMessage: HttpRequest, ServerResponse: HttpResponse };

/** As {@link http1Messages}, for HTTP/2 servers and their HTTP/1 fallback. @internal */
export const http2Messages = {
  Http1IncomingMessage: HttpRequest,
  Http1ServerResponse: HttpResponse,
  Http2ServerRequest: SecureRequest,
  Http2ServerResponse: SecureResponse,
};

/** Prototypes with the members, by the prototype they extend. */
const extended = new WeakMap<object, object>();

/**
 * Joins a context with its request and response. Those of a foreign server (a plain
 * `http.createServer(koa.callback())`, an injected request) get the members first.
 *
 * @internal
 */
export function attach(ctx: KoaContext): void {
  const req = ctx.req as KoaRequest;
  const res = ctx.res as KoaResponse;
  if (!(req instanceof HttpRequest)) {
    extend(req, requestMembers, 'accepts');
    if (req.httpVersionMajor > 1) announceBody(req as unknown as Http2ServerRequest);
  }
  if (!(res instanceof HttpResponse)) {
    extend(res, responseMembers, 'sendStatus');
    // The response of a wrapper for serverless functions knows no more of its request than the method.
    if (res.req !== req) (res as { req: IncomingMessage }).req = req;
  }
  req.ctx = ctx;
  res.ctx = ctx;
}

/**
 * Ends an answer that has no more than this body, text or bytes. Who has wrapped the response's
 * `end` or `write` sees the body there, and so does a response that waits for its turn on the
 * connection.
 *
 * @internal
 */
export function endWith(res: ServerResponse, body: string | Buffer): void {
  const { socket } = res;
  const length = res.getHeader('Content-Length');
  // Node sends the head in the encoding of the text beside it. For ASCII all are the same.
  const isAscii = typeof body === 'string' && Number(length) === body.length;
  // What is written without its length can only be sent in chunks.
  if (isUnwrapped(res) && socket !== null && body.length > 0 && length !== undefined) {
    if (isAscii) res[END_WITH](socket, body, 'latin1');
    else res[END_WITH](socket, besideHead(res, body), 'utf8');
  } else {
    res.end(besideHead(res, body));
  }
}

/** A body beside which Node sends the head as Latin-1, also where it is not all ASCII. */
function besideHead(res: ServerResponse, body: string | Buffer): string | Buffer {
  return typeof body === 'string' && body !== '' && hasHeadBeyondAscii(res)
    ? Buffer.from(body)
    : body;
}

/** Whether a header or the status text has letters that Latin-1 and UTF-8 send differently. @internal */
export function hasHeadBeyondAscii(res: ServerResponse): boolean {
  if (BEYOND_ASCII.test(res.statusMessage)) return true;
  return Object.values(res.getHeaders()).some((value) => BEYOND_ASCII.test(String(value)));
}

const BEYOND_ASCII = /[^\t -~]/;

/** Whether nobody has put an `end` or `write` of his own before the adapter's or before Node's. */
function isUnwrapped(res: ServerResponse): res is HttpResponse {
  return (
    res instanceof HttpResponse &&
    res.end === OWN.end &&
    res.write === OWN.write &&
    ServerResponse.prototype.end === NODES.end &&
    ServerResponse.prototype.write === NODES.write
  );
}

/** Whether a request came over HTTP/1 to a server of the adapter. @internal */
export function isOfAdapter(ctx: KoaContext): boolean {
  return ctx.req instanceof HttpRequest && ctx.res instanceof HttpResponse;
}

/**
 * HTTP/2 has no header for a body of unknown length, and all that parses bodies looks for the one
 * of HTTP/1.
 */
function announceBody({ headers, stream }: Http2ServerRequest): void {
  if (headers['content-length'] !== undefined || stream.endAfterHeaders) return;
  headers['transfer-encoding'] = 'chunked';
}

function extend(target: object, members: PropertyDescriptorMap, sign: string): void {
  if (sign in target) return;
  const base = Object.getPrototypeOf(target) as object;
  let prototype = extended.get(base);
  if (prototype === undefined) {
    prototype = Object.create(base, members) as object;
    extended.set(base, prototype);
  }
  Object.setPrototypeOf(target, prototype);
}
