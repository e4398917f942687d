import { join } from 'node:path';
import { Controller, Get, Next, Param, Res } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { KoaRequest, KoaResponse } from '../../../../lib/platform-koa/index.js';
import type { ParityRequest } from './requests.js';

const assets = join(import.meta.dirname, 'assets');
const note = join(assets, 'note.txt');
const missing = join(assets, 'nothing.txt');

type Pass = (error?: unknown) => void;

function sent(res: KoaResponse, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    res.sendFile(path, (error) => (error ? reject(error) : resolve()));
  });
}

@Controller('files')
class FilesController {
  @Get('awaited') async awaited(@Res() res: KoaResponse) {
    await sent(res, note);
  }
  @Get('awaited-download') async awaitedDownload(@Res() res: KoaResponse) {
    await new Promise<void>((resolve) => res.download(note, 'saved.pdf', () => resolve()));
  }
  @Get('awaited-missing') async awaitedMissing(@Res() res: KoaResponse) {
    await sent(res, missing);
  }
  @Get('awaited-then-answered') async awaitedThenAnswered(@Res() res: KoaResponse) {
    await sent(res, missing).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2));
    res.status(404).json({ after: 'waiting' });
  }
  @Get('download') download(@Res() res: KoaResponse) {
    res.download(note);
  }
  @Get('download-callback') downloadCallback(@Res() res: KoaResponse) {
    res.download(note, () => undefined);
  }
  @Get('download-options') downloadOptions(@Res() res: KoaResponse) {
    res.download('note.txt', { root: assets, headers: { 'x-sent': 'file' } });
  }
  @Get('download-missing') downloadMissing(@Res() res: KoaResponse) {
    res.download(missing, 'report.pdf', () => {
      res.status(404).send('no such report');
    });
  }
  @Get('download-named/:name') downloadNamed(@Res() res: KoaResponse, @Param('name') name: string) {
    res.download(note, name);
  }
  @Get('attachment/:name') attachment(@Res() res: KoaResponse, @Param('name') name: string) {
    res.attachment(name).send('attached');
  }
  @Get('missing') missing(@Res() res: KoaResponse) {
    res.sendFile(missing);
  }
  @Get('above-root') aboveRoot(@Res() res: KoaResponse) {
    res.sendFile('../client.ts', { root: assets });
  }
  @Get('null-byte') nullByte(@Res() res: KoaResponse) {
    res.sendFile('note\0.txt', { root: assets });
  }
  @Get('folder') folder(@Res() res: KoaResponse) {
    res.sendFile(assets);
  }
  @Get('folder-callback') folderCallback(@Res() res: KoaResponse) {
    res.sendFile(assets, (error) => res.send((error as { code?: string } | undefined)?.code));
  }
  @Get('callback-status') callbackStatus(@Res() res: KoaResponse) {
    res.sendFile(missing, (error) => {
      res.status((error as { status?: number } | undefined)?.status ?? 200).end();
    });
  }
  @Get('callback-late') callbackLate(@Res() res: KoaResponse) {
    res.sendFile(missing, () => {
      setTimeout(() => res.status(404).send('late'), 2);
    });
  }
  @Get('callback-other') callbackOther(@Res() res: KoaResponse) {
    res.sendFile(missing, () => res.sendFile(note));
  }
  @Get('callback-redirect') callbackRedirect(@Res() res: KoaResponse) {
    res.sendFile(missing, () => res.redirect('/elsewhere'));
  }
  @Get('callback-next') callbackNext(@Res() res: KoaResponse, @Next() next: Pass) {
    res.sendFile(missing, (error) => next(error));
  }
}

export const controllers = [FilesController];

/** Middleware that answers with a file, or lets others answer where there is none. */
export function useFiles(app: INestApplication): void {
  app.use('/files-or-error', (_req: KoaRequest, res: KoaResponse, next: Pass) => {
    res.sendFile(missing, (error) => next(error));
  });
  app.use('/files-or-next', (_req: KoaRequest, res: KoaResponse, next: Pass) => {
    res.sendFile(missing, () => next());
  });
  app.use('/files-or-next', (_req: KoaRequest, res: KoaResponse, _next: Pass) => {
    res.json({ by: 'the next' });
  });
  app.use('/files-or-nothing', (_req: KoaRequest, res: KoaResponse, next: Pass) => {
    res.sendFile(missing, () => next());
  });
  app.use('/files-rejected', async (_req: KoaRequest, res: KoaResponse, _next: Pass) => {
    await sent(res, missing);
  });
}

const names = [
  ...['awaited', 'awaited-download', 'awaited-missing', 'awaited-then-answered', 'download'],
  ...['download-callback', 'download-options', 'download-missing', 'missing', 'above-root'],
  ...['null-byte', 'folder', 'folder-callback', 'callback-status', 'callback-late'],
  ...['callback-other', 'callback-redirect', 'callback-next'],
];
// Latin-1, beyond it, beyond the first plane, quotes, and an escape that is none.
const fileNames = [
  'plain.txt',
  'ü.txt',
  'Ÿ 日本.pdf',
  '😀.txt',
  'say "é".csv',
  '100%25.txt',
  'a%20b.txt',
];
const conditional = ['awaited', 'awaited-download', 'awaited-missing'];

export const requests: readonly ParityRequest[] = [
  ...names.map((name) => ({ path: `/files/${name}` })),
  ...['error', 'next', 'nothing'].map((name) => ({ path: `/files-or-${name}` })),
  { path: '/files-rejected' },
  ...fileNames.flatMap((name) => [
    { path: `/files/download-named/${encodeURIComponent(name)}` },
    { path: `/files/attachment/${encodeURIComponent(name)}` },
  ]),
  ...conditional.flatMap((name) => [
    { path: `/files/${name}`, method: 'HEAD' },
    {
      path: `/files/${name}`,
      headers: { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
    },
  ]),
];
