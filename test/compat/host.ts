import { once } from 'node:events';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where the frozen clock starts: 14 November 2023. */
export const START = 1_700_000_000_000;

/** One server for all worlds of a test file: worlds take turns, a request at a time. */
export class Host {
  #server: Server | undefined;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  listener: RequestListener = (_request, response) => response.end();

  async open(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.listener(request, response);
    }).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    const server = this.#server as Server;
    this.#agent.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  get(
    headers: Record<string, string>,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
    const { port } = this.#server?.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        { host: '127.0.0.1', port, agent: this.#agent, headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const body = Buffer.concat(chunks).toString();
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
          });
          response.on('error', reject);
        },
      );
      sent.setTimeout(10_000, () => sent.destroy(new Error('no answer within 10 s')));
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // An answer that the server tore down is an answer too.
        if (error.code === 'ECONNRESET')
          resolve({ status: 0, headers: {}, body: 'connection reset' });
        else reject(error);
      });
      sent.end();
    });
  }
}

const realNow = Date.now;

/** The clock that both engines read; nothing else moves it. */
export const clock = {
  now: START,
  freeze(): void {
    Date.now = () => clock.now;
  },
  release(): void {
    Date.now = realNow;
  },
};
