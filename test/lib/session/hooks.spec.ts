import type { Session, SessionOptions } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { KoaSite, PlainStore } from '../../support/koa-site.js';

const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));

describe('an asynchronous hook', () => {
  let site: KoaSite;
  let store: PlainStore;

  const open = async (options: SessionOptions): Promise<void> => {
    site = await KoaSite.open(options);
  };

  beforeEach(() => {
    store = new PlainStore();
  });

  afterEach(() => site.close());

  it('valid is awaited, with a store and in a cookie', async () => {
    for (const backing of [{ store }, {}]) {
      await open({ ...backing, valid: async (_ctx, record) => later(record.ok === true) });
      await site.visit((_ctx, of) => (of().ok = true));
      expect(await site.data()).toEqual({ ok: true });
      await site.visit((_ctx, of) => (of().ok = false));
      expect(await site.data()).toEqual({});
      if (backing.store) await site.close();
    }
  });

  it('genid is awaited, and gives each session an id of its own', async () => {
    let ids = 0;
    await open({ store, genid: async () => `id-${await later(++ids)}` });
    await site.visit((_ctx, of) => (of().a = 1));
    site.browser.jar.removeAllCookiesSync();
    await site.visit((_ctx, of) => (of().a = 2));
    await site.visit(async (_ctx, of) => {
      await of().regenerate();
      expect(of().externalKey).toMatch(/^id-\d$/);
    });
    expect(store.records.size).toBe(2);
    expect([...store.records.keys()].every((key) => /^id-\d$/.test(key))).toBe(true);
  });

  it.each([12, 'id'])(
    'genid may give %j, which is text to the store and the client',
    async (id) => {
      await open({ store, genid: (() => id) as never });
      await site.visit((_ctx, of) => {
        of().a = 1;
        expect(of().externalKey).toBe(String(id));
      });
      expect(await site.data()).toEqual({ a: 1 });
    },
  );

  it('genid that gives what no cookie can carry is told, however often it is written', async () => {
    await open({ store, genid: () => 't; Domain=evil.example' });
    const acts: ((of: () => Session) => unknown)[] = [
      (of) => of().save(),
      (of) => of().login('ada'),
      (of) => of().regenerate(),
      (of) =>
        of()
          .save()
          .catch(() => undefined),
    ];
    for (const act of acts) {
      const answer = await site.visit((_ctx, of) => {
        of().a = 1;
        return act(of);
      });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([500, []]);
      expect(site.errors.at(-1)?.message).toBe('argument value is invalid');
    }
  });

  it.each([
    ['', /an empty one/],
    [undefined, /received undefined/],
    [{}, /received an object/],
  ])('genid that gives %j, now or later, is told and nothing is written', async (id, message) => {
    for (const genid of [() => id, async () => id]) {
      await open({ store, genid: genid as never });
      const answer = await site.visit((_ctx, of) => (of().a = 1));
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([500, []]);
      expect(site.errors.at(-1)).toMatchObject({
        option: 'genid',
        message: expect.stringMatching(message) as string,
      });
      expect(store.records.size).toBe(0);
      await site.close();
    }
    await open({ store });
  });

  it.each([true, false])(
    'genid that fails while a new id is due never ends the process, headers gone: %s',
    async (streams) => {
      const unhandled: unknown[] = [];
      const note = (error: unknown): void => void unhandled.push(error);
      process.on('unhandledRejection', note);
      let ids = 0;
      await open({
        store,
        rotateOn: ['user'],
        genid: async () => {
          await later(ids);
          if (++ids > 1) throw new Error('no id to be had');
          return 'id-1';
        },
      });
      await site.visit((_ctx, of) => (of().a = 1));
      const answer = await site.visit((ctx, of) => {
        of().user = 'alice';
        if (!streams) return;
        ctx.respond = false;
        ctx.res.writeHead(200).end('ok');
      });
      expect(answer.status).toBe(streams ? 200 : 500);
      await later(await later(undefined));
      process.off('unhandledRejection', note);
      expect(unhandled).toEqual([]);
      expect(await site.data()).toEqual({ a: 1 });
    },
  );

  it('genid that fails leaves the session where it is', async () => {
    let fails = false;
    await open({
      store: new MemoryStore(),
      genid: () => {
        if (fails) throw new Error('no id to be had');
        return 'id-1';
      },
    });
    await site.visit((_ctx, of) => (of().a = 1));
    fails = true;
    await site.visit(async (_ctx, of) => {
      await expect(of().regenerate()).rejects.toThrow('no id to be had');
      of().b = 2;
    });
    expect(site.errors).toEqual([]);
    expect(await site.data()).toEqual({ a: 1, b: 2 });
  });

  it('valid may look at the session before there is one, and hides nothing by that', async () => {
    await open({
      store,
      valid: (ctx) => {
        (ctx.session as unknown as Record<string, unknown>).early = true;
        return true;
      },
    });
    await site.visit((_ctx, of) => (of().a = 1));
    await site.visit((_ctx, of) => {
      expect([of().isNew, of().toJSON()]).toEqual([false, { a: 1 }]);
      of().b = 2;
    });
    expect(await site.data()).toEqual({ a: 1, b: 2 });
  });

  it('beforeSave is awaited, and what it changes is saved', async () => {
    await open({
      store,
      beforeSave: async (_ctx, session) => {
        await later(undefined);
        Object.assign(session, { stamped: true });
      },
    });
    await site.visit((_ctx, of) => (of().a = 1));
    expect(await site.data()).toEqual({ a: 1, stamped: true });
  });

  it('beforeSave may replace or remove the session that was to be saved', async () => {
    await open({
      store,
      beforeSave: (ctx, session) => {
        const { act } = session as { act?: string };
        if (act === 'replace') ctx.session = { replaced: true } as never;
        if (act === 'remove') ctx.session = null;
      },
    });
    await site.visit((_ctx, of) => (of().act = 'replace'));
    expect(await site.data()).toEqual({ replaced: true });
    const answer = await site.visit((_ctx, of) => (of().act = 'remove'));
    expect(answer.status).toBe(200);
    expect(await site.data()).toEqual({});
    expect(store.records.size).toBe(0);
  });

  it('beforeSave may save the session itself, and is not asked again for that', async () => {
    let asked = 0;
    await open({
      store,
      beforeSave: async (_ctx, session) => {
        asked++;
        await session.save();
        Object.assign(session, { stamped: true });
      },
    });
    const answer = await site.visit(async (_ctx, of) => {
      of().a = 1;
      await of().save();
    });
    expect(answer.status).toBe(200);
    expect(asked).toBe(1);
    expect(await site.data()).toEqual({ a: 1, stamped: true });
  }, 5_000);

  it('encode and decode are awaited', async () => {
    const codec: SessionOptions = {
      load: 'eager',
      encode: (record) => later(Buffer.from(JSON.stringify(record)).toString('hex')),
      decode: (text) => later(JSON.parse(Buffer.from(text, 'hex').toString()) as unknown),
    };
    await open(codec);
    await site.visit((_ctx, of) => (of().a = 1));
    expect(await site.data()).toEqual({ a: 1 });
    site.browser.jar.removeAllCookiesSync();
    await site.close();
    await open({ ...codec, load: 'lazy' });
    await site.visit(async (ctx) => void Object.assign(await ctx.session, { b: 1 }));
    expect(await site.data()).toEqual({ b: 1 });
  });

  it('externalKey is awaited, and told of a removal', async () => {
    let carried: string | undefined;
    await open({
      store,
      externalKey: {
        get: () => later(carried),
        set: async (_ctx, key) => void (carried = await later(key)),
        remove: async () => void (carried = await later(undefined)),
      },
    });
    await site.visit((_ctx, of) => (of().a = 1));
    expect(await site.data()).toEqual({ a: 1 });
    expect(carried).toBe([...store.records.keys()][0]);
    const removed = await site.visit((ctx) => void (ctx.session = null));
    expect(carried).toBeUndefined();
    expect(removed.headers.getSetCookie()).toEqual([]);
  });

  it('that rejects fails the request with its own error', async () => {
    const rejects = (): Promise<never> => Promise.reject(new Error('the hook failed'));
    for (const options of [
      { genid: rejects },
      { beforeSave: rejects },
      { encode: rejects, store: undefined },
      { externalKey: { get: () => undefined, set: rejects } },
    ] satisfies SessionOptions[]) {
      await open({ store, ...options });
      const answer = await site.visit((_ctx, of) => (of().a = 1));
      expect(answer.status).toBe(500);
      expect(site.errors.map(({ message }) => message)).toEqual(['the hook failed']);
      await site.close();
    }
    await open({});
  });

  it('that nobody could await is refused with an error that says what to set', async () => {
    // Not declared `async`, so the middleware could not see it coming.
    await open({ decode: () => later({ a: 1 }), signed: false });
    const answer = await site.visit((_ctx, of) => void of().toJSON(), {
      headers: { cookie: 'koa.sess=YQ' },
    });
    expect(answer.status).toBe(500);
    expect(site.errors[0]).toMatchObject({ code: 'ERR_SESSION_ASYNC_HOOK' });
    expect(site.errors[0]?.message).toContain("load: 'eager'");
  });
});
