import * as nest from '@nestjs/common';
import {
  All,
  Controller,
  Copy,
  Delete,
  Get,
  Head,
  Lock,
  Mkcol,
  Move,
  Options,
  Patch,
  Post,
  Propfind,
  Proppatch,
  Put,
  Req,
  Res,
  Search,
  Unlock,
} from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { KoaRequest, KoaResponse } from '../../../../lib/platform-koa/index.js';
import type { ParityRequest } from './requests.js';

// Older versions of Nest 11 lack it.
const { QueryMethod = Search } = nest as { QueryMethod?: typeof Search };

/** A handler of its own for each verb that Nest knows. */
@Controller('each-verb')
class EachVerbController {
  @Get() get() {
    return 'get';
  }
  @Post() post() {
    return 'post';
  }
  @Put() put() {
    return 'put';
  }
  @Delete() delete() {
    return 'delete';
  }
  @Patch() patch() {
    return 'patch';
  }
  @Options() options() {
    return 'options';
  }
  @Head() head(@Res({ passthrough: true }) res: KoaResponse) {
    res.header('x-handler', 'head, which the route above hides');
  }
  @Search() search() {
    return 'search';
  }
  @QueryMethod() query() {
    return 'query';
  }
  @Propfind() propfind() {
    return 'propfind';
  }
  @Proppatch() proppatch() {
    return 'proppatch';
  }
  @Mkcol() mkcol() {
    return 'mkcol';
  }
  @Copy() copy() {
    return 'copy';
  }
  @Move() move() {
    return 'move';
  }
  @Lock() lock() {
    return 'lock';
  }
  @Unlock() unlock() {
    return 'unlock';
  }
}

@Controller('every-verb')
class EveryVerbController {
  @All() all(@Req() req: KoaRequest) {
    return req.method;
  }
}

export const controllers = [EachVerbController, EveryVerbController];

/** Routes of the adapter's own, whose handlers are registered together. */
export function registerRoutes(app: INestApplication): void {
  const adapter = app.getHttpAdapter() as unknown as Record<
    string,
    (path: string, ...handlers: unknown[]) => unknown
  >;
  const skip = (_req: unknown, _res: unknown, next: (word: string) => void) => next('route');
  const rewrite = (req: KoaRequest, _res: unknown, next: (word: string) => void) => {
    req.url += '?rewritten';
    next('route');
  };
  const guarded = (_req: unknown, res: KoaResponse) => res.send('guarded');
  const open = (_req: unknown, res: KoaResponse) => res.send('open');
  adapter['get']?.('/skipped', skip, guarded);
  adapter['get']?.('/skipped-list', [skip, [guarded]]);
  adapter['get']?.('/skipped-list', open);
  adapter['get']?.('/skipped-rewritten', rewrite, guarded);
  adapter['get']?.('/skipped-rewritten', open);
  adapter['propfind']?.('/own-propfind', open);
  adapter['all']?.('/own-all', (req: KoaRequest, res: KoaResponse) => res.send(req.method));
}

const METHODS = [
  ...['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'SEARCH', 'QUERY', 'PROPFIND'],
  ...['PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'REPORT', 'TRACE', 'PURGE'],
];
const PATHS = ['/each-verb', '/every-verb', '/own-propfind', '/own-all', '/skipped'];

export const requests: readonly ParityRequest[] = [
  ...METHODS.flatMap((method) => PATHS.map((path) => ({ path, method }))),
  { path: '/skipped-list' },
  { path: '/skipped-rewritten' },
  // What has a body and is none of the usual verbs.
  ...['QUERY', 'PROPFIND', 'LOCK'].map((method) => ({
    path: '/request/echo',
    method,
    headers: { 'content-type': 'application/json' },
    body: '{"depth":1}',
  })),
];
