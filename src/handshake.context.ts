import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type Koa from 'koa';
import type { Context } from 'koa';
import { SessionStateError } from '../lib/session/index.js';

interface Handshake {
  koa: Koa;
  request: IncomingMessage;
}

/** The handshakes of open WebSockets, by their network socket. */
const handshakes = new WeakMap<object, Handshake>();
/** The context that a client's messages share for the moment. */
const contexts = new WeakMap<object, Context>();
let latest: WeakRef<Koa> | undefined;

/**
 * Notes the requests that WebSockets begin with, which Node tells once and never again: before
 * anybody else, and only while somebody else listens. A server that has a listener leaves each
 * request that wants another protocol to it, answered by nobody if that only takes notes.
 *
 * @internal
 */
export function followUpgrades(server: Server, koa: Koa): void {
  const note = (request: IncomingMessage, socket: object) => {
    handshakes.set(socket, { koa, request });
  };
  let isListening = false;
  const listen = () => {
    if (isListening) return;
    isListening = true;
    server.prependListener('upgrade', note);
  };
  server.on('newListener', (event) => {
    if (event === 'upgrade') listen();
  });
  server.on('removeListener', (event) => {
    if (event !== 'upgrade' || !isListening) return;
    if (server.listeners('upgrade').some((listener) => listener !== note)) return;
    isListening = false;
    server.removeListener('upgrade', note);
  });
  if (server.listenerCount('upgrade') > 0) listen();
}

/** The application whose gateways may listen on ports of their own. @internal */
export function rememberApplication(koa: Koa): void {
  latest = new WeakRef(koa);
}

/**
 * Tells which request a WebSocket client began with. Needed only for gateways of
 * `@nestjs/platform-ws` that listen on a port of their own; on the application's port, and with
 * socket.io, the handshake is known.
 *
 * @example
 * ```ts
 * handleConnection(client: WebSocket, request: IncomingMessage) {
 *   rememberHandshake(client, request);
 * }
 * ```
 * @publicApi
 */
export function rememberHandshake(client: object, request: IncomingMessage): void {
  const koa = latest?.deref();
  if (koa !== undefined) handshakes.set(client, { koa, request });
}

/**
 * A Koa context of the request that a WebSocket client began with: for one message, since a
 * session that ended after the handshake must be seen to have ended. What handles the same message
 * shares it.
 *
 * @throws SessionStateError ERR_SESSION_NOT_INSTALLED when the handshake is not known.
 * @internal
 */
export function handshakeContext(client: object): Context {
  const shared = contexts.get(client);
  if (shared !== undefined) return shared;
  const { koa, request } = handshakeOf(client);
  const ctx = contextOf(koa, request);
  contexts.set(client, ctx);
  return ctx;
}

/** From the next message on, the client's session is loaded again. @internal */
export function releaseContext(client: object): void {
  // Guards and parameters of one message follow each other without waiting for the event loop.
  setImmediate(() => contexts.delete(client));
}

/** A Koa context of a request that was answered long ago, by the switch of protocols. */
function contextOf(koa: Koa, request: IncomingMessage): Context {
  const response = new ServerResponse(request);
  Object.defineProperty(response, 'headersSent', { value: true });
  const ctx = koa.createContext(request, response);
  ctx.respond = false;
  return ctx as unknown as Context;
}

/** A Koa context for what no request is behind. @internal */
export function detachedContext(koa: Koa): Context {
  return contextOf(koa, new IncomingMessage(new Socket()));
}

function handshakeOf(client: object): Handshake {
  const { _socket, request } = client as { _socket?: object; request?: IncomingMessage };
  const known = handshakes.get(client) ?? (_socket && handshakes.get(_socket));
  if (known !== undefined) return known;
  const koa = latest?.deref();
  if (request?.headers !== undefined && koa !== undefined) {
    const handshake = { koa: serverOf(request) ?? koa, request };
    handshakes.set(client, handshake);
    return handshake;
  }
  throw new SessionStateError(
    'ERR_SESSION_NOT_INSTALLED',
    'the handshake of this WebSocket is not known: in a gateway with a port of its own, call rememberHandshake(client, request) in handleConnection()',
  );
}

const applications = new WeakMap<object, Koa>();

/** Which application a Node server belongs to. @internal */
export function rememberServer(server: object, koa: Koa): void {
  applications.set(server, koa);
}

/** With socket.io the server, and so the application, is found by the network socket. */
function serverOf(request: IncomingMessage): Koa | undefined {
  const { server } = request.socket as { server?: object };
  return server === undefined ? undefined : applications.get(server);
}
