import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import Keygrip from 'keygrip';
import { decode, encode, type SessionOptions } from '../../../lib/session/index.js';
import { KoaSite } from '../../support/koa-site.js';
import { data } from '../../support/session-values.js';

const KEY = 'a key for tests';

/** What a browser would send of a session with this record. */
function cookieOf(record: Record<string, unknown>): string {
  const pair = `koa.sess=${encode(record)}`;
  return `${pair}; koa.sess.sig=${new Keygrip([KEY]).sign(pair)}`;
}

/** Changes all that is in `value`, as deep as it goes. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const each of Object.values(value)) spoil(each);
  if (Array.isArray(value)) value.push('spoilt');
  else (value as Record<string, unknown>).spoilt = true;
}

describe('a cookie that comes again', () => {
  let site: KoaSite;

  const open = async (options: SessionOptions = {}): Promise<void> => {
    site = await KoaSite.open(options);
  };
  const life = (): { _expire: number; _maxAge: number } => ({
    _expire: Date.now() + 60_000,
    _maxAge: 60_000,
  });

  /** What a request with this cookie finds; it spoils what it was given, and saves nothing. */
  async function read(cookie: string): Promise<unknown> {
    let found: unknown;
    await site.visit(
      (_ctx, of) => {
        found = JSON.parse(JSON.stringify(of()));
        spoil(of());
      },
      { headers: { cookie } },
    );
    return found;
  }

  afterEach(() => site.close());

  it('holds what it held, whatever the request before did to its session', async () => {
    await open({ autoCommit: false });
    const names = fc.string({ minLength: 1, maxLength: 8 }).map((name) => `d${name}`);
    const records = fc.dictionary(names, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(records, async (data) => {
        const expected: unknown = JSON.parse(JSON.stringify(data));
        const cookie = cookieOf({ ...data, ...life() });
        fc.pre(cookie.length < 4_000);
        for (let i = 0; i < 4; i++) expect(await read(cookie)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('holds it also where the data is nested deeper than a comparison looks', async () => {
    await open({ autoCommit: false });
    let deep: unknown = { end: 1 };
    for (let i = 0; i < 120; i++) deep = [deep];
    const cookie = cookieOf({ deep, ...life() });
    for (let i = 0; i < 4; i++) expect(await read(cookie)).toEqual({ deep });
  });

  it('is compared with what it holds: a request that changes nothing writes nothing', async () => {
    await open();
    const cookie = cookieOf({ list: [{ n: 1 }], ...life() });
    for (let i = 0; i < 4; i++) {
      const answer = await site.visit((_ctx, of) => void of().list, { headers: { cookie } });
      expect(answer.headers.getSetCookie()).toEqual([]);
      const edit = (of: () => Record<string, unknown>): unknown =>
        ((of().list as { n: number }[])[0]!.n += 1);
      const changed = await site.visit((_ctx, of) => edit(of), { headers: { cookie } });
      const value = /^koa\.sess=([^;]*)/.exec(changed.headers.getSetCookie()[0] ?? '')?.[1];
      expect(decode(value as string)).toMatchObject({ list: [{ n: 2 }] });
      site.browser.jar.removeAllCookiesSync();
    }
  });

  it('gives the hook "valid" a record of its own each time', async () => {
    await open({
      autoCommit: false,
      valid: (_ctx, record) => {
        expect(record).not.toHaveProperty('seen');
        return (record['seen'] = true);
      },
    });
    const cookie = cookieOf({ a: 1, ...life() });
    for (let i = 0; i < 4; i++) expect(await read(cookie)).toEqual({ a: 1, seen: true });
  });

  it('gives each event of its end a record of its own', async () => {
    await open({ autoCommit: false });
    const end = Date.now() + 500;
    const cookie = cookieOf({ list: [1], _expire: end, _maxAge: 500 });
    for (let i = 0; i < 2; i++) expect(await read(cookie)).toEqual({ list: [1] });
    await delay(end + 10 - Date.now());
    for (let i = 0; i < 2; i++) {
      site.payloads.length = 0;
      expect(await read(cookie)).toEqual({});
      const { value } = site.payloads[0] as { value: Record<string, unknown> };
      expect(value).toMatchObject({ list: [1] });
      expect(value).not.toHaveProperty('spoilt');
      spoil(value);
    }
  });

  it('is decoded anew by an application with a "decode" of its own', async () => {
    let calls = 0;
    await open({ autoCommit: false, decode: (text) => (calls++, decode(text)) });
    const cookie = cookieOf({ a: 1, ...life() });
    for (let i = 0; i < 4; i++) expect(await read(cookie)).toEqual({ a: 1 });
    expect(calls).toBe(4);
  });

  it('is told of each time where it holds a name that is refused', async () => {
    await open({ autoCommit: false });
    const cookie = cookieOf({ a: 1, save: 'me', ...life() });
    for (let i = 0; i < 4; i++) expect(await read(cookie)).toEqual({ a: 1 });
    expect(site.events).toEqual(Array(4).fill('refused reserved-key'));
  });

  it('takes no end from a prototype that it names', async () => {
    await open({ autoCommit: false });
    const text = '{"a":1,"__proto__":{"_expire":1},"_session":true}';
    const cookie = cookieOf(JSON.parse(text) as Record<string, unknown>);
    for (let i = 0; i < 4; i++) expect(await read(cookie)).toEqual({ a: 1 });
    expect(site.events).toEqual([]);
  });

  it('counts for nothing once its key is gone', async () => {
    await open({ autoCommit: false });
    const cookie = cookieOf({ a: 1, ...life() });
    for (let i = 0; i < 3; i++) expect(await read(cookie)).toEqual({ a: 1 });
    (site.app.keys as string[])[0] = 'another key';
    expect(await read(cookie)).toEqual({});
    expect(site.events).toEqual(['refused bad-signature']);
  });
});

describe('a cookie that was made here', () => {
  let site: KoaSite;

  afterEach(() => site.close());

  /** What any process would read in the browser's cookie. */
  async function text(): Promise<Record<string, unknown>> {
    const sent = await site.browser.jar.getCookieString(site.browser.base);
    const { _expire, _maxAge, ...said } = decode(/koa\.sess=([^;]*)/.exec(sent)?.[1] as string);
    return said;
  }

  /** Saves `values`, then changes them where that must count for nothing. */
  async function make(values: object): Promise<void> {
    await site.visit(async (_ctx, of) => {
      Object.assign(of(), values);
      await of().save();
      spoil(of());
    });
  }

  it('holds what its text says, whatever the session was made of', async () => {
    site = await KoaSite.open({ autoCommit: false });
    await fc.assert(
      fc.asyncProperty(data, async (values) => {
        site.browser.jar.removeAllCookiesSync();
        const expected = JSON.stringify(values);
        await make(values);
        const sent = await site.browser.jar.getCookieString(site.browser.base);
        fc.pre(sent !== '');
        const said = await text();
        expect(JSON.stringify(said)).toBe(expected);
        for (let i = 0; i < 2; i++) {
          await site.visit((_ctx, of) => {
            expect({ ...of() }).toStrictEqual(said);
            spoil(of());
          });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('holds what was sent of a value that is another one each time', async () => {
    site = await KoaSite.open({ autoCommit: false });
    let turn = 0;
    const values = {
      nested: Object.defineProperty({}, 'turn', { enumerable: true, get: () => ++turn }),
      list: [1, , 2],
    };
    await make(values);
    const said = await text();
    await site.visit((_ctx, of) => {
      expect(of()['nested']).toStrictEqual(said['nested']);
      expect(of()['list']).toStrictEqual([1, null, 2]);
    });
  });

  it('holds arrays as JSON takes them, whatever they are besides', async () => {
    class List extends Array<number> {}
    site = await KoaSite.open({ autoCommit: false });
    for (const list of [
      Object.setPrototypeOf([1], null),
      Object.setPrototypeOf([1], Object.prototype),
      Object.assign([1], { slice: 'x' }),
      Object.assign([1], { constructor: List }),
      Object.assign([1], { constructor: { [Symbol.species]: class {} } }),
    ] as object[]) {
      await make({ list });
      expect(await text()).toEqual({ list: [1] });
      await site.visit((_ctx, of) => expect({ ...of() }).toStrictEqual({ list: [1] }));
    }
  });

  it('holds what was sent while all objects had a "toJSON"', async () => {
    site = await KoaSite.open({ autoCommit: false });
    const toJSON = { configurable: true, writable: true, value: () => ({ said: 1 }) };
    await site.visit(async (_ctx, of) => {
      Object.assign(of(), { a: 1 });
      Object.defineProperty(Object.prototype, 'toJSON', toJSON);
      try {
        await of().save();
      } finally {
        Reflect.deleteProperty(Object.prototype, 'toJSON');
      }
    });
    const said = await text();
    await site.visit((_ctx, of) => expect({ ...of() }).toStrictEqual(said));
  });

  it('gives no session what all objects inherit', async () => {
    site = await KoaSite.open({ autoCommit: false });
    await make({ nested: { a: 1 } });
    await site.visit((_ctx, of) => {
      Object.defineProperty(Object.prototype, 'junk', {
        configurable: true,
        enumerable: true,
        writable: true,
        value: {},
      });
      try {
        expect(Object.keys(of()['nested'] as object)).toEqual(['a']);
      } finally {
        Reflect.deleteProperty(Object.prototype, 'junk');
      }
    });
    expect(site.errors).toEqual([]);
  });
});
