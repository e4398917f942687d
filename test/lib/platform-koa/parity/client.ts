import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import type { ParityRequest } from './requests.js';

/** What came back. */
export interface Answer {
  status: number | 'cut off';
  message: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Sends one request on a connection of its own, with nothing added to it. */
export function send(app: INestApplication, sent: ParityRequest): Promise<Answer> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const { path, method = 'GET', headers = {}, body, chunked } = sent;
  const length =
    body !== undefined && !chunked ? { 'content-length': Buffer.byteLength(body) } : {};
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        path,
        method,
        headers: { host: 'localhost', ...headers, ...length },
        agent: false,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        const finish = (isCut: boolean) => {
          resolve({
            status: isCut ? 'cut off' : (incoming.statusCode ?? 0),
            message: incoming.statusMessage ?? '',
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString('latin1'),
          });
        };
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => finish(false));
        incoming.on('error', () => finish(true));
      },
    );
    outgoing.setTimeout(5000, () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)));
    outgoing.on('error', reject);
    if (chunked && body !== undefined) outgoing.write(body);
    outgoing.end(chunked ? undefined : body);
  });
}
