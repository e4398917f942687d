import 'reflect-metadata';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Controller, Get, Module, Res, Sse, StreamableFile } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { finalize, interval, map } from 'rxjs';
import { KoaAdapter, fromConnect } from '../../../lib/platform-koa/index.js';
import type {
  KoaContext,
  KoaResponse,
  NestKoaApplication,
} from '../../../lib/platform-koa/index.js';
import { BodyController } from './body.controller.js';
import { isNest12 } from './parity/platforms.js';

const streams: Readable[] = [];
const responses: KoaResponse[] = [];
const unwound: string[] = [];
const told: unknown[] = [];
const folder = mkdtempSync(join(tmpdir(), 'bad-input-'));
const large = join(folder, 'large.bin');
writeFileSync(large, Buffer.alloc(32 * 1024 * 1024));

@Controller()
class BadController {
  @Get('endless') endless() {
    const stream = new Readable({ read() {} });
    stream.push('first bytes');
    streams.push(stream);
    return new StreamableFile(stream);
  }
  @Get('never') never(@Res() res: KoaResponse) {
    responses.push(res);
  }
  @Get('rejects-late') async rejectsLate(@Res() res: KoaResponse) {
    res.send('answered');
    await new Promise((resolve) => setTimeout(resolve, 1));
    throw new Error('after the answer');
  }
  @Get('end-twice') endTwice(@Res() res: KoaResponse) {
    res.end('once');
    res.end('twice');
    res.write('and again');
  }
  @Get('large-file') async largeFile(@Res() res: KoaResponse) {
    const error = await new Promise((resolve) => res.sendFile(large, resolve));
    told.push((error as { code?: string } | undefined)?.code);
  }
  @Sse('events') events() {
    return interval(1).pipe(
      map((n) => ({ data: String(n) })),
      finalize(() => told.push('unsubscribed')),
    );
  }
  @Get('generator') async *generator() {
    try {
      for (;;) {
        yield 'x'.repeat(1000);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      told.push('generator left');
    }
  }
  @Get('web-stream') webStream() {
    let isCancelled = false;
    return new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (!isCancelled) controller.enqueue(Buffer.alloc(1000));
      },
      cancel() {
        isCancelled = true;
        told.push('stream cancelled');
      },
    });
  }
  @Get('ok') ok() {
    return 'ok';
  }
}

@Module({ controllers: [BodyController, BadController] })
class BadModule {}

describe('KoaAdapter and bad input', () => {
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => failures.push(error);
  const sockets = new Set<Socket>();
  let app: NestKoaApplication;
  let port: number;

  beforeAll(async () => {
    process.on('unhandledRejection', onFailure);
    process.on('uncaughtException', onFailure);
    app = await NestFactory.create<NestKoaApplication>(BadModule, new KoaAdapter(), {
      logger: false,
    });
    app.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
      try {
        await next();
      } finally {
        unwound.push(ctx.path);
      }
    });
    app.use('/next-twice', (_req: unknown, _res: unknown, next: () => void) => {
      next();
      next();
    });
    app.use('/koa-next-twice', async (_ctx: KoaContext, next: () => Promise<unknown>) => {
      await next();
      await next();
    });
    app.use(
      '/rejects-after-next',
      fromConnect(async (_req, _res, next) => {
        next();
        await Promise.resolve();
        throw new Error('nobody waits for this');
      }),
    );
    app.use(
      '/throws-nothing',
      fromConnect(() => Promise.reject(undefined)),
    );
    await app.listen(0, '127.0.0.1');
    app.getHttpServer().on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    port = (app.getHttpServer().address() as AddressInfo).port;
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await app.close();
    process.off('unhandledRejection', onFailure);
    process.off('uncaughtException', onFailure);
  });

  afterEach(async () => {
    // Whatever was sent, the server goes on.
    const response = await fetch(`http://127.0.0.1:${port}/ok`, {
      headers: { connection: 'close' },
    });
    expect(await response.text()).toBe('ok');
    expect(failures).toEqual([]);
  });

  async function open(text: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    socket.write(text.replaceAll('\n', '\r\n'));
    return socket;
  }

  async function until(isTrue: () => boolean): Promise<void> {
    for (let tries = 0; tries < 500 && !isTrue(); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(isTrue()).toBe(true);
  }

  it('closes the source of a stream whose client has left', async () => {
    const socket = await open('GET /endless HTTP/1.1\nhost: x\n\n');
    await once(socket, 'data');
    socket.destroy();
    await until(() => streams.length === 1 && streams[0]!.destroyed);
    await until(() => unwound.includes('/endless'));
  });

  it.each([
    ['/large-file', 'ECONNABORTED'],
    ['/events', 'unsubscribed'],
    // Nest 11 sends neither of these as a stream.
    ...(isNest12
      ? [
          ['/generator', 'generator left'],
          ['/web-stream', 'stream cancelled'],
        ]
      : []),
  ])('tells the source of %s that its client has left: %s', async (path, what) => {
    told.length = 0;
    const socket = await open(`GET ${path} HTTP/1.1\nhost: x\n\n`);
    await once(socket, 'data');
    expect(told).toEqual([]);
    socket.destroy();
    await until(() => told.length > 0);
    expect(told).toEqual([what]);
    await until(() => unwound.includes(path));
  });

  it('gives up a request that is never answered when its client leaves', async () => {
    const socket = await open('GET /never HTTP/1.1\nhost: x\n\n');
    await until(() => responses.length === 1);
    expect(unwound).not.toContain('/never');
    socket.destroy();
    await until(() => unwound.includes('/never'));
    // Too late an answer harms nobody.
    responses[0]!.send('too late');
  });

  it('gives up an upload whose client has left', async () => {
    const head = 'content-type: multipart/form-data; boundary=b\ncontent-length: 10000\n\n';
    const part = '--b\ncontent-disposition: form-data; name="f"; filename="f"\n\nhalf a file';
    const socket = await open(`POST /upload HTTP/1.1\nhost: x\n${head}${part}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    await until(() => unwound.includes('/upload'));
  });

  it('gives up a body whose client has left', async () => {
    const head = 'content-type: application/json\ncontent-length: 10000\n\n';
    const socket = await open(`POST /body HTTP/1.1\nhost: x\n${head}{"half":`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    await until(() => unwound.includes('/body'));
  });

  it('leaves no connection open behind clients that left', async () => {
    await until(() => sockets.size === 0);
  });

  it.each([
    ['/next-twice', 404],
    ['/koa-next-twice', 500],
    ['/rejects-after-next', 404],
    ['/throws-nothing', 500],
    ['/rejects-late', 200],
    ['/end-twice', 200],
  ])('answers %s once, with %i', async (path, status) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { connection: 'close' },
    });
    expect(response.status).toBe(status);
    await response.text();
  });

  it('answers every request of a pipelined connection, in order', async () => {
    const get = (path: string) => `GET ${path} HTTP/1.1\nhost: x\n\n`;
    const socket = await open(
      `${get('/ok')}${get('/missing')}GET /ok HTTP/1.1\nhost: x\nconnection: close\n\n`,
    );
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    await once(socket, 'close');
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
  });
});
