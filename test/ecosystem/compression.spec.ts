import { request } from 'node:http';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { Controller, Get, StreamableFile } from '@nestjs/common';
import compression from 'compression';
import compress from 'koa-compress';
import type { NestKoaApplication } from '../../lib/platform-koa/index.js';
import { Session } from '../../src/index.js';
import { sessions, start } from './application.js';

const TEXT = 'a line that repeats\n'.repeat(500);

@Controller()
class FilesController {
  @Get('text')
  text(@Session() session: Session & { texts?: number }): string {
    session.texts = (session.texts ?? 0) + 1;
    return TEXT;
  }

  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(Readable.from([Buffer.from(TEXT)]), { type: 'text/plain' });
  }

  @Get('small')
  small(): string {
    return 'small';
  }
}

interface Answer {
  encoding: string | undefined;
  cookies: number;
  text: string;
}

/** `fetch` would hide the encoding's work. */
function get(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { 'accept-encoding': 'gzip' }, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        const encoding = res.headers['content-encoding'];
        const bytes = Buffer.concat(chunks);
        const text = encoding === 'gzip' ? gunzipSync(bytes).toString() : bytes.toString();
        resolve({ encoding, cookies: res.headers['set-cookie']?.length ?? 0, text });
      });
    });
    asked.on('error', reject).end();
  });
}

describe.each([
  ['compression', (app: NestKoaApplication) => app.use(compression())],
  ['koa-compress', (app: NestKoaApplication) => app.use(compress({ br: false }))],
])('%s', (_name, configure) => {
  it('compresses what handlers return and stream, and keeps the session cookie', async () => {
    const { url } = await start(
      { imports: [sessions], controllers: [FilesController] },
      { configure },
    );
    expect(await get(`${url}/text`)).toEqual({ encoding: 'gzip', cookies: 2, text: TEXT });
    expect(await get(`${url}/file`)).toEqual({ encoding: 'gzip', cookies: 0, text: TEXT });
    expect(await get(`${url}/small`)).toEqual({ encoding: undefined, cookies: 0, text: 'small' });
  });
});
