import type { INestApplication } from '@nestjs/common';
import type { KoaRequest, KoaResponse } from '../../../../lib/platform-koa/index.js';
import type { ParityRequest } from './requests.js';

type Pass = (error?: unknown) => void;
type Use = (...args: unknown[]) => unknown;

function where(req: KoaRequest, res: KoaResponse, _next: Pass) {
  res.json([req.url, req.baseUrl, req.originalUrl, req.path, req.query, req.params]);
}

/** Middleware at every kind of path that Express knows. */
export function useMounts(app: INestApplication): void {
  const use = app.use.bind(app) as Use;
  use(/^\/expression\/(\d+)/, where);
  use(/\/inside\/(?<name>\w+)/, where);
  use(['/list-a', '/list-b', /^\/list-c/], where);
  use('/with/:id', where);
  use('/nested', (req: KoaRequest, _res: unknown, next: Pass) => {
    req.url = `/changed${req.url}`;
    next();
  });
  use('/nested/changed', where);
  use(
    '/several',
    [
      (req: KoaRequest, _res: unknown, next: Pass) => {
        req.headers['x-first'] = 'ran';
        next();
      },
    ],
    (req: KoaRequest, res: KoaResponse, _next: Pass) => res.json([req.headers['x-first']]),
  );
  use('/changed-method', (req: KoaRequest, _res: unknown, next: Pass) => {
    req.method = 'DELETE';
    req.url = '/verbs';
    next();
  });
  use((req: KoaRequest, _res: unknown, next: Pass) => {
    if (req.url?.startsWith('/elsewhere-from/')) {
      req.url = req.url.slice('/elsewhere-from'.length);
      req.method = 'DELETE';
    }
    next();
  });
  use('/mount-fails/throws', (_req: unknown, _res: unknown, _next: Pass) => {
    throw new Error('secret');
  });
  use('/mount-fails/rejects', async (_req: unknown, _res: unknown, _next: Pass) => {
    await Promise.reject(new Error('secret'));
  });
  use('/mount-fails/passes', (req: KoaRequest, _res: unknown, next: Pass) => {
    req.url = `/changed${req.url}`;
    next(new Error('secret'));
  });
  use((error: unknown, req: KoaRequest, res: KoaResponse, next: Pass) => {
    if (!req.originalUrl.startsWith('/mount-fails')) return next(error);
    res.json([req.url, req.baseUrl, req.originalUrl, req.path, req.query]);
  });
  use('/rejects', async (_req: unknown, _res: unknown, _next: Pass) => {
    await Promise.reject(new Error('secret'));
  });
  use('/rejects-for', async (_req: unknown, _res: unknown, next: Pass) => {
    await Promise.resolve();
    next(Object.assign(new Error('shown'), { status: 409, statusCode: 409, expose: true }));
  });
  use('/passes-nothing', (_req: unknown, _res: unknown, next: Pass) => next(0));
  use(
    '/mapped-error',
    (_req: unknown, _res: unknown, next: Pass) => next(new Error('secret')),
    (_error: unknown, _req: unknown, _res: unknown, next: Pass) => {
      next(Object.assign(new Error('mapped'), { status: 418, statusCode: 418, expose: true }));
    },
  );
  useRecovery(use);
  useMountedErrors(use);
  useParams(use);
}

/** Middleware that leaves something in the parameters, which is there for nobody else. */
function useParams(use: Use): void {
  const keep = (req: KoaRequest, res: KoaResponse, next: Pass) => {
    if (!req.originalUrl.startsWith('/keeps-param')) return next();
    res.append('x-before', JSON.stringify(req.params));
    req.params['kept'] = 'here';
    res.append('x-after', JSON.stringify(req.params));
    next();
  };
  use(keep, keep);
  use('/keeps-param/:id', keep, where);
}

/** Error middleware at paths, which it does not see either, and what follows it. */
function useMountedErrors(use: Use): void {
  const fail = (_req: unknown, _res: unknown, next: Pass) => next(new Error('secret'));
  const whereFailed = (_error: unknown, req: KoaRequest, res: KoaResponse, next: Pass) =>
    where(req, res, next);
  const rewrite = (error: unknown, req: KoaRequest, _res: KoaResponse, next: Pass) => {
    req.url = `/changed${req.url}`;
    next(error);
  };
  const goOnRewritten = (_error: unknown, req: KoaRequest, _res: KoaResponse, next: Pass) => {
    req.url = `/again${req.url}`;
    next();
  };
  const failAnew = async (_error: unknown, _req: unknown, _res: KoaResponse, _next: Pass) => {
    await Promise.reject(new Error('other'));
  };
  use('/error-at', fail);
  use('/error-at/:id/deep', whereFailed);
  use('/error-at', failAnew, rewrite);
  use('/error-at/changed/on', goOnRewritten);
  use('/error-at/changed/on/again', where);
  use(/^\/error-at\/(\w+)/, whereFailed);
}

/** Error middleware that deals with an error by going on, at once or later, or does so in part. */
function useRecovery(use: Use): void {
  const fail = (_req: unknown, _res: unknown, next: Pass) => next(new Error('secret'));
  const goOn = (_error: unknown, _req: unknown, res: KoaResponse, next: Pass) => {
    res.setHeader('x-gone-on', Number(res.getHeader('x-gone-on') ?? 0) + 1);
    next();
  };
  const goOnLater = async (_error: unknown, _req: unknown, _res: KoaResponse, next: Pass) => {
    await Promise.resolve();
    next('route');
  };
  const replace = (_error: unknown, _req: unknown, _res: KoaResponse, next: Pass) => {
    next(Object.assign(new Error('mapped'), { status: 418, statusCode: 418, expose: true }));
  };
  const throwOther = (_error: unknown, _req: unknown, _res: KoaResponse, _next: Pass) => {
    throw Object.assign(new Error('other'), { status: 409, statusCode: 409, expose: true });
  };
  use('/gone-on', fail, fail, goOn, where);
  use('/gone-on-later', fail, goOnLater, where);
  use('/gone-on-twice', fail, goOn, fail, goOn, where);
  use('/gone-on-then-failed', goOn, fail, replace, goOn, fail, throwOther);
  use('/gone-on-to-nothing', fail, goOn);
  use('/gone-on-for/:id', fail, goOn, where);
  use((req: KoaRequest, _res: unknown, next: Pass) =>
    next(req.query['fails'] === undefined ? undefined : new Error('secret')),
  );
  use((error: unknown, req: KoaRequest, _res: unknown, next: Pass) => {
    if (req.query['fails'] === 'rewritten') req.url = '/answers/object';
    next(req.query['fails'] === undefined ? error : undefined);
  });
}

export const requests: readonly ParityRequest[] = [
  ...['/expression/12', '/expression/12/more?x=1', '/expression/12x', '/expression/x'],
  ...['/inside/a', '/before/inside/a', '/list-a/x', '/LIST-B', '/list-c/d', '/list-d'],
  ...['/with/5/x', '/WITH/5/x/', '/with/a%2Fb/c', '/with/%FF', '/with'],
  ...['/nested/one/two?q', '/several', '/changed-method/x', '/elsewhere-from/verbs'],
  ...['throws', 'rejects/x?q=1', 'passes/x/y'].map((path) => `/mount-fails/${path}`),
  ...['/rejects', '/rejects-for', '/passes-nothing', '/mapped-error/deep'],
  ...['', '-later', '-twice', '-then-failed', '-to-nothing', '-for/5', '-for/%FF'].map(
    (name) => `/gone-on${name}`,
  ),
  ...['/answers/string?fails', '/answers/string?fails=rewritten', '/verbs/%FF?fails'],
  ...['/x/deep?q=1', '/x/y', '/on/z', ''].map((path) => `/error-at${path}`),
  ...['/keeps-param', '/keeps-param/5', '/keeps-param'],
  // The form that clients of proxies send, with hosts that look like paths.
  ...['http://mounted/mounted/below?x=1', 'http://static/static', 'http://any.test/answers/object'],
  ...[
    'http://list-a/list-a',
    'http://any.test?a=://b/list-a',
    '//mounted/x',
    '/mounted?u=/mounted',
  ],
  ...['/mounted\\x', '/%6Dounted/x', '/mounted%2Fx', '/mounted;x=1/y', '/static//note.txt'],
].map((path) => ({ path }));
