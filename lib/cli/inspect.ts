import { parseArgs } from 'node:util';
import type { SessionRecord } from '../session/index.js';
import { MAX_COOKIE_BYTES } from '../session/http/cookie.js';
import { recordData } from '../session/backing/record.js';
import { cookieFrom } from './cookie-text.js';
import { KEY_OPTIONS, secretsFrom } from './secrets.js';
import { loadStore } from './store-module.js';
import { dateOption, numberOption, withoutControls } from './text.js';
import { EXIT, type ExitCode, type Terminal } from './usage.js';
import { type Verdict, verify } from './verdict.js';

const OPTIONS = {
  ...KEY_OPTIONS,
  name: { type: 'string', default: 'koa.sess' },
  unsigned: { type: 'boolean', default: false },
  purpose: { type: 'string', default: 'session' },
  'not-before': { type: 'string' },
  'absolute-max-age': { type: 'string' },
  at: { type: 'string' },
  store: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** What `--json` prints, and the text says in other words. */
interface Report {
  cookie: string;
  format: Verdict['format'];
  accepted: boolean;
  refusal?: string;
  notes: string[];
  bytes: number;
  id?: string;
  /** ISO 8601. */
  times: Record<string, string>;
  data?: Record<string, unknown>;
}

/** Says what is in a cookie, and when and why it would be refused. */
export async function inspect(args: string[], terminal: Terminal): Promise<ExitCode> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const cookie = await cookieFrom(positionals, values.name, terminal);
  const notBefore = dateOption('not-before', values['not-before']);
  const absoluteMaxAge = numberOption('absolute-max-age', values['absolute-max-age']);
  const now = dateOption('at', values.at) ?? terminal.now();
  const verdict = verify(cookie, {
    secrets: secretsFrom(values, terminal),
    purpose: values.purpose,
    notBefore,
    isSigned: !values.unsigned,
  });
  if (values.store !== undefined) await lookUp(verdict, values.store);

  const bytes = Buffer.byteLength(`${cookie.name}=${cookie.value}`);
  if (bytes > MAX_COOKIE_BYTES) {
    verdict.refusal ??= `browsers drop it: it has ${bytes} bytes, and they keep ${MAX_COOKIE_BYTES}`;
  }
  const record =
    verdict.content && 'record' in verdict.content ? verdict.content.record : undefined;
  if (record !== undefined) judgeTimes(verdict, record, now, absoluteMaxAge);
  const report: Report = {
    cookie: cookie.name,
    format: verdict.format,
    accepted: verdict.refusal === undefined,
    ...(verdict.refusal === undefined ? {} : { refusal: verdict.refusal }),
    notes: verdict.notes,
    bytes,
    ...(verdict.content && 'id' in verdict.content ? { id: verdict.content.id } : {}),
    times: record === undefined ? {} : timesOf(record, absoluteMaxAge),
    ...(record === undefined ? {} : { data: recordData(record) }),
  };
  terminal.print(withoutControls(values.json ? JSON.stringify(report) : textOf(report)));
  return report.accepted ? EXIT.ok : EXIT.refused;
}

async function lookUp(verdict: Verdict, path: string): Promise<void> {
  const { content } = verdict;
  if (content === undefined || 'record' in content || verdict.refusal !== undefined) return;
  const { store, release } = await loadStore(path, 'default');
  try {
    const record = await store.get(content.id, undefined, {});
    if (record) verdict.content = { record };
    else verdict.refusal = 'the store has no record under its id';
  } finally {
    await release();
  }
}

function judgeTimes(
  verdict: Verdict,
  record: SessionRecord,
  now: number,
  absoluteMaxAge: number | undefined,
): void {
  const { _expire: expire, _created: created } = record;
  if (typeof expire === 'number' && expire < now) {
    verdict.refusal ??= `its time was over on ${iso(expire)}`;
  } else if (absoluteMaxAge !== undefined && typeof created === 'number') {
    const end = created + absoluteMaxAge;
    if (end <= now) verdict.refusal ??= `it is too old: its absolute time was over on ${iso(end)}`;
  }
  if (record['_session'] === true && expire === undefined) {
    verdict.notes.push('it ends with the browser, and has no end on the server');
  }
}

function timesOf(record: SessionRecord, absoluteMaxAge: number | undefined): Report['times'] {
  const times: Report['times'] = {};
  const add = (name: string, time: unknown): void => {
    if (typeof time === 'number') times[name] = iso(time);
  };
  const { _expire: expire, _maxAge: maxAge, _created: created } = record;
  if (typeof expire === 'number' && typeof maxAge === 'number') add('written', expire - maxAge);
  add('began', created);
  add('authenticated', record['_auth']);
  add('new id', record['_renewed']);
  add('ends', expire);
  if (absoluteMaxAge !== undefined && typeof created === 'number') {
    add('ends at the latest', created + absoluteMaxAge);
  }
  return times;
}

function iso(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? `${time}` : date.toISOString();
}

function textOf(report: Report): string {
  const lines = [
    report.accepted ? `accepted: ${report.cookie}` : `refused: ${report.refusal}`,
    `format: ${report.format}, ${report.bytes} bytes`,
    ...report.notes.map((note) => `note: ${note}`),
    ...(report.id === undefined ? [] : ['holds: the id of a record in a store']),
    ...Object.entries(report.times).map(([name, time]) => `${name}: ${time}`),
    ...(report.data === undefined ? [] : [`data: ${JSON.stringify(report.data, undefined, 2)}`]),
  ];
  return lines.join('\n');
}
