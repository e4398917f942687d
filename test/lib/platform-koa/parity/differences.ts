import type { Answer } from './client.js';
import type { ParityRequest } from './requests.js';

/** A deliberate difference between the platforms, as docs/platform-koa.md lists it. */
export interface Difference {
  /** The entry's heading in the document. */
  readonly title: string;
  readonly reason: string;
  /** Shows with Nest 11 only, whose platform-express is older. */
  readonly onNest11?: true;
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
      !(isFile(path) && [200, 206, 304, 416].includes(Number(status))) &&
      !(/^.files|file-filter$/.test(path) && 'last-modified' in headers),
    asOnKoa: (express) => without(express, 'etag'),
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
    appliesTo: ({ path }, { headers }) =>
      /^.response|^.files/.test(path) && 'content-disposition' in headers,
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
  {
    title: 'Nest 11: the page of a redirect',
    reason: 'The Express of Nest 11 sends a bare paragraph where its successor sends a whole page.',
    onNest11: true,
    appliesTo: (_sent, { body }) => body.startsWith('<p>') && body.includes('Redirecting to'),
    asOnKoa: (express) => {
      const page = `<!DOCTYPE html><head><title>${express.message}</title></head><body>${express.body}</body>`;
      const length = String(page.length);
      return { ...express, body: page, headers: { ...express.headers, 'content-length': length } };
    },
  },
  {
    title: 'Nest 11: uploads of another multipart type',
    reason: 'The answer is 415 as with Nest 12, where Nest 11 answers 500.',
    onNest11: true,
    appliesTo: ({ headers = {} }) => String(headers['content-type']).startsWith('multipart/mixed'),
    asOnKoa: (express) => ({
      ...express,
      status: 415,
      message: 'Unsupported Media Type',
      body: '{"message":"Unsupported content type","error":"Unsupported Media Type","statusCode":415}',
      headers: { ...express.headers, 'content-length': '88' },
    }),
  },
  {
    title: 'Nest 11: versions in a list of media types',
    reason:
      'The header `Accept` is read as with Nest 12: the version may stand in any media type of a list, after other parameters, and in quotes.',
    onNest11: true,
    appliesTo: ({ path, headers = {} }, { status }) =>
      path === '/versions' && status === 404 && /v="2"|;v=4/.test(headers['accept'] ?? ''),
    asOnKoa: (express, koa) => ({
      ...koa,
      status: koa.body === 'two or three' || koa.body === 'four or none' ? 200 : express.status,
    }),
  },
  {
    title: 'Nest 11: letters of Latin-1 in the names of files',
    reason:
      'They are encoded in `Content-Disposition` as with Nest 12, where the Express of Nest 11 sends them as they are.',
    onNest11: true,
    appliesTo: (_sent, { headers }) => /[^ -~]/.test(String(headers['content-disposition'])),
    asOnKoa: (express, koa) => {
      const sent = String(koa.headers['content-disposition']);
      const isEncoded = /^attachment; filename="[ -~]+"; filename\*=UTF-8''[\w.%-]+$/.test(sent);
      const disposition = isEncoded ? sent : express.headers['content-disposition'];
      return { ...express, headers: { ...express.headers, 'content-disposition': disposition } };
    },
  },
];

function isFile(path: string): boolean {
  return /^.static|^.response.(send-file|download)/.test(path);
}
