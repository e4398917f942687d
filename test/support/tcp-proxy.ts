import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * A relay in front of a server, that can misbehave as networks do.
 *
 * - `pass`: relays.
 * - `black-hole`: accepts, and passes nothing on, in neither direction.
 * - `reset`: resets every connection.
 * - `drop-reply`: passes the next request on, resets the connection when its answer comes, then
 *   relays again.
 */
export type ProxyMode = 'pass' | 'black-hole' | 'reset' | 'drop-reply';

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #mode: ProxyMode = 'pass';
  /** How often an answer was dropped. */
  dropped = 0;

  private constructor(private readonly target: number) {
    this.#server = createServer((client) => this.#relay(client));
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  set mode(mode: ProxyMode) {
    this.#mode = mode;
    if (mode === 'reset') this.#resetAll();
  }

  /** Leaves the black hole: what it swallowed is lost, so its connections are reset. */
  heal(): void {
    this.#mode = 'pass';
    this.#resetAll();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#resetAll();
    await once(this.#server, 'close');
  }

  #relay(client: Socket): void {
    if (this.#mode === 'reset') {
      client.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    const end = () => {
      for (const socket of [client, server]) {
        this.#sockets.delete(socket);
        socket.resetAndDestroy();
      }
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (bytes) => {
      if (this.#mode !== 'black-hole') server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (this.#mode === 'black-hole') return;
      if (this.#mode !== 'drop-reply') {
        client.write(bytes);
        return;
      }
      this.#mode = 'pass';
      this.dropped++;
      end();
    });
  }

  #resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}
