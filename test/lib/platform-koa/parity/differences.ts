import type { Answer } from './client.js';
import type { ParityRequest } from './requests.js';

/** A deliberate difference between the platforms, as docs/platform-koa.md lists it. */
export interface Difference {
  /** The entry's heading in the document. */
  readonly title: string;
  readonly reason: string;
  /** Whether it concerns an answer of Express's to a request. */
  appliesTo(sent: ParityRequest, express: Answer): boolean;
  /** Express's answer as Koa gives it. */
  asOnKoa(express: Answer, koa: Answer): Answer;
}

function without(answer: Answer, ...names: string[]): Answer {
  const headers = { ...answer.headers };
  for (const name of names) delete headers[name];
  return { ...answer, headers };
}

export const differences: readonly Difference[] = [
  {
    title: 'No `X-Powered-By`',
    reason: 'Koa does not advertise itself.',
    appliesTo: (_sent, { headers }) => 'x-powered-by' in headers,
    asOnKoa: (express) => without(express, 'x-powered-by'),
  },
  {
    title: 'No automatic `ETag`',
    reason:
      'Koa leaves validators to middleware, which sees the final body: koa-etag and koa-conditional-get.',
    appliesTo: ({ path }, { headers, status }) =>
      typeof headers['etag'] === 'string' &&
      path !== '/answers/etag' &&
      !(isFile(path) && [200, 206, 304, 416].includes(Number(status))),
    asOnKoa: (express) => without(express, 'etag'),
  },
  {
    title: 'Headers of an error are sent',
    reason:
      'An error that names a status may carry headers (`Retry-After`, `WWW-Authenticate`), which Koa sends and Nest drops on Express.',
    appliesTo: ({ path }) => path.endsWith('/errors/with-headers'),
    asOnKoa: (express) => ({ ...express, headers: { ...express.headers, 'retry-after': '7' } }),
  },
  {
    title: 'Paths outside the global prefix',
    reason:
      'No handler of Nest serves them, so the framework answers: Express with a page of HTML, Koa with plain text.',
    appliesTo: (_sent, { status, body }) => status === 404 && body.startsWith('<!DOCTYPE html>'),
    asOnKoa: (express) => {
      // Express's page forbids itself scripts.
      const plain = without(express, 'content-security-policy', 'x-content-type-options');
      const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': '9' };
      return { ...plain, body: 'Not Found', headers: { ...plain.headers, ...headers } };
    },
  },
  {
    title: 'Quotes in `Content-Disposition`',
    reason:
      'The header is written by `ctx.attachment`; whether a plain file name is quoted depends on the version of its library, and means the same.',
    appliesTo: ({ path }) => path === '/response/attachment' || path === '/response/download',
    asOnKoa: (express, koa) => ({
      ...express,
      headers: {
        ...express.headers,
        'content-disposition': String(koa.headers['content-disposition'])
          .replaceAll('"', '')
          .includes(String(express.headers['content-disposition']).replaceAll('"', ''))
          ? koa.headers['content-disposition']
          : express.headers['content-disposition'],
      },
    }),
  },
  {
    title: 'The message of a missing view',
    reason:
      'The error is one of this package, with a status of its own, so the answer has the name of the status 500 in place of the wording of Nest.',
    appliesTo: ({ path }) => path === '/response/render-missing',
    asOnKoa: (express) => ({
      ...express,
      body: express.body.replace('Internal server error', 'Internal Server Error'),
    }),
  },
];

function isFile(path: string): boolean {
  return path.startsWith('/static') || path.includes('send-file') || path.includes('download');
}
