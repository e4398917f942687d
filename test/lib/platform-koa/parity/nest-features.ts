import { createHmac } from 'node:crypto';
import { tmpdir } from 'node:os';
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import * as nest from '@nestjs/common';
import {
  BadRequestException,
  Catch,
  Controller,
  Get,
  Header,
  HttpException,
  Inject,
  Injectable,
  NotFoundException,
  Post,
  Req,
  Res,
  Scope,
  Sse,
  UploadedFile,
  UploadedFiles,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
  Type,
} from '@nestjs/common';
import { BaseExceptionFilter, REQUEST } from '@nestjs/core';
import { catchError, concat, map, of, tap, throwError, timeout } from 'rxjs';
import type { KoaRequest, KoaResponse } from '../../../../lib/platform-koa/index.js';
import { isNest12 } from './platforms.js';
import type { Platform } from './platforms.js';
import type { ParityRequest } from './requests.js';

const assets = join(import.meta.dirname, 'assets');

@Catch(NotFoundException)
class FileFilter implements ExceptionFilter {
  catch(_exception: unknown, host: ArgumentsHost) {
    host.switchToHttp().getResponse<KoaResponse>().sendFile(join(assets, 'index.html'));
  }
}

@Catch(BadRequestException)
class ViewFilter implements ExceptionFilter {
  catch(_exception: unknown, host: ArgumentsHost) {
    host.switchToHttp().getResponse<KoaResponse>().status(400).render('page', { title: 'bad' });
  }
}

@Catch()
class OwnBaseFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost) {
    host.switchToHttp().getResponse<KoaResponse>().setHeader('x-filter', 'base');
    super.catch(exception, host);
  }
}

class TimeoutInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(timeout(5));
  }
}

class HeaderInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const response = context.switchToHttp().getResponse<KoaResponse>();
    return next.handle().pipe(
      tap(() => response.setHeader('x-status', String(response.statusCode))),
      map((value: unknown) => (response.status(203), { value })),
    );
  }
}

class CatchInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(catchError((error: Error) => of({ caught: error.message })));
  }
}

class CacheInterceptor implements NestInterceptor {
  intercept() {
    return of({ cached: true });
  }
}

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    context.switchToHttp().getRequest<KoaRequest & { user?: object }>().user = { id: 1 };
    return true;
  }
}

class AnsweringGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    context.switchToHttp().getResponse<KoaResponse>().status(299).send('by the guard');
    return false;
  }
}

@Injectable({ scope: Scope.REQUEST })
export class RequestHolder {
  constructor(@Inject(REQUEST) readonly request: KoaRequest) {}
}

// Only Nest 12 has them.
const { Cookies = Req, SignedCookies = Req } = nest as unknown as Record<string, typeof Req>;

@Controller('features')
class FeaturesController {
  constructor(@Inject(RequestHolder) private readonly holder: RequestHolder) {}

  @Get('injected') injected(@Req() req: KoaRequest) {
    return this.holder.request === req;
  }
  @Get('timeout') @UseInterceptors(TimeoutInterceptor) async timeout() {
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  @Get('headers-after') @UseInterceptors(HeaderInterceptor) headersAfter() {
    return 1;
  }
  @Get('caught') @UseInterceptors(CatchInterceptor) caught() {
    throw new Error('caught by an interceptor');
  }
  @Get('cached') @UseInterceptors(CacheInterceptor) cached() {
    return 'never';
  }
  @Get('user') @UseGuards(UserGuard) user(@Req() req: KoaRequest & { user?: object }) {
    return req.user;
  }
  @Get('guard-answers') @UseGuards(AnsweringGuard) guardAnswers() {
    return 'never';
  }
  @Get('file-filter') @UseFilters(FileFilter) fileFilter() {
    throw new NotFoundException();
  }
  @Get('view-filter') @UseFilters(ViewFilter) viewFilter() {
    throw new BadRequestException();
  }
  @Get('base-filter') @UseFilters(OwnBaseFilter) baseFilter() {
    throw new HttpException('refused', 402);
  }
  @Get('base-filter-unknown') @UseFilters(OwnBaseFilter) baseFilterUnknown() {
    throw new Error('secret');
  }
  @Get('cookies') cookies(@Cookies() all: object, @SignedCookies() signed: object) {
    return isNest12 ? { all, signed } : {};
  }
  @Get('computed-header') @Header('Cache-Control', () => 'max-age=1') computed() {
    return 'computed';
  }
  @Get('throws-after-headers') throwsAfter(@Res({ passthrough: true }) res: KoaResponse) {
    res.status(201).set('x-kept', 'yes').type('text/csv').cookie('kept', '1');
    throw new HttpException('failed', 400);
  }
  @Get('throws-after-bytes') async throwsAfterBytes(@Res() res: KoaResponse) {
    res.write('some bytes');
    await Promise.resolve();
    throw new Error('late');
  }
  @Get('rejects-with-nothing') async rejects() {
    return Promise.reject(undefined);
  }
  @Get('throws-null') throwsNull() {
    throw null;
  }
  @Post('own-body') async ownBody(@Req() req: KoaRequest) {
    let bytes = 0;
    for await (const chunk of req) bytes += (chunk as Buffer).length;
    return { bytes };
  }
  @Post('echo') echo(@Req() req: KoaRequest, @Res() res: KoaResponse) {
    req.pipe(res);
  }
  @Sse('events-fail-midway') failMidway() {
    return concat(
      of({ data: 'first' }),
      throwError(() => new Error('secret')),
    );
  }
  @Sse('events-refused-midway') refusedMidway() {
    return concat(
      of({ data: 'first' }),
      throwError(() => new HttpException('enough', 409)),
    );
  }
  @Sse('events-fields') fields() {
    return of({ data: 'two\nlines', retry: 5, type: 'named', id: '1' }, { data: { o: 1 } });
  }
  @Sse('events-none') none() {
    return of();
  }
  @Sse('events-header') @Header('x-events', 'yes') eventsHeader() {
    return of({ data: 'x' });
  }
}

/** Uploads with everything that multer lets an application decide. */
function uploadsController({ uploads }: Platform): Type<unknown> {
  const { FileInterceptor, AnyFilesInterceptor } = uploads;
  type Decide = (error: Error | null, accept: boolean) => void;
  type Stored = { path: string; size: number; mimetype: string; originalname: string };
  const limits = { files: 1, fields: 1, fieldSize: 5, fieldNameSize: 5, parts: 3 };
  const failingStorage = {
    _handleFile(_req: unknown, file: { stream: NodeJS.ReadableStream }, done: (e: Error) => void) {
      file.stream.resume().on('end', () => done(new Error('the disk is full')));
    },
    _removeFile: (_req: unknown, _file: unknown, done: (error: null) => void) => done(null),
  };

  @Controller('features/uploads')
  class UploadsController {
    @Post('refused')
    @UseInterceptors(
      FileInterceptor('f', {
        fileFilter: (_req: unknown, _file: unknown, decide: Decide) =>
          decide(new BadRequestException('no such files'), false),
      }),
    )
    refused() {}
    @Post('skipped')
    @UseInterceptors(
      FileInterceptor('f', {
        fileFilter: (_req: unknown, _file: unknown, decide: Decide) => decide(null, false),
      }),
    )
    skipped(@UploadedFile() file: object | undefined) {
      return { file: file ?? null };
    }
    @Post('disk')
    @UseInterceptors(FileInterceptor('f', { dest: tmpdir() }))
    disk(@UploadedFile() file: Stored) {
      unlinkSync(file.path);
      return [file.size, file.mimetype, file.originalname, Object.keys(file).sort()];
    }
    @Post('limited')
    @UseInterceptors(AnyFilesInterceptor({ limits }))
    limited(@UploadedFiles() files: object[]) {
      return files.length;
    }
    @Post('unstored')
    @UseInterceptors(FileInterceptor('f', { storage: failingStorage }))
    unstored() {}
  }
  return UploadsController;
}

export const controllersOf = (platform: Platform): Type<unknown>[] => [
  FeaturesController,
  uploadsController(platform),
];

type Part = readonly [name: string, value: string, file?: string];

function form(path: string, ...parts: Part[]): ParityRequest {
  const bodies = parts.map(([name, value, file]) => {
    const named = file === undefined ? '' : `; filename="${file}"`;
    return `--b\r\nContent-Disposition: form-data; name="${name}"${named}\r\n\r\n${value}\r\n`;
  });
  return {
    path: `/features/uploads/${path}`,
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: `${bodies.join('')}--b--\r\n`,
  };
}

/** As Nest signs it with the secret of the application. */
function signed(value: string): string {
  const signature = createHmac('sha256', 'parity').update(value).digest('base64');
  return encodeURIComponent(`s:${value}.${signature.replace(/=+$/, '')}`);
}

const octets = { 'content-type': 'application/octet-stream' };

export const requests: readonly ParityRequest[] = [
  ...[
    ...['injected', 'timeout', 'headers-after', 'caught', 'cached', 'user', 'guard-answers'],
    ...['file-filter', 'view-filter', 'base-filter', 'base-filter-unknown', 'cookies'],
    ...['computed-header', 'throws-after-headers', 'throws-after-bytes', 'rejects-with-nothing'],
    ...['throws-null', 'events-fail-midway', 'events-refused-midway', 'events-fields'],
    ...['events-none', 'events-header'],
  ].map((name) => ({ path: `/features/${name}` })),
  {
    path: '/features/cookies',
    headers: { cookie: 'a=1; b=%20x; c="q"; __proto__=z; signed=s:v.bad; a=2; broken=%FF' },
  },
  { path: '/features/cookies', headers: { cookie: `ok=${signed('value')}; j=${signed('j:{}')}` } },
  ...['own-body', 'echo'].map((name) => ({
    path: `/features/${name}`,
    method: 'POST',
    headers: octets,
    body: 'the bytes of a body',
  })),
  form('refused', ['f', 'x', 'a.txt']),
  form('skipped', ['f', 'x', 'a.txt'], ['text', 'kept']),
  form('disk', ['f', 'bytes', 'ünï "q".txt']),
  form('limited', ['a', '1'], ['b', '2']),
  form('limited', ['a', '123456']),
  form('limited', ['abcdef', '1']),
  form('limited', ['f', '1', 'a'], ['g', '1', 'b']),
  form('unstored', ['f', 'x', 'a.txt']),
];
