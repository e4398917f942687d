import 'reflect-metadata';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  BadRequestException,
  Catch,
  Controller,
  FileTypeValidator,
  ForbiddenException,
  Get,
  Head,
  Header,
  HostParam,
  HttpCode,
  HttpException,
  Injectable,
  Module,
  Next,
  NotFoundException,
  Options,
  Param,
  ParseFilePipe,
  ParseIntPipe,
  Patch,
  Post,
  Put,
  Delete,
  All,
  Body,
  Query,
  RawBody,
  Redirect,
  Render,
  Req,
  RequestMethod,
  Res,
  Headers,
  Ip,
  Scope,
  Search,
  Session,
  Sse,
  StreamableFile,
  UploadedFile,
  UploadedFiles,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  Version,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import type {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  INestApplication,
  MiddlewareConsumer,
  NestApplicationOptions,
  NestInterceptor,
  NestMiddleware,
  NestModule,
  Type,
  VersioningOptions,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import bodyParser from 'body-parser';
import { delay, from, map, of, throwError } from 'rxjs';
import type { KoaRequest, KoaResponse } from '../../../../lib/platform-koa/index.js';
import * as expressMembers from './express-members.js';
import * as files from './files.js';
import * as mounts from './mounts.js';
import * as nestFeatures from './nest-features.js';
import { cookieOptions, isNest12 } from './platforms.js';
import type { PathRules, Platform } from './platforms.js';
import * as verbs from './verbs.js';

const here = import.meta.dirname;

class DenyGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    if (context.switchToHttp().getRequest<KoaRequest>().headers['x-deny'] === 'throw') {
      throw new ForbiddenException('denied', 'by the guard');
    }
    return false;
  }
}

class WrapInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((value: unknown) => ({ wrapped: value })));
  }
}

@Catch(NotFoundException)
class OwnFilter implements ExceptionFilter {
  catch(exception: NotFoundException, host: ArgumentsHost) {
    const res = host.switchToHttp().getResponse<KoaResponse>();
    res.status(410).header('x-filter', 'own').json({ gone: exception.message });
  }
}

@Catch(BadRequestException)
class SlowFilter implements ExceptionFilter {
  async catch(_exception: unknown, host: ArgumentsHost) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    host.switchToHttp().getResponse<KoaResponse>().status(400).send('slowly');
  }
}

@Controller('answers')
class AnswersController {
  @Get('object') object() {
    return { a: 1, nested: { b: [true, null] }, text: 'ünï' };
  }
  @Get('array') array() {
    return [1, 'two', { three: 3 }];
  }
  @Get('string') string() {
    return '<b>text</b> ünï';
  }
  @Get('number') number() {
    return 42;
  }
  @Get('boolean') boolean() {
    return false;
  }
  @Get('null') null() {
    return null;
  }
  @Get('undefined') undefined() {}
  @Get('empty-string') emptyString() {
    return '';
  }
  @Get('null-created') @HttpCode(201) nullCreated() {
    return null;
  }
  @Get('no-content') @HttpCode(204) noContent() {
    return { ignored: true };
  }
  @Get('not-modified') @HttpCode(304) notModified() {
    return 'ignored';
  }
  @Get('buffer') buffer() {
    return Buffer.from('bytes');
  }
  @Get('date') date() {
    return new Date(0);
  }
  @Get('to-json') toJson() {
    return { toJSON: () => ({ own: 'json' }) };
  }
  @Get('big') big() {
    return { big: 'x'.repeat(200_000) };
  }
  @Get('promise') async promise() {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return 'later';
  }
  @Get('observable') observable() {
    return from([1, 2, 3]).pipe(delay(1));
  }
  @Get('observable-error') observableError() {
    return throwError(() => new HttpException('rx', 409));
  }
  @Get('circular') circular() {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    return value;
  }
  @Get('bigint') bigint() {
    return { n: BigInt(1) };
  }
  @Get('header') @Header('x-own', 'yes') @Header('content-type', 'text/plain') header() {
    return 'typed';
  }
  @Get('problem') @Header('content-type', 'application/problem+json') problem() {
    return { type: 'about:blank' };
  }
  @Get('object-as-text') @Header('content-type', 'text/plain') objectAsText() {
    return { a: 1 };
  }
  @Get('xml') @Header('content-type', 'application/xml') xml() {
    return '<a/>';
  }
  @Post('created') created() {
    return { id: 1 };
  }
  @Get('etag') @Header('etag', '"v1"') etag() {
    return 'validated';
  }
  @Get('last-modified') @Header('last-modified', 'Wed, 21 Oct 2015 07:28:00 GMT') lastModified() {
    return { validated: true };
  }
  @Get('wrapped') @UseInterceptors(WrapInterceptor) wrapped() {
    return 'inner';
  }
}

@Controller('streams')
class StreamsController {
  @Get('file') file() {
    return new StreamableFile(Buffer.from('file'), {
      type: 'text/x-test',
      disposition: 'attachment; filename="f.txt"',
      length: 4,
    });
  }
  @Get('file-default') fileDefault() {
    return new StreamableFile(Readable.from(['one', 'two']));
  }
  @Get('file-missing') fileMissing() {
    return new StreamableFile(
      new Readable({
        read() {
          this.destroy(new Error('cannot open'));
        },
      }),
    );
  }
  @Get('file-own-handler') ownHandler() {
    const stream = new Readable({
      read() {
        this.destroy(new Error('cannot open'));
      },
    });
    return new StreamableFile(stream).setErrorHandler((error, res) => {
      res.statusCode = 404;
      res.send(`handled: ${error.message}`);
    });
  }
  @Get('file-cut') fileCut() {
    let count = 0;
    return new StreamableFile(
      new Readable({
        read() {
          if (count++ < 2) this.push('some bytes ');
          else this.destroy(new Error('disk failed'));
        },
      }),
    );
  }
  @Get('objects') objects() {
    return new StreamableFile(Readable.from([{ not: 'writable' }]));
  }
  @Get('passthrough') passthrough(@Res({ passthrough: true }) res: KoaResponse) {
    res.status(206);
    res.setHeader('x-pass', 'through');
    return new StreamableFile(Buffer.from('partial'));
  }
  @Get('pipe') pipe(@Res() res: KoaResponse) {
    res.type('text/plain');
    Readable.from(['piped ', 'bytes']).pipe(res);
  }
  @Get('write') write(@Res() res: KoaResponse) {
    res.writeHead(202, { 'content-type': 'text/x-raw', 'x-raw': '1' });
    res.write('a');
    setTimeout(() => res.end('b'), 5);
  }
  @Sse('events') events() {
    return of({ data: 'one' }, { data: { two: 2 }, id: '2', type: 'named' });
  }
  @Sse('events-late-header') eventsLateHeader(@Res({ passthrough: true }) res: KoaResponse) {
    res.status(203).setHeader('x-late', 'yes');
    return of({ data: 'x' }).pipe(delay(3));
  }
  @Sse('events-error') eventsError() {
    return throwError(() => new HttpException('no events', 429));
  }
}

/** What only Nest 12 streams. */
@Controller('streams12')
class Streams12Controller {
  @Get('node') node() {
    return Readable.from(['node ', 'stream']);
  }
  @Get('generator') async *generator() {
    yield 'one ';
    await new Promise((resolve) => setTimeout(resolve, 2));
    yield 'two';
  }
  @Get('generator-fails') async *generatorFails() {
    await Promise.resolve();
    yield* [];
    throw new HttpException('not today', 423);
  }
  @Get('web') web() {
    return new Response('web body', {
      status: 202,
      headers: { 'x-web': 'yes', 'set-cookie': 'w=1' },
    });
  }
  @Get('web-empty') webEmpty() {
    return new Response(null, { status: 205 });
  }
  @Get('readable') readable() {
    return new Blob(['blob bytes']).stream();
  }
  @Get('buffer') bytes() {
    return Uint8Array.from([104, 105]);
  }
}

@Controller('response')
class ResponseController {
  @Get('json') json(@Res() res: KoaResponse) {
    res.status(201).json({ own: true });
  }
  @Get('json-text') jsonText(@Res() res: KoaResponse) {
    res.json('text');
  }
  @Get('json-null') jsonNull(@Res() res: KoaResponse) {
    res.json(null);
  }
  @Get('send') send(@Res() res: KoaResponse) {
    res.send('<i>sent</i>');
  }
  @Get('send-bytes') sendBytes(@Res() res: KoaResponse) {
    res.send(Buffer.from([1, 2, 3]));
  }
  @Get('send-object') sendObject(@Res() res: KoaResponse) {
    res.send({ sent: 1 });
  }
  @Get('send-nothing') sendNothing(@Res() res: KoaResponse) {
    res.status(202).send();
  }
  @Get('send-typed') sendTyped(@Res() res: KoaResponse) {
    res.type('json').send('{"raw":true}');
  }
  @Get('send-status') sendStatus(@Res() res: KoaResponse) {
    res.sendStatus(403);
  }
  @Get('status-code') statusCode(@Res() res: KoaResponse) {
    res.statusCode = 418;
    res.send('tea');
  }
  @Get('end') end(@Res() res: KoaResponse) {
    res.setHeader('content-type', 'text/plain');
    res.end('ended');
  }
  @Get('late') late(@Res() res: KoaResponse) {
    setTimeout(() => res.status(203).json({ late: true }), 5);
  }
  @Get('late-end') lateEnd(@Res() res: KoaResponse) {
    setTimeout(() => res.end('late'), 5);
  }
  @Get('redirect') redirect(@Res() res: KoaResponse) {
    res.redirect('/answers/string?q=a b');
  }
  @Get('redirect-status') redirectStatus(@Res() res: KoaResponse) {
    res.redirect(307, 'https://example.com/<x>');
  }
  @Get('cookies') cookies(@Res({ passthrough: true }) res: KoaResponse) {
    res.cookie('a', 'b c', { httpOnly: true });
    res.cookie('j', { x: 1 }, { path: '/p', sameSite: 'lax' });
    res.clearCookie('old');
    return 'cookies';
  }
  @Get('headers') headers(@Res({ passthrough: true }) res: KoaResponse) {
    res.set({ 'x-a': '1', 'x-b': 2 });
    res.append('x-list', 'one').append('x-list', 'two');
    res.append('set-cookie', 'x=1').append('set-cookie', 'y=2');
    res.vary('Accept-Language').vary('Accept');
    res.location('/there');
    return { a: res.get('x-a'), list: res.get('x-list') };
  }
  @Get('attachment') attachment(@Res() res: KoaResponse) {
    res.attachment('report.csv').send('a,b');
  }
  @Get('send-file') sendFile(@Res() res: KoaResponse) {
    res.sendFile(join(here, 'assets', 'note.txt'));
  }
  @Get('send-file-root') sendFileRoot(@Res() res: KoaResponse) {
    res.sendFile('note.txt', { root: join(here, 'assets'), headers: { 'x-sent': 'file' } });
  }
  @Get('send-file-callback') sendFileCallback(@Res() res: KoaResponse) {
    res.sendFile(join(here, 'assets', 'nothing.txt'), (error) => {
      res.status(404).end(error ? 'no such file' : 'sent');
    });
  }
  @Get('download') download(@Res() res: KoaResponse) {
    res.download(join(here, 'assets', 'note.txt'), 'renamed.txt');
  }
  @Get('render') render(@Res() res: KoaResponse) {
    res.locals['shared'] = 'local';
    res.render('page', { title: 'own' });
  }
  @Get('render-callback') renderCallback(@Res() res: KoaResponse) {
    res.render('page', { title: 'cb' }, (_error, text) => res.send(`got ${text}`));
  }
  @Get('render-missing') renderMissing(@Res() res: KoaResponse) {
    res.render('absent');
  }
  @Get('twice') twice(@Res() res: KoaResponse) {
    res.send('first');
    res.send('second');
  }
  @Get('send-end') sendEnd(@Res() res: KoaResponse) {
    res.send('first');
    res.end();
  }
  @Get('throw-after') throwAfter(@Res() res: KoaResponse) {
    res.send('answered');
    throw new Error('too late');
  }
  @Get('passthrough') passthrough(@Res({ passthrough: true }) res: KoaResponse) {
    res.status(202).header('x-pass', '1');
    return { passed: true };
  }
  @Get('next') skip(@Next() next: () => void) {
    next();
  }
  @Get('next') second() {
    return 'second';
  }
  @Get('next-error') nextError(@Next() next: (error: unknown) => void) {
    next(new HttpException('through next', 402));
  }
  @Get('raw-header-number') numberHeader(@Res({ passthrough: true }) res: KoaResponse) {
    res.header('x-rate', 5);
    return 'n';
  }
}

@Controller('decorators')
class DecoratorsController {
  @Get('redirect') @Redirect('/answers/string') redirect() {}
  @Get('redirect-301') @Redirect('/answers/string', 301) redirect301() {}
  @Get('redirect-dynamic') @Redirect('/unused') redirectDynamic() {
    return { url: 'https://example.com/a b', statusCode: 308 };
  }
  @Get('render') @Render('page') render() {
    return { title: 'rendered' };
  }
  @Get('render-pug') @Render('page.pug') renderPug() {
    return { title: 'pug' };
  }
  @Get('render-fails') @Render('page') renderFails() {
    return {};
  }
  @Get('code') @HttpCode(299) code() {
    return 'own code';
  }
  @Get('ip') ip(@Ip() ip: string) {
    return ip.replace('::ffff:', '');
  }
  @Get('headers') headers(@Headers('x-sent') sent: string, @Headers() all: object) {
    return { sent, has: 'host' in all };
  }
  @Get('session') session(@Session() session: unknown) {
    return { session: session ?? null };
  }
}

@Controller('request')
class RequestController {
  @All('echo') echo(@Req() req: KoaRequest, @Body() body: unknown, @Query() query: object) {
    return { method: req.method, body: body ?? 'none', query, url: req.url };
  }
  @Get('describe') describe(@Req() req: KoaRequest) {
    return {
      path: req.path,
      originalUrl: req.originalUrl,
      baseUrl: req.baseUrl,
      hostname: req.hostname,
      protocol: req.protocol,
      secure: req.secure,
      xhr: req.xhr,
      ip: req.ip,
      ips: req.ips,
      host: req.host,
      agent: req.get('x-agent'),
      missing: req.get('x-missing') === undefined,
      accepts: req.accepts('html', 'json'),
      language: req.acceptsLanguages('de', 'en'),
      route: (req.route as { path: unknown } | undefined)?.path,
    };
  }
  @Post('is') is(@Req() req: KoaRequest) {
    return { json: req.is('json'), form: req.is('urlencoded') };
  }
  @Get('users/:id') one(@Param('id') id: string, @Param() all: object) {
    return { id, all };
  }
  @Get('users/:id/posts/:post') nested(@Param() all: object) {
    return all;
  }
  @Get('ints/:n') int(@Param('n', ParseIntPipe) n: number) {
    return { n };
  }
  @Get('geo/:lat,:lng') geo(@Param() all: object) {
    return all;
  }
  @Get('optional{/:id}') optional(@Param() all: object) {
    return { all };
  }
  @Get('files/*path') files(@Param('path') path: unknown) {
    return { path };
  }
  @Get('legacy/*') legacy(@Param() all: object) {
    return { legacy: all };
  }
  @Get('between/*/end') between() {
    return 'between';
  }
  @Post('raw') raw(@RawBody() raw: Buffer | undefined, @Body() body: unknown) {
    return { raw: raw?.toString() ?? null, body: body ?? null };
  }
  @Get('fixed') fixed() {
    return 'fixed';
  }
  @Get(':name') any(@Param('name') name: string) {
    return { any: name };
  }
}

@Controller('verbs')
class VerbsController {
  @Get() get() {
    return 'GET';
  }
  @Post() post() {
    return 'POST';
  }
  @Put() put() {
    return 'PUT';
  }
  @Patch() patch() {
    return 'PATCH';
  }
  @Delete() delete() {
    return 'DELETE';
  }
  @Options() options() {
    return 'OPTIONS';
  }
  @Search() search() {
    return 'SEARCH';
  }
  @Head('head') head(@Res({ passthrough: true }) res: KoaResponse) {
    res.header('x-head', 'own');
  }
  @Get('head') getHead() {
    return 'never for HEAD';
  }
}

@Controller('errors')
class ErrorsController {
  @Get('http') http() {
    throw new HttpException({ own: 'body', status: 422 }, 422);
  }
  @Get('text') text() {
    throw new HttpException('short', 418);
  }
  @Get('unknown') unknown() {
    throw new Error('secret detail');
  }
  @Get('string') string() {
    throw 'just a string';
  }
  @Get('undefined') undefined() {
    throw undefined;
  }
  @Get('http-like') httpLike() {
    throw Object.assign(new Error('exposed'), { status: 409, statusCode: 409, expose: true });
  }
  @Get('http-like-hidden') httpLikeHidden() {
    throw Object.assign(new Error('hidden'), { status: 502, statusCode: 502, expose: false });
  }
  @Get('with-headers') withHeaders() {
    throw Object.assign(new Error('down'), {
      status: 503,
      statusCode: 503,
      expose: false,
      headers: { 'retry-after': '7' },
    });
  }
  @Get('filter') @UseFilters(OwnFilter) filter() {
    throw new NotFoundException('the thing');
  }
  @Get('slow-filter') @UseFilters(SlowFilter) slowFilter() {
    throw new BadRequestException();
  }
  @Get('guard') @UseGuards(DenyGuard) guard() {
    return 'never';
  }
  @Get('typed') @Header('content-type', 'text/csv') typed() {
    throw new BadRequestException('no csv');
  }
  @Post('validate') @UsePipes(new ParseIntPipe()) validate(@Body('n') n: number) {
    return { n };
  }
  @Get('error-body') errorBody() {
    throw new HttpException(new Error('inner secret') as never, 400);
  }
  @Get('bad-header') badHeader(@Res({ passthrough: true }) res: KoaResponse) {
    res.setHeader('x-bad', 'a\nb');
    return 'never';
  }
  @Get('bad-status') @HttpCode(1) badStatus() {
    return 'never';
  }
}

@Controller({ path: 'hosted', host: ':tenant.example.com' })
class HostController {
  @Get() get(@HostParam('tenant') tenant: string) {
    return { tenant };
  }
}

@Controller('hosted')
class AnyHostController {
  @Get() get() {
    return { tenant: null };
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedService {
  readonly id = Math.random();
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  constructor(private readonly service: ScopedService) {}
  @Get() get() {
    return typeof this.service.id;
  }
}

@Controller({ path: 'versions', version: '1' })
class Version1Controller {
  @Get() get() {
    return 'one';
  }
  @Version(['2', '3']) @Get() newer() {
    return 'two or three';
  }
  @Version(VERSION_NEUTRAL) @Get('neutral') neutral() {
    return 'neutral';
  }
}

@Controller({ path: 'versions', version: ['4', VERSION_NEUTRAL] })
class Version4Controller {
  @Get() get() {
    return 'four or none';
  }
}

@Controller('middleware')
class MiddlewareController {
  @Get('trace') trace(@Req() req: KoaRequest & { trace?: string[] }) {
    return req.trace ?? [];
  }
  @Get('excluded') excluded(@Req() req: KoaRequest & { trace?: string[] }) {
    return req.trace ?? [];
  }
  @Get('deep/:id') deep(@Req() req: KoaRequest & { trace?: string[] }, @Param('id') id: string) {
    return { id, trace: req.trace };
  }
  @Post('trace') postTrace(@Req() req: KoaRequest & { trace?: string[] }) {
    return req.trace ?? [];
  }
}

function tracer(label: string): Type<NestMiddleware> {
  @Injectable()
  class Tracer implements NestMiddleware {
    use(req: KoaRequest & { trace?: string[] }, _res: unknown, next: () => void) {
      (req.trace ??= []).push(`${label} ${req.originalUrl} ${JSON.stringify(req.params)}`);
      next();
    }
  }
  return Tracer;
}

@Injectable()
class FailingMiddleware implements NestMiddleware {
  use(req: KoaRequest, res: KoaResponse, next: (error?: unknown) => void) {
    const { how } = req.query;
    if (how === 'throw') throw new HttpException('from middleware', 451);
    if (how === 'next') return next(new Error('secret'));
    if (how === 'answer') return void res.status(299).json({ by: 'middleware' });
    if (how === 'end') return void res.end('ended by middleware');
    if (how === 'twice') next();
    next();
  }
}

function uploadsController(platform: Platform): Type<unknown> {
  const { FileInterceptor, FilesInterceptor, FileFieldsInterceptor } = platform.uploads;
  const { AnyFilesInterceptor, NoFilesInterceptor } = platform.uploads;
  type File = { fieldname: string; originalname: string; size: number; buffer: Buffer };
  const describe = (file?: File) =>
    file && [file.fieldname, file.originalname, file.size, file.buffer.toString()];

  @Controller('uploads')
  class UploadsController {
    @Post('one')
    @UseInterceptors(FileInterceptor('file', { limits: { fileSize: 20 } }))
    one(@UploadedFile() file: File, @Body() body: object) {
      return { file: describe(file) ?? null, body };
    }
    @Post('many')
    @UseInterceptors(FilesInterceptor('files', 2))
    many(@UploadedFiles() files: File[]) {
      return files.map(describe);
    }
    @Post('fields')
    @UseInterceptors(FileFieldsInterceptor([{ name: 'a' }, { name: 'b' }]))
    fields(@UploadedFiles() files: Record<string, File[]>) {
      return Object.entries(files).map(([name, list]) => [name, list.map(describe)]);
    }
    @Post('any')
    @UseInterceptors(AnyFilesInterceptor())
    any(@UploadedFiles() files: File[], @Body() body: object) {
      return { files: files.map(describe), body };
    }
    @Post('none')
    @UseInterceptors(NoFilesInterceptor())
    none(@Body() body: object) {
      return body;
    }
    @Post('piped')
    @UseInterceptors(FileInterceptor('file'))
    piped(
      @UploadedFile(
        new ParseFilePipe({ validators: [new FileTypeValidator({ fileType: 'image/png' })] }),
      )
      file: File,
    ) {
      return describe(file);
    }
  }
  return UploadsController;
}

function createModule(platform: Platform): Type<unknown> {
  @Module({
    controllers: [
      AnswersController,
      StreamsController,
      ...(isNest12 ? [Streams12Controller] : []),
      ResponseController,
      DecoratorsController,
      RequestController,
      VerbsController,
      ErrorsController,
      HostController,
      AnyHostController,
      ScopedController,
      Version1Controller,
      Version4Controller,
      MiddlewareController,
      uploadsController(platform),
      ...expressMembers.controllers,
      ...files.controllers,
      ...nestFeatures.controllersOf(platform),
      ...verbs.controllers,
    ],
    providers: [ScopedService, nestFeatures.RequestHolder],
  })
  class ParityModule implements NestModule {
    constructor(private readonly host: HttpAdapterHost) {}

    configure(consumer: MiddlewareConsumer) {
      consumer
        .apply(tracer('first'), tracer('second'))
        .exclude('middleware/excluded')
        .forRoutes('middleware');
      consumer.apply(tracer('controller')).forRoutes(MiddlewareController);
      consumer
        .apply(tracer('post'))
        .forRoutes({ path: 'middleware/trace', method: RequestMethod.POST });
      consumer.apply(tracer('param')).forRoutes('middleware/deep/:id');
      consumer.apply(FailingMiddleware).forRoutes('failing');
    }

    onModuleInit() {
      // Where serve-static and others register: behind the controllers.
      this.host.httpAdapter.get('/answers/late-route', (_req: KoaRequest, res: KoaResponse) => {
        res.send('registered in onModuleInit');
      });
      this.host.httpAdapter.get('/answers/string', (_req: KoaRequest, res: KoaResponse) => {
        res.send('hidden by the controller');
      });
    }
  }
  return ParityModule;
}

/** How one of the applications differs from the main one. */
export interface Variant {
  readonly prefix?: string;
  /** What is excluded from the prefix, where it is not the usual two. */
  readonly excludes?: readonly string[];
  readonly versioning?: VersioningOptions;
  readonly rules?: PathRules;
  readonly options?: NestApplicationOptions;
  /** What `app.set()` is called with. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Starts the application that uses everything, on one platform. */
export async function startApplication(
  platform: Platform,
  variant: Variant,
): Promise<INestApplication> {
  const { options = {}, settings = {} } = variant;
  const app = await NestFactory.create(
    createModule(platform),
    platform.createAdapter(variant.rules),
    { logger: false, rawBody: true, ...cookieOptions, ...options },
  );
  const adapter = app.getHttpAdapter() as unknown as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  for (const [name, value] of Object.entries(settings)) adapter['set']?.(name, value);
  if (options.cors === undefined)
    app.enableCors({ origin: 'http://allowed.test', credentials: true, exposedHeaders: ['x-own'] });
  if (isNest12 && variant.prefix === undefined) useNest12(app);
  app.use(function connect(_req: KoaRequest, res: KoaResponse, next: () => void) {
    res.setHeader('x-connect', 'seen');
    next();
  });
  app.use('/failing-use', (_req: KoaRequest, _res: unknown, _next: unknown) => {
    throw Object.assign(new Error('from use'), { status: 400, statusCode: 400, expose: true });
  });
  app.use('/mounted', (req: KoaRequest, res: KoaResponse, _next: unknown) => {
    res.end(JSON.stringify([req.baseUrl, req.url, req.originalUrl, req.path, res.statusCode]));
  });
  app.use('/pass', (req: KoaRequest, _res: KoaResponse, next: () => void) => {
    req.url = req.url === '/rewrite' ? '/rewritten' : String(req.url);
    next();
  });
  app.use('/handled-error', (_req: unknown, _res: unknown, next: (error: unknown) => void) =>
    next(new Error('for the error middleware')),
  );
  app.use('/handled-error', (error: Error, _req: unknown, res: KoaResponse, _next: unknown) => {
    res.status(499).send(error.message);
  });
  (app as never as { useBodyParser(type: string, options: object): void }).useBodyParser('text', {
    type: 'text/special',
    limit: 20,
  });
  (app as never as { useBodyParser(type: string, options: object): void }).useBodyParser('raw', {
    type: 'raw/special',
    limit: 20,
  });
  if (options.bodyParser !== false) app.use(bodyParser.json({ limit: 1000 }));
  adapter['useStaticAssets']?.(join(here, 'assets'), { prefix: '/static' });
  adapter['setBaseViewsDir']?.(join(here, 'views'));
  adapter['setViewEngine']?.('ejs');
  adapter['setLocal']?.('shared', 'everywhere');
  adapter['get']?.('/raw-route', (_req: KoaRequest, res: KoaResponse) => {
    res.type('text/css');
    res.send('a {}');
  });
  files.useFiles(app);
  mounts.useMounts(app);
  verbs.registerRoutes(app);
  if (variant.versioning) app.enableVersioning(variant.versioning);
  if (variant.prefix) {
    app.setGlobalPrefix(variant.prefix, {
      exclude: [
        ...(variant.excludes ?? ['answers/object', { path: 'verbs', method: RequestMethod.GET }]),
      ],
    });
  }
  await app.listen(0, '127.0.0.1');
  return app;
}

function useNest12(app: INestApplication): void {
  const secured = app as unknown as {
    useSecurityHeaders(): void;
    enableCsrfProtection(options?: object): void;
  };
  secured.useSecurityHeaders();
  secured.enableCsrfProtection({ exclude: ['/request/raw'] });
  const adapter = app.getHttpAdapter() as unknown as {
    get(path: string, handler: unknown): void;
    setCookie(res: unknown, name: string, value: string, options?: object): void;
    clearCookie(res: unknown, name: string): void;
  };
  adapter.get('/cookies12', (_req: KoaRequest, res: KoaResponse) => {
    adapter.setCookie(res, 'plain', 'a;b', { maxAge: 60, httpOnly: true });
    adapter.setCookie(res, 'signed', 'value', { signed: true });
    adapter.clearCookie(res, 'gone');
    res.send('set');
  });
}
