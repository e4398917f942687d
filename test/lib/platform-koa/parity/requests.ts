import { requests as expressMembers } from './express-members.js';
import { requests as files } from './files.js';
import { requests as mounts } from './mounts.js';
import { requests as nestFeatures } from './nest-features.js';
import { isNest12 } from './platforms.js';
import { requests as verbs } from './verbs.js';

/** One request to both applications. */
export interface ParityRequest {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Sends the body chunked, without a length. */
  readonly chunked?: boolean;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };
const BOUNDARY = 'parity-boundary';
const MULTIPART = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };

type Part = readonly [name: string, value: string, filename?: string, type?: string];

function multipart(...parts: Part[]): string {
  const bodies = parts.map(([name, value, filename, type = 'text/plain']) => {
    const file = filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: ${type}`;
    return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
  });
  return `${bodies.join('')}--${BOUNDARY}--\r\n`;
}

const get = (...paths: string[]): ParityRequest[] => paths.map((path) => ({ path }));
const under = (prefix: string, ...names: string[]) =>
  get(...names.map((name) => `${prefix}/${name}`));
const post = (
  path: string,
  headers: Record<string, string>,
  body: string | Buffer,
): ParityRequest => ({
  path,
  method: 'POST',
  headers,
  body,
});

const answers = under(
  '/answers',
  ...['object', 'array', 'string', 'number', 'boolean', 'null', 'undefined', 'empty-string'],
  ...['null-created', 'no-content', 'not-modified', 'buffer', 'date', 'to-json', 'big', 'promise'],
  ...['observable', 'observable-error', 'circular', 'bigint', 'header', 'problem'],
  ...['object-as-text', 'xml', 'etag', 'last-modified', 'wrapped', 'late-route'],
);

const streams = under(
  '/streams',
  ...['file', 'file-default', 'file-missing', 'file-own-handler', 'file-cut', 'objects'],
  ...['passthrough', 'pipe', 'write', 'events', 'events-late-header', 'events-error'],
);

const streams12 = under(
  '/streams12',
  ...['node', 'generator', 'generator-fails', 'web', 'web-empty', 'readable', 'buffer'],
);

const responses = under(
  '/response',
  ...['json', 'json-text', 'json-null', 'send', 'send-bytes', 'send-object', 'send-nothing'],
  ...['send-typed', 'send-status', 'status-code', 'end', 'late', 'late-end', 'redirect'],
  ...['redirect-status', 'headers', 'attachment', 'send-file', 'send-file-root'],
  ...['send-file-callback', 'download', 'render', 'render-callback', 'render-missing', 'twice'],
  ...['send-end', 'throw-after', 'passthrough', 'next', 'next-error', 'raw-header-number'],
);

const decorators = under(
  '/decorators',
  ...['redirect', 'redirect-301', 'redirect-dynamic', 'render', 'render-pug', 'render-fails'],
  ...['code', 'ip', 'headers', 'session'],
);

const errors = under(
  '/errors',
  ...['http', 'text', 'unknown', 'string', 'undefined', 'http-like', 'http-like-hidden'],
  ...['with-headers', 'filter', 'slow-filter', 'guard', 'typed', 'error-body', 'bad-header'],
  'bad-status',
);

const malformed = [
  ...['http://[::1', 'http://[::1/a', 'https://[/a', 'http://[::1?a=1', 'http://'],
  ...['http://a%/b', 'other://host', 'http:'],
];

const paths: ParityRequest[] = get(
  '/request/users/5',
  '/request/users/a%20b',
  '/request/users/%FF',
  '/request/users/%E0%A4%A',
  '/request/users/5/',
  '/request/users//posts/1',
  '/request/users/5/posts/x.y-z',
  '/REQUEST/Users/5',
  '/request/ints/12',
  '/request/ints/x',
  '/request/geo/1.5,-2',
  '/request/optional',
  '/request/optional/7',
  '/request/files/a/b/c',
  '/request/files/',
  '/request/files',
  '/request/files/a%2Fb/c',
  '/request/legacy/x/y',
  '/request/legacy',
  '/request/between/x/end',
  '/request/between/x/y/end',
  '/request/fixed',
  '/request/fixed/',
  '/request/fixed//',
  '/request//fixed',
  '/request/other',
  '/request',
  '/',
  '/nowhere',
  '/nowhere?q=1',
  '/%FF',
  '/request/describe?a=1',
  '/request/echo?a=1&a=2&b[]=3&c[d]=4&e&f=%20%FF+&=x',
  '/request/echo?',
  '/request/echo?__proto__=1&constructor=2',
  'http://localhost/request/fixed',
  'http://localhost',
  // Malformed, or without a path: no middleware sees them.
  ...malformed,
  '/raw-route',
  '/mounted',
  '/mounted/',
  '/mounted/below?x=1',
  '/MOUNTED/Upper',
  '/mountedbeside',
  '/pass/rewrite',
  '/failing-use',
  '/handled-error',
  '/failing?how=throw',
  '/failing?how=next',
  '/failing?how=answer',
  '/failing?how=end',
  '/failing?how=twice',
  '/failing',
  '/middleware/trace',
  '/middleware/trace/',
  '/middleware/excluded',
  '/middleware/deep/9',
  '/hosted',
  '/scoped',
  '/static/note.txt',
  '/static/',
  '/static',
  '/static/missing.txt',
  '/static/../application.ts',
  '/static/%2e%2e/application.ts',
);

const methods: ParityRequest[] = [
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'SEARCH', 'HEAD', 'PROPFIND'].map(
    (method) => ({ path: '/verbs', method }),
  ),
  { path: '/verbs/head', method: 'HEAD' },
  { path: '/verbs/head', method: 'GET' },
  { path: '/answers/object', method: 'HEAD' },
  { path: '/answers/string', method: 'HEAD' },
  { path: '/answers/null', method: 'HEAD' },
  { path: '/streams/file', method: 'HEAD' },
  { path: '/streams/events', method: 'HEAD' },
  { path: '/response/json', method: 'HEAD' },
  { path: '/response/send-file', method: 'HEAD' },
  { path: '/static/note.txt', method: 'HEAD' },
  { path: '/nowhere', method: 'HEAD' },
  { path: 'http://[::1', method: 'POST', headers: JSON_TYPE, body: '{"a":1}' },
  { path: 'http://', method: 'OPTIONS' },
  { path: '/answers/created', method: 'POST' },
  { path: '/answers/created', method: 'GET' },
  { path: '/static/note.txt', method: 'POST' },
  { path: '/middleware/trace', method: 'POST' },
];

const conditional: ParityRequest[] = [
  { path: '/answers/etag', headers: { 'if-none-match': '"v1"' } },
  { path: '/answers/etag', headers: { 'if-none-match': '"v2"' } },
  { path: '/answers/etag', headers: { 'if-none-match': '"v1"', 'cache-control': 'no-cache' } },
  {
    path: '/answers/last-modified',
    headers: { 'if-modified-since': 'Wed, 21 Oct 2015 07:28:00 GMT' },
  },
  { path: '/static/note.txt', headers: { range: 'bytes=2-6' } },
  { path: '/response/send-file', headers: { range: 'bytes=0-3' } },
  { path: '/response/send-file', headers: { range: 'bytes=900-' } },
];

const headers: ParityRequest[] = [
  { path: '/answers/object', headers: { origin: 'http://allowed.test' } },
  { path: '/answers/object', headers: { origin: 'http://other.test' } },
  {
    path: '/answers/object',
    method: 'OPTIONS',
    headers: {
      origin: 'http://allowed.test',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'x-a',
    },
  },
  { path: '/hosted', headers: { host: 'acme.example.com' } },
  { path: '/hosted', headers: { host: 'acme.example.com:8080' } },
  { path: '/hosted', headers: { host: '[::1]:80' } },
  { path: '/errors/guard', headers: { 'x-deny': 'throw' } },
  {
    path: '/request/describe',
    headers: {
      'x-agent': 'a',
      'x-requested-with': 'XMLHttpRequest',
      'accept-language': 'en',
      accept: 'application/json',
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.test',
    },
  },
  { path: '/response/redirect', headers: { accept: 'text/html' } },
  { path: '/response/redirect-status', headers: { accept: 'text/html' } },
  { path: '/response/redirect', headers: { accept: 'application/json' } },
  { path: '/decorators/headers', headers: { 'x-sent': 'yes' } },
  { path: '/response/cookies', headers: {} },
];

const bodies: ParityRequest[] = [
  post('/request/echo', JSON_TYPE, '{"a":[1,{"b":null}]}'),
  post('/request/echo', JSON_TYPE, '[]'),
  post('/request/echo', JSON_TYPE, ''),
  post('/request/echo', JSON_TYPE, '{"a":'),
  post('/request/echo', JSON_TYPE, '"text"'),
  post('/request/echo', JSON_TYPE, `{"a":"${'x'.repeat(2000)}"}`),
  post('/request/echo', { 'content-type': 'application/json; charset=utf-16' }, '{"a":1}'),
  post('/request/echo', { 'content-type': 'application/json; charset=nope' }, '{"a":1}'),
  post('/request/echo', { ...JSON_TYPE, 'content-encoding': 'nope' }, '{"a":1}'),
  post('/request/echo', { ...JSON_TYPE, 'content-encoding': 'gzip' }, 'not gzip'),
  post('/request/echo', FORM_TYPE, 'a=1&a=2&b[c]=3'),
  post('/request/echo', FORM_TYPE, `a=${'x'.repeat(150_000)}`),
  post('/request/echo', FORM_TYPE, 'a=%FF&b=%'),
  post('/request/echo', { 'content-type': 'text/plain' }, 'ignored'),
  post('/request/echo', { 'content-type': 'text/special' }, 'special text'),
  post('/request/echo', { 'content-type': 'text/special' }, 'special text that is too long'),
  post('/request/raw', { 'content-type': 'raw/special' }, 'special bytes'),
  post('/request/raw', { 'content-type': 'raw/special' }, 'special bytes that are too long'),
  post('/request/echo', { 'content-type': 'nonsense' }, 'x'),
  post('/request/echo', {}, 'x'),
  { ...post('/request/echo', JSON_TYPE, '{"chunked":true}'), chunked: true },
  { path: '/request/echo', method: 'POST' },
  { path: '/request/echo', method: 'GET', headers: JSON_TYPE, body: '{"on":"get"}' },
  { path: '/request/echo', method: 'DELETE', headers: JSON_TYPE, body: '{"on":"delete"}' },
  post('/request/is', JSON_TYPE, '{}'),
  post('/request/is', FORM_TYPE, 'a=1'),
  { path: '/request/is', method: 'POST' },
  post('/request/raw', FORM_TYPE, 'a=1&b=2'),
  post('/request/raw', { 'content-type': 'text/special' }, 'raw text'),
  post('/request/raw', { 'content-type': 'application/octet-stream' }, 'bytes'),
  post('/errors/validate', JSON_TYPE, '{"n":"5"}'),
  post('/errors/validate', JSON_TYPE, '{"n":"five"}'),
  post('/answers/object', JSON_TYPE, '{}'),
  post('/nowhere', JSON_TYPE, '{"a":'),
];

const uploads: ParityRequest[] = [
  post('/uploads/one', MULTIPART, multipart(['text', 'value'], ['file', 'small', 'a.txt'])),
  post('/uploads/one', MULTIPART, multipart(['file', 'x'.repeat(21), 'a.txt'])),
  post('/uploads/one', MULTIPART, multipart(['other', 'x', 'a.txt'])),
  post('/uploads/one', MULTIPART, multipart(['text', 'only'])),
  post('/uploads/one', MULTIPART, multipart(['list[3]', 'a'], ['list[7]', 'b'])),
  post('/uploads/one', MULTIPART, 'not multipart'),
  post(
    '/uploads/one',
    MULTIPART,
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut`,
  ),
  post('/uploads/one', { 'content-type': 'multipart/form-data' }, 'x'),
  post('/uploads/one', { 'content-type': 'multipart/mixed; boundary=x' }, 'x'),
  post('/uploads/one', JSON_TYPE, '{"not":"multipart"}'),
  post('/uploads/many', MULTIPART, multipart(['files', '1', 'a'], ['files', '2', 'b'])),
  post(
    '/uploads/many',
    MULTIPART,
    multipart(['files', '1', 'a'], ['files', '2', 'b'], ['files', '3', 'c']),
  ),
  post('/uploads/fields', MULTIPART, multipart(['a', '1', 'a'], ['b', '2', 'b'], ['a', '3', 'c'])),
  post('/uploads/fields', MULTIPART, multipart(['c', '1', 'a'])),
  post('/uploads/any', MULTIPART, multipart(['x', '1', 'a'], ['y', '2', 'b'], ['t', 'text'])),
  post('/uploads/none', MULTIPART, multipart(['a', '1'], ['b[c]', '2'])),
  post('/uploads/none', MULTIPART, multipart(['a', '1', 'file'])),
  post('/uploads/piped', MULTIPART, multipart(['file', 'text', 'a.txt'])),
];

const security: ParityRequest[] = isNest12
  ? [
      { path: '/cookies12' },
      { path: '/verbs', method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } },
      { path: '/verbs', method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } },
      { path: '/verbs', method: 'POST', headers: { origin: 'http://evil.test' } },
      { path: '/request/raw', method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } },
      { path: '/request/raw/', method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } },
      { path: '/REQUEST/raw', method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } },
    ]
  : [];

/** Requests to the main application. */
export const requests: readonly ParityRequest[] = [
  ...answers,
  ...streams,
  ...(isNest12 ? streams12 : []),
  ...responses,
  ...decorators,
  ...errors,
  ...paths,
  ...methods,
  ...conditional,
  ...headers,
  ...bodies,
  ...uploads,
  ...security,
  ...expressMembers,
  ...files,
  ...mounts,
  ...nestFeatures,
  ...verbs,
];

/** Requests to the application with a global prefix. */
export const prefixRequests: readonly ParityRequest[] = [
  ...get(
    '/api/answers/string',
    '/api',
    '/api/',
    '/api/nowhere',
    '/apiary',
    '/answers/string',
    '/answers/object',
    '/answers/object/more',
    '/nowhere',
    '/verbs',
    '/api/verbs',
    '/api/middleware/trace',
    '/middleware/trace',
    '/api/request/users/%FF',
    '/raw-route',
  ),
  { path: '/verbs', method: 'POST' },
  { path: '/answers/object', method: 'POST' },
  { path: '/api/verbs', method: 'PUT' },
  { path: '/api/verbs', method: 'DELETE' },
];

const versionPaths = [
  '/versions',
  '/versions/neutral',
  '/v1/versions',
  '/v2/versions',
  '/v4/versions',
];

/** Requests to the applications with versions. */
export const versionRequests: readonly ParityRequest[] = versionPaths.flatMap((path) =>
  [
    {},
    { 'x-version': '1' },
    { 'x-version': '3' },
    { 'x-version': '4' },
    { 'x-version': '9' },
    { 'x-version': 'throw' },
    { accept: 'application/json;v=1' },
    { accept: 'text/html, application/json;q=1;v="2"' },
    { accept: 'application/json;x="a,b;v=1";v=4' },
    { accept: 'application/json;v=9' },
  ].map((sent) => ({ path, headers: sent as Record<string, string> })),
);

/** Requests that tell what an application believes of proxies, and how it reads queries. */
export const settingRequests: readonly ParityRequest[] = [
  {},
  { 'x-forwarded-for': '9.9.9.9' },
  { 'x-forwarded-for': 'unknown, 9.9.9.9 ,10.1.2.3,  127.0.0.9' },
  { 'x-forwarded-for': '9.9.9.9, fe80::1, ::ffff:10.0.0.1, fd00::7' },
  { 'x-forwarded-proto': 'https,http', 'x-forwarded-host': 'public.test:8443, inner.test' },
  { 'x-forwarded-proto': 'https', 'x-forwarded-host': '[::1]:80', 'x-forwarded-for': '' },
].flatMap((sent) => [
  { path: '/request/describe', headers: sent as Record<string, string> },
  { path: '/request/echo?a[b][c]=1&d[]=2&e=3&e=4&f.g=5&toString=6', headers: sent as never },
]);

/** Requests that tell how paths are compared: of routes, of middleware and of what it leaves out. */
export const pathRuleRequests: readonly ParityRequest[] = [
  '/middleware/trace',
  '/middleware/excluded',
  '/middleware/deep/9',
  '/request/fixed',
  '/request/legacy/x',
  '/request/files/a',
  '/verbs',
  '/mounted',
  '/static/note.txt',
  '/answers/late-route',
].flatMap((path) =>
  [
    path,
    `${path}/`,
    `${path}//`,
    path.toUpperCase(),
    `${path.slice(0, 3).toUpperCase()}${path.slice(3)}/`,
  ].map((each) => ({ path: each })),
);

/** Requests of other origins, simple ones and preflights. */
export const corsRequests: readonly ParityRequest[] = [
  '/answers/object',
  '/answers/created',
  '/errors/http',
  '/nowhere',
  '/static/note.txt',
].flatMap((path) =>
  ['http://allowed.test', 'http://other.test', undefined].flatMap((origin) => {
    const sent = origin === undefined ? {} : { origin };
    const asked = {
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'x-a',
    };
    return [
      { path, headers: sent as Record<string, string> },
      { path, method: 'OPTIONS', headers: { ...sent, ...asked } },
      { path, method: 'OPTIONS', headers: sent as Record<string, string> },
    ];
  }),
);

/** Requests with bodies to an application that parses none. */
export const unparsedRequests: readonly ParityRequest[] = [
  post('/request/echo', JSON_TYPE, '{"a":'),
  post('/request/echo', FORM_TYPE, 'a=1'),
  post('/request/raw', JSON_TYPE, '{"a":1}'),
  post('/request/echo', { 'content-type': 'text/special' }, 'special text'),
];
