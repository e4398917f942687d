import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { NestApplicationOptions } from '@nestjs/common';
import { http1Messages, http2Messages } from './messages.js';
import type { KoaAdapterOptions } from './options.js';

/** The servers that the adapter creates. @publicApi */
export type KoaServer = http.Server | https.Server | http2.Http2Server | http2.Http2SecureServer;

type Listener = (req: http.IncomingMessage, res: http.ServerResponse) => unknown;

/**
 * Creates Node's server for the application, with requests and responses that have the adapter's
 * members from the start.
 *
 * @internal
 */
export function createServer(
  listener: Listener,
  options: KoaAdapterOptions,
  secure: NestApplicationOptions['httpsOptions'],
): KoaServer {
  const { http2: wanted, server = {} } = options;
  if (wanted !== undefined && wanted !== false) {
    const settings = { ...server, ...(wanted === true ? {} : wanted), ...secure, ...http2Messages };
    const handler = listener as never;
    return secure === undefined && !('key' in settings || 'pfx' in settings)
      ? http2.createServer(settings as http2.ServerOptions, handler)
      : http2.createSecureServer(
          { allowHTTP1: true, ...settings } as http2.SecureServerOptions,
          handler,
        );
  }
  if (secure !== undefined) {
    const settings = { ...server, ...secure, ...http1Messages };
    return https.createServer(settings as https.ServerOptions, listener as never);
  }
  return http.createServer(
    { ...server, ...http1Messages } as http.ServerOptions,
    listener as never,
  );
}

/**
 * The open connections of a server, for closing them with it. HTTP/2 sessions are always known,
 * since `server.close()` waits for them for ever.
 *
 * @internal
 */
export class Connections {
  private readonly sockets = new Set<Duplex>();
  private readonly sessions = new Set<http2.ServerHttp2Session>();

  constructor(server: KoaServer, isForced: boolean) {
    if (isForced) {
      server.on('connection', (socket: Duplex) => {
        this.sockets.add(socket);
        socket.once('close', () => this.sockets.delete(socket));
      });
    }
    server.on('session', (session: http2.ServerHttp2Session) => {
      this.sessions.add(session);
      session.once('close', () => this.sessions.delete(session));
    });
  }

  /** Lets HTTP/2 sessions end with their streams, and ends at once what was to be forced. */
  close(): void {
    for (const session of this.sessions) session.close();
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }
}
