import { inspect } from 'node:util';
import fc from 'fast-check';
import Keygrip from 'keygrip';
import Koa from 'koa';
import type { Context } from 'koa';
import {
  createSession,
  RESERVED_KEYS,
  Session,
  type SessionOptions,
  type SessionStore,
} from '../../../lib/session/index.js';
import { inProcess } from '../../support/in-process.js';

const KEYS = ['a key for tests'];
const keygrip = new Keygrip(KEYS);

/** JSON that somebody with an old key, or write access to the store, may have put there. */
const PAYLOADS = [
  '{"__proto__":{"polluted":1}}',
  '{"__proto__":null}',
  '{"__proto__":"text","a":1}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"constructor":null,"prototype":null,"hasOwnProperty":1}',
  '{"toJSON":1}',
  '{"toJSON":{"call":1}}',
  '{"save":1,"regenerate":2,"manuallyCommit":3,"commit":4}',
  '{"length":-1,"populated":false,"isNew":true,"externalKey":"other"}',
  '{"maxAge":-5}',
  '{"maxAge":"session"}',
  '{"_requireSave":true,"_expire":"never","_maxAge":{}}',
  '{"_expire":-1e308,"a":1}',
  '{"_maxAge":1e308}',
  '{"_maxAge":-1}',
  '{"_maxAge":0,"_expire":null}',
  '{"_session":{},"_maxAge":"x"}',
  '{"_moved":"elsewhere","_expire":9e15}',
  '{"_owner":{},"_created":"x","_rotated":[],"_binding":1}',
  '{"then":1}',
  '{"then":{"__proto__":1}}',
  '{"update":1,"destroy":2,"reload":3,"touch":4}',
  '{"valueOf":1,"toString":2,"inspect":3}',
  '{"":1,"\\u0000":2,"\\ud800":3}',
  '{"0":1,"length":9}',
  '[]',
  '[1,[2,[3]]]',
  '"text"',
  '""',
  '0',
  '-0',
  '1e400',
  'true',
  'false',
  'null',
  `${'['.repeat(1000)}${']'.repeat(1000)}`,
  `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
  `{${Array.from({ length: 150 }, (_, i) => `"k${i}":${i}`).join()}}`,
];

const BACKINGS = {
  'a signed cookie': (): SessionOptions => ({}),
  'a store': (json: string): SessionOptions => ({ store: storeOf(json) }),
};

function storeOf(json: string): SessionStore {
  let text = json;
  return {
    get: async () => JSON.parse(text) as Record<string, unknown>,
    set: async (_key, record) => void (text = JSON.stringify(record)),
    destroy: async () => void (text = 'null'),
  };
}

function application(options: SessionOptions): Koa {
  const app = new Koa();
  app.keys = KEYS;
  app.silent = true;
  app.use(createSession(options, app));
  return app;
}

function signed(value: string): string {
  return `koa.sess=${value}; koa.sess.sig=${keygrip.sign(`koa.sess=${value}`)}`;
}

function asCookie(json: string, options: SessionOptions): string {
  return signed(options.store ? 'an-id' : Buffer.from(json).toString('base64'));
}

/** All that handlers do with a session. */
async function use(ctx: Context): Promise<void> {
  const { session } = ctx;
  expect(session).toBeInstanceOf(Session);
  expect(Object.getPrototypeOf(session)).toBe(Session.prototype);
  for (const key of Object.keys(session)) expect(RESERVED_KEYS.has(key)).toBe(false);
  expect(session.length).toBe(Object.keys(session.toJSON()).length);
  expect(session.populated).toBe(session.length > 0);
  JSON.stringify(session);
  inspect(session);
  Object.assign(session, { edited: 1 });
  await session.save();
  await session.regenerate();
}

describe.each(Object.entries(BACKINGS))('in %s', (_where, backing) => {
  it.each(PAYLOADS.map((json) => [json.slice(0, 60), json]))(
    '%s is data or nothing',
    async (_shown, json) => {
      const options = backing(json);
      const answer = await inProcess(application(options), use, asCookie(json, options));
      expect(answer.error).toBeUndefined();
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      expect((Object.prototype as { edited?: unknown }).edited).toBeUndefined();
      expect((Session.prototype as { edited?: unknown }).edited).toBeUndefined();
    },
  );

  it('any JSON is data or nothing, and any key that a handler sets', async () => {
    const name = fc.oneof(
      fc.constantFrom(...RESERVED_KEYS, 'constructor', 'then', '_x', '_expire', 'update'),
      fc.string(),
    );
    const json = fc.oneof(
      fc.json(),
      fc.array(fc.tuple(name, fc.json({ maxDepth: 1 })), { maxLength: 5 }).map((entries) => {
        const pairs = entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`);
        return `{${pairs.join()}}`;
      }),
    );
    await fc.assert(
      fc.asyncProperty(json, name, fc.jsonValue(), async (text, key, value) => {
        const options = backing(text);
        const handler = async (ctx: Context): Promise<void> => {
          for (const loaded of Object.keys(ctx.session)) expect(loaded).not.toMatch(/^_/);
          (ctx.session as unknown as Record<string, unknown>)[key] = value;
          await use(ctx);
        };
        const answer = await inProcess(application(options), handler, asCookie(text, options));
        // The one thing that may be refused is a cookie that no browser would keep.
        if ((answer.error as { code?: string })?.code === 'ERR_SESSION_COOKIE_TOO_LARGE') return;
        expect(answer.error).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('a reserved name that a handler assigns', () => {
  it('is dropped with an event, and leaves the member as it is', async () => {
    const app = application({});
    const refused: unknown[] = [];
    app.on('session:refused', ({ reason }: { reason: string }) => refused.push(reason));
    await inProcess(app, (ctx) => {
      for (const key of ['save', 'toJSON', '__proto__']) {
        (ctx.session as unknown as Record<string, unknown>)[key] = { polluted: 1 };
      }
      expect(typeof ctx.session.save).toBe('function');
      expect(ctx.session.toJSON()).toEqual({});
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(refused).toEqual(['reserved-key', 'reserved-key', 'reserved-key']);
  });
});

describe('Cookie headers that no browser sends', () => {
  const good = signed(Buffer.from('{"a":1}').toString('base64'));
  const piece = fc.oneof(
    fc.constantFrom('koa.sess=', 'koa.sess.sig=', ';', '; ', '=', '"', ' ', ',', 'a=b; ', '\t'),
    fc.constantFrom(good, `${good}; ${good}`, 'an-id', '__proto__=1', 'koa.sess', '%00', '\\'),
    fc.string({ maxLength: 8 }),
    fc.string({ maxLength: 8, unit: 'binary' }).map((text) => Buffer.from(text).toString('latin1')),
    fc.base64String({ maxLength: 40 }),
    fc.integer({ min: 1, max: 300 }).map((times) => ';'.repeat(times)),
  );
  const header = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const batch = fc.array(header, { minLength: 50, maxLength: 50, size: 'max' });

  const read = (ctx: Context): void => {
    ctx.session.toJSON();
  };

  it.each([
    ['signed, in the cookie', {}],
    ['unsigned, in the cookie', { signed: false }],
    ['signed, in a store', { store: storeOf('{"a":1}') }],
    ['unsigned, in a store', { store: storeOf('{"a":1}'), signed: false }],
  ])(
    'raise nothing: 25,000 of them, %s',
    async (_mode, options) => {
      const app = application(options);
      await fc.assert(
        fc.asyncProperty(batch, async (headers) => {
          for (const text of headers) {
            const { error } = await inProcess(app, read, text);
            if (error !== undefined) throw error;
          }
        }),
        { numRuns: 500 },
      );
    },
    120_000,
  );

  it.each([
    ['the name again and again', 'koa.sess='],
    ['the whole cookie again and again', 'koa.sess=YQ; koa.sess.sig=YQ; '],
    ['separators', ';'],
    ['spaces', ' '],
    ['quotes', '"'],
    ['almost the name', 'koa.ses'],
    ['one long value', 'x'],
  ])('take time in proportion to their length: %s', async (_what, text) => {
    const app = application({});
    const [short, long] = [8_192, 8_192 * 8].map((length) =>
      `koa.sess.sig=a; ${text.repeat(length / text.length)}`.slice(0, length),
    ) as [string, string];
    // Eight times the length: eight times the time if it is linear, sixty-four if it is quadratic.
    // The best of many runs, since whatever else the machine does only adds to it.
    const best = { short: Infinity, long: Infinity };
    for (let run = 0; run < 40; run++) {
      best.short = Math.min(best.short, await timed(app, read, short));
      best.long = Math.min(best.long, await timed(app, read, long));
    }
    expect(best.long / best.short).toBeLessThan(32);
  });
});

async function timed(app: Koa, handler: (ctx: Context) => void, cookie: string): Promise<number> {
  const start = process.hrtime.bigint();
  for (let repeat = 0; repeat < 5; repeat++) await inProcess(app, handler, cookie);
  return Number(process.hrtime.bigint() - start);
}
