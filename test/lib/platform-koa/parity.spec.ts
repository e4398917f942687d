import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { VersioningType } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { startApplication } from './parity/application.js';
import type { Variant } from './parity/application.js';
import { send } from './parity/client.js';
import type { Answer } from './parity/client.js';
import { differences } from './parity/differences.js';
import { isNest12, platforms } from './parity/platforms.js';
import {
  corsRequests,
  pathRuleRequests,
  prefixRequests,
  requests,
  settingRequests,
  unparsedRequests,
  versionRequests,
} from './parity/requests.js';
import type { ParityRequest } from './parity/requests.js';

/** Headers that describe the connection or the moment, not the answer. */
const INCIDENTAL = ['date', 'connection', 'keep-alive'];

const used = new Set<string>();
const failures: unknown[] = [];
const onUnhandled = (error: unknown) => failures.push(error);

function describeRequest({ method = 'GET', path, headers = {}, body }: ParityRequest): string {
  const sent = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const text = body === undefined ? '' : ` ${String(body).slice(0, 30).replace(/\r\n/g, '|')}`;
  return `${method} ${path}${sent.length ? ` (${sent.join(', ')})` : ''}${text}`;
}

function withoutIncidentals(answer: Answer): Answer {
  const headers = { ...answer.headers };
  for (const name of INCIDENTAL) delete headers[name];
  return { ...answer, headers };
}

function expected(sent: ParityRequest, express: Answer, koa: Answer): Answer {
  let answer = express;
  for (const difference of differences) {
    const isOfVersion = !difference.onNest11 || !isNest12;
    if (!isOfVersion || !difference.appliesTo(sent, answer)) continue;
    used.add(difference.title);
    answer = difference.asOnKoa(answer, koa);
  }
  return answer;
}

function compare(name: string, variant: Variant, table: readonly ParityRequest[]): void {
  describe(name, () => {
    let apps: INestApplication[] = [];

    beforeAll(async () => {
      apps = await Promise.all(platforms.map((platform) => startApplication(platform, variant)));
    });
    afterAll(() => Promise.all(apps.map((app) => app.close())));

    const rows = table.map((sent) => [describeRequest(sent), sent] as const);
    it.each(rows)('answers %s as on Express', async (_name, sent) => {
      const answers = await Promise.all(apps.map((app) => send(app, sent)));
      const [express, koa] = answers.map(withoutIncidentals) as [Answer, Answer];
      expect(koa).toEqual(expected(sent, express, koa));
    });
  });
}

describe('an application on KoaAdapter and on ExpressAdapter', () => {
  beforeAll(() => {
    process.on('unhandledRejection', onUnhandled);
    process.on('uncaughtException', onUnhandled);
  });
  afterAll(() => {
    process.off('unhandledRejection', onUnhandled);
    process.off('uncaughtException', onUnhandled);
  });

  compare('with everything', {}, requests);
  compare('with a global prefix', { prefix: 'api' }, prefixRequests);
  compare(
    'with versions in the path',
    { versioning: { type: VersioningType.URI } },
    versionRequests,
  );
  compare(
    'with versions in a header',
    { versioning: { type: VersioningType.HEADER, header: 'X-Version' } },
    versionRequests,
  );
  compare(
    'with versions in the media type',
    { versioning: { type: VersioningType.MEDIA_TYPE, key: 'v=' } },
    versionRequests,
  );
  compare(
    'with versions of its own',
    {
      versioning: {
        type: VersioningType.CUSTOM,
        extractor: (request) => {
          const version = (request as { headers: Record<string, string> }).headers['x-version'];
          if (version === 'throw') throw new Error('no version');
          return version === '3' ? ['9', '3'] : (version ?? '');
        },
      },
    },
    versionRequests,
  );

  compare(
    'with a global prefix and nothing excluded from it',
    { prefix: 'api/v2', excludes: [] },
    [
      ...['/api/v2/answers/string', '/api/v2', '/api/v2/nowhere', '/api/v20', '/API/v2/nowhere'],
      ...['/answers/object', '/nowhere', '/raw-route', '/api/v2/middleware/trace'],
    ].map((path) => ({ path })),
  );

  const trusted = [
    ...[false, true, 0, 1, 2, 'loopback', '127.0.0.1, uniquelocal,linklocal', ['10.0.0.0/8']],
    (_address: string, index: number) => index !== 1,
  ];
  for (const value of trusted) {
    const settings = { 'trust proxy': value, 'query parser': 'extended' };
    compare(`with proxies trusted as ${String(value)}`, { settings }, settingRequests);
  }
  compare('with queries not parsed', { settings: { 'query parser': false } }, settingRequests);

  compare('with case-sensitive paths', { rules: { caseSensitive: true } }, pathRuleRequests);
  compare('with strict paths', { rules: { strict: true } }, pathRuleRequests);

  compare('with CORS for all', { options: { cors: true } }, corsRequests);
  compare(
    'with CORS options',
    {
      options: { cors: { origin: /allowed/, optionsSuccessStatus: 200, preflightContinue: false } },
    },
    corsRequests,
  );
  compare(
    'with CORS by a delegate',
    {
      options: {
        cors: (request: { headers: Record<string, string> }, decide) => {
          const { origin } = request.headers;
          if (origin === 'http://other.test') decide(new Error('secret reason'), {});
          else decide(null as never, { origin: origin ?? false, maxAge: 5, credentials: true });
        },
      },
    },
    corsRequests,
  );
  compare('with no body parser', { options: { bodyParser: false } }, unparsedRequests);

  it('leaves no rejection unhandled', () => {
    expect(failures).toEqual([]);
  });

  it('differs in nothing that the document does not list, and the other way round', () => {
    const document = readFileSync(
      new URL('../../../docs/platform-koa.md', import.meta.url),
      'utf8',
    );
    const section = document.split(/^## Differences from Express$/m)[1]?.split(/^## /m)[0] ?? '';
    const listed = [...section.matchAll(/^### (.*)$/gm)].map(([, title]) => title);
    expect(listed).toEqual(differences.map(({ title }) => title));
    const shown = differences.filter(({ onNest11 }) => isNest12 && !onNest11);
    for (const { title } of shown) expect(used).toContain(title);
    for (const { reason } of differences) expect(section.replace(/\s+/g, ' ')).toContain(reason);
  });
});
