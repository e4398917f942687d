import Koa from 'koa';
import {
  createSession,
  DEFAULTS,
  type SessionOptions,
  SessionOptionsError,
} from '../../../lib/session/index.js';
import { KoaSite, PlainStore } from '../../support/koa-site.js';

function refusal(options: Record<string, unknown>): SessionOptionsError {
  try {
    createSession(options as SessionOptions, new Koa());
  } catch (error) {
    return error as SessionOptionsError;
  }
  throw new Error('the application started');
}

describe('DEFAULTS', () => {
  it("are koa-session's", () => {
    expect(DEFAULTS).toMatchObject({
      key: 'koa.sess',
      autoCommit: true,
      overwrite: true,
      httpOnly: true,
      signed: true,
      rolling: false,
      renew: false,
    });
    expect(Object.isFrozen(DEFAULTS)).toBe(true);
    expect(DEFAULTS).not.toHaveProperty('maxAge');
  });
});

describe('an option of the wrong type', () => {
  const SECRET = 'do-not-print-this';
  const wrong: [string, unknown][] = [
    ['key', 5],
    ['key', ''],
    ['maxAge', SECRET],
    ['maxAge', NaN],
    ['autoCommit', SECRET],
    ['overwrite', 1],
    ['httpOnly', 0],
    ['signed', SECRET],
    ['rolling', SECRET],
    ['renew', SECRET],
    ['secure', SECRET],
    ['sameSite', true],
    ['sameSite', SECRET],
    ['domain', 5],
    ['path', 5],
    ['expires', SECRET],
    ['expires', new Date(NaN)],
    ['priority', SECRET],
    ['partitioned', SECRET],
    ['prefix', 5],
    ['encode', SECRET],
    ['decode', SECRET],
    ['genid', SECRET],
    ['valid', SECRET],
    ['beforeSave', SECRET],
    ['load', SECRET],
    ['storeTimeout', -1],
    ['onStoreError', SECRET],
    ['keys', SECRET],
    ['keys', []],
    ['keys', ['']],
    ['maxMergeAttempts', 0],
    ['regenerateGrace', -1],
  ];

  it.each(wrong)('stops the application, with its name: %s', (name, value) => {
    const error = refusal({ [name]: value });
    expect(error).toBeInstanceOf(SessionOptionsError);
    expect(error.option).toBe(name);
    expect(error.code).toBe('ERR_SESSION_OPTION');
    expect(error.message).toContain(`"${name}"`);
  });

  it.each(wrong)('is not printed: %s', (name, value) => {
    const { message, stack } = refusal({ [name]: value });
    expect(message + stack).not.toContain(SECRET);
  });

  it.each([
    [{ store: { get: () => undefined } }, 'store', /has no set, destroy/],
    [{ store: 'redis' }, 'store', /received string/],
    [{ store: [] }, 'store', /an array has no get, set, destroy/],
    [{ ContextStore: { get: 1 } }, 'ContextStore', /must be a class/],
    [{ ContextStore: class Empty {} }, 'ContextStore', /has no get, set, destroy/],
  ])('names what a store lacks: %j', (options, name, text) => {
    const error = refusal(options);
    expect(error).toMatchObject({ option: name, code: 'ERR_SESSION_STORE_INVALID' });
    expect(error.message).toMatch(text);
  });

  it.each([
    [{ externalKey: { get: () => '' } }, 'externalKey.set'],
    [{ externalKey: 'header' }, 'externalKey'],
    [{ codec: { encode: () => '' } }, 'codec.decode'],
  ])('names the member that is missing: %j', (options, name) => {
    expect(refusal(options).option).toBe(name);
  });
});

describe('options', () => {
  it('that are null or undefined are not set', async () => {
    const names = ['key', 'maxAge', 'signed', 'store', 'encode', 'genid', 'sameSite', 'load'];
    for (const nothing of [null, undefined]) {
      const options = Object.fromEntries(names.map((name) => [name, nothing]));
      const site = await KoaSite.open(options as SessionOptions);
      await site.visit((_ctx, of) => (of().a = 1));
      expect(await site.data()).toEqual({ a: 1 });
      expect((await site.browser.jar.getCookies(site.browser.base))[0]?.key).toBe('koa.sess');
      await site.close();
    }
  });

  it('that nobody knows pass', () => {
    expect(() => createSession({ other: 1 } as SessionOptions, new Koa())).not.toThrow();
  });

  it('are read live from the object that was passed', async () => {
    const options: SessionOptions = { rolling: false };
    const store = new PlainStore();
    const site = await KoaSite.open(options);
    options.store = store;
    await site.visit((_ctx, of) => (of().a = 1));
    expect(store.records.size).toBe(1);
    options.rolling = true;
    await site.visit(() => undefined);
    expect(store.calls).toEqual(['set', 'get', 'set']);
    options.store = undefined;
    await site.visit((_ctx, of) => void of().toJSON());
    expect(store.calls).toEqual(['set', 'get', 'set']);
    await site.close();
  });

  it('are the object’s own, whatever its prototype says', async () => {
    const options = Object.create({ rolling: true }) as SessionOptions;
    options.store = new PlainStore();
    const site = await KoaSite.open(options);
    await site.visit((_ctx, of) => (of().a = 1));
    const cookies = async () => (await site.visit(() => undefined)).headers.getSetCookie().length;
    expect(await cookies()).toBe(0);
    options.rolling = true;
    expect(await cookies()).toBe(2);
    delete options.rolling;
    expect(await cookies()).toBe(0);
    await site.close();
  });

  it('changed on ctx.sessionOptions count for that request alone', async () => {
    const site = await KoaSite.open({ store: new PlainStore() });
    const ends = (answer: Response): boolean => / expires=/.test(answer.headers.getSetCookie()[0]!);
    const first = await site.visit((ctx, of) => {
      (ctx.sessionOptions as { maxAge?: number }).maxAge = 60_000;
      of().a = 1;
    });
    expect(ends(first)).toBe(true);
    site.browser.jar.removeAllCookiesSync();
    expect(ends(await site.visit((_ctx, of) => (of().a = 1)))).toBe(false);
    await site.close();
  });

  it('say with maxage what maxAge says, unless that is set', async () => {
    const { warn } = console;
    const warnings: unknown[] = [];
    console.warn = (text: unknown) => warnings.push(text);
    try {
      for (const [options, expected] of [
        [{ maxage: 1000 }, 1000],
        [{ maxage: 1000, maxAge: 2000 }, 2000],
      ] as const) {
        const site = await KoaSite.open(options);
        await site.visit((_ctx, of) => expect(of().maxAge).toBe(expected));
        await site.close();
      }
    } finally {
      console.warn = warn;
    }
    expect(warnings).toEqual([
      '[koa-session] DeprecationWarning: `maxage` option has been renamed to `maxAge`',
    ]);
  });
});
