import 'reflect-metadata';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  Body,
  Controller,
  Get,
  Module,
  Post,
  Res,
  StreamableFile,
  UploadedFile,
  UseInterceptors,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import Koa from 'koa';
import { FileInterceptor, KoaAdapter } from '../../../lib/platform-koa/index.js';
import type {
  KoaResponse,
  NestKoaApplication,
  UploadedFileInfo,
} from '../../../lib/platform-koa/index.js';

const later = () => new Promise((resolve) => setTimeout(resolve, 5));

@Controller()
class ServerlessController {
  @Get('sync') sync() {
    return 'sync';
  }
  @Get('async') async async() {
    await later();
    return 'async';
  }
  @Get('late') late(@Res() res: KoaResponse) {
    void later().then(() => res.send('late'));
  }
  @Get('file') file() {
    return new StreamableFile(Buffer.from('file'));
  }
  @Get('sent') sent(@Res() res: KoaResponse) {
    res.sendFile(fileURLToPath(new URL('parity/assets/note.txt', import.meta.url)));
  }
  @Post('echo') echo(@Body() body: unknown) {
    return body;
  }
  @Post('upload')
  @UseInterceptors(FileInterceptor('f'))
  upload(@UploadedFile() file: UploadedFileInfo | undefined) {
    return file?.buffer.toString();
  }
}

@Module({ controllers: [ServerlessController] })
class ServerlessModule {}

/** What `@codegenie/serverless-express` puts in a socket's place. */
function silentSocket(): unknown {
  return {
    encrypted: true,
    readable: true,
    remoteAddress: '192.0.2.1',
    address: () => ({ port: 443 }),
    end: () => undefined,
    destroy: () => undefined,
  };
}

/** What `serverless-http` does. */
function streamSocket(): unknown {
  return Object.assign(new PassThrough(), { encrypted: true, remoteAddress: '192.0.2.1' });
}

interface Event {
  method: string;
  url: string;
  type?: string;
  body?: string;
}

function requestOf({ method, url, type, body = '' }: Event, socket: unknown): IncomingMessage {
  const request = new IncomingMessage(socket as Socket);
  const length = String(Buffer.byteLength(body));
  const headers = type === undefined ? {} : { 'content-type': type, 'content-length': length };
  const version = { httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 };
  Object.assign(request, version, { complete: true, method, url, headers });
  request._read = () => {
    if (body !== '') request.push(body);
    request.push(null);
  };
  return request;
}

/** As both make it: it knows no request but a method, and writes to what emits nothing. */
function responseOf({ method }: Event, write: (data: string | Buffer) => void): ServerResponse {
  const response = new ServerResponse({ method } as IncomingMessage);
  response.useChunkedEncodingByDefault = false;
  const nothing = () => undefined;
  response.assignSocket({
    _writableState: {},
    writable: true,
    on: nothing,
    removeListener: nothing,
    destroy: nothing,
    cork: nothing,
    uncork: nothing,
    write(data: string | Buffer, encoding: unknown, callback: unknown = encoding) {
      write(data);
      if (typeof callback === 'function') callback();
      return true;
    },
  } as unknown as Socket);
  return response;
}

const form = [
  '--b',
  'content-disposition: form-data; name="f"; filename="f"',
  '',
  'bytes',
  '--b--',
  '',
].join('\r\n');

describe.each([
  ['emits nothing', silentSocket],
  ['is a mere stream', streamSocket],
])('a request without a connection, whose socket %s', (_kind, socket) => {
  let app: NestKoaApplication;
  let handle: (req: IncomingMessage, res: ServerResponse) => unknown;

  beforeAll(async () => {
    const koa = new Koa();
    app = await NestFactory.create<NestKoaApplication>(ServerlessModule, new KoaAdapter(koa), {
      logger: false,
    });
    await app.init();
    handle = koa.callback();
  });
  afterAll(() => app.close());

  async function answerTo(event: Event): Promise<unknown[]> {
    const chunks: Buffer[] = [];
    const response = responseOf(event, (data) => chunks.push(Buffer.from(data)));
    const finished = new Promise((resolve) => response.once('finish', resolve));
    await handle(requestOf(event, socket()), response);
    await finished;
    const text = Buffer.concat(chunks).toString();
    return [response.statusCode, text.slice(text.indexOf('\r\n\r\n') + 4)];
  }

  it.each<[string, number, string]>([
    ['/sync', 200, 'sync'],
    ['/async', 200, 'async'],
    ['/late', 200, 'late'],
    ['/file', 200, 'file'],
    ['/sent', 200, 'a plain file\n'],
    ['/missing', 404, '{"message":"Cannot GET /missing","error":"Not Found","statusCode":404}'],
  ])('is answered: %s', async (url, status, text) => {
    expect(await answerTo({ method: 'GET', url })).toEqual([status, text]);
  });

  it.each([
    ['/echo', 'application/json', '{"a":1}', '{"a":1}'],
    ['/upload', 'multipart/form-data; boundary=b', form, 'bytes'],
  ])('is answered, with a body: %s', async (url, type, body, text) => {
    expect(await answerTo({ method: 'POST', url, type, body })).toEqual([201, text]);
  });
});
