import type { SessionEvents } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { KoaSite, PlainStore } from '../../support/koa-site.js';

describe('the events of a session', () => {
  let site: KoaSite;

  afterEach(() => site.close());

  const after = async (act: () => Promise<unknown>): Promise<string[]> => {
    site.events.length = 0;
    await act();
    return [...site.events];
  };

  it.each([
    ["koa-session's methods", () => new PlainStore()],
    ['every power', () => new MemoryStore()],
  ])('follow its life in a store with %s', async (_what, store) => {
    site = await KoaSite.open({ store: store() });
    const { visit } = { visit: site.visit.bind(site) };
    expect(await after(() => visit(() => undefined))).toEqual([]);
    expect(await after(() => visit((_ctx, of) => (of().a = 1)))).toEqual([
      'created',
      'saved changed',
    ]);
    expect(await after(() => visit((_ctx, of) => (of().a = 2)))).toEqual(['saved changed']);
    expect(await after(() => visit((_ctx, of) => of().save()))).toEqual(['saved forced']);
    expect(await after(() => visit((_ctx, of) => of().regenerate()))).toEqual([
      'regenerated requested',
      'saved forced',
    ]);
    expect(await after(() => visit((ctx) => void (ctx.session = null)))).toEqual([
      'destroyed removed',
    ]);
  });

  it('tell why a session was prolonged', async () => {
    site = await KoaSite.open({ store: new PlainStore(), rolling: true, maxAge: 60_000 });
    await site.visit((_ctx, of) => (of().a = 1));
    expect(await after(() => site.visit(() => undefined))).toEqual(['saved rolling']);
  });

  it("tell of a record that is over or refused, in koa-session's words first", async () => {
    const store = new PlainStore();
    site = await KoaSite.open({ store, valid: (_ctx, record) => record.bad === undefined });
    await site.visit((_ctx, of) => (of().bad = true));
    expect(await after(() => site.visit(() => undefined))).toEqual([
      'invalid',
      'destroyed invalid',
    ]);
    await site.visit((_ctx, of) => (of().a = 1));
    for (const [key, text] of store.records) {
      store.records.set(key, JSON.stringify({ ...JSON.parse(text), _expire: 1 }));
    }
    expect(await after(() => site.visit(() => undefined))).toEqual([
      'expired',
      'destroyed expired',
    ]);
    store.records.clear();
    await site.visit((_ctx, of) => (of().a = 1));
    store.records.clear();
    expect(await after(() => site.visit(() => undefined))).toEqual(['missed']);
  });

  it('tell what of a client was refused', async () => {
    site = await KoaSite.open({});
    const send = (cookie: string): Promise<string[]> =>
      after(() => site.visit((_ctx, of) => void of().toJSON(), { headers: { cookie } }));
    expect(await send('koa.sess=YQ==; koa.sess.sig=AAAAAAAAAAAAAAAAAAAAAAAAAAA')).toEqual([
      'refused bad-signature',
    ]);
    await site.visit((_ctx, of) => (of().a = 1));
    const good = await site.browser.jar.getCookieString(site.browser.base);
    site.browser.jar.removeAllCookiesSync();
    expect(await send(`koa.sess=planted; ${good}`)).toEqual(['refused duplicate-cookie']);
    const unsigned = await KoaSite.open({ signed: false });
    await unsigned.visit((_ctx, of) => void of().toJSON(), { headers: { cookie: 'koa.sess=%%' } });
    expect(unsigned.events).toEqual(['refused undecodable']);
    await unsigned.close();
  });

  it('tell of a session that cannot be written, with its error', async () => {
    site = await KoaSite.open({});
    const answer = await site.visit((_ctx, of) => (of().a = 'x'.repeat(4000)));
    expect(answer.status).toBe(500);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(site.events).toEqual(['failed cookie-too-large']);
    expect(site.payloads[0]).toMatchObject({
      name: 'koa.sess',
      error: { code: 'ERR_SESSION_COOKIE_TOO_LARGE' },
    });
  });

  it('tell of a session that was ended meanwhile by its own reason alone', async () => {
    const store = new MemoryStore();
    site = await KoaSite.open({ store });
    await site.visit((_ctx, of) => (of().a = 1));
    site.events.length = 0;
    await site.visit(async (_ctx, of) => {
      await store.destroy(String(of().externalKey));
      of().a = 2;
      await expect(of().save()).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' });
    });
    expect(site.events).toEqual(['failed gone']);
  });

  it("tell of a commit that failed behind a handler's error", async () => {
    const store = new PlainStore();
    site = await KoaSite.open({ store });
    store.instead.set = () => Promise.reject(new Error('down'));
    const answer = await site.visit((ctx, of) => {
      of().a = 1;
      ctx.throw(403);
    });
    expect(answer.status).toBe(403);
    expect(site.events).toContain('failed store');
  });

  it('are typed by their names', async () => {
    site = await KoaSite.open({});
    const listen = <Name extends keyof SessionEvents>(
      name: Name,
      listener: (payload: SessionEvents[Name]) => void,
    ): void => void site.app.on(name, listener);
    const reasons: SessionEvents['session:saved']['reason'][] = [];
    listen(
      'session:saved',
      ({ reason, name }) => reasons.push(reason) && expect(name).toBe('koa.sess'),
    );
    await site.visit((_ctx, of) => (of().a = 1));
    expect(reasons).toEqual(['changed']);
  });

  it("hold no id, cookie value or session data, apart from koa-session's three", async () => {
    const store = new PlainStore();
    site = await KoaSite.open({ store });
    let id = '';
    await site.visit(async (_ctx, of) => {
      of().card = 'the secret';
      await of().save();
      id = of().externalKey as string;
      of().toJSON = 1 as never;
    });
    store.instead.set = () => Promise.reject(new Error('down'));
    await site.visit((_ctx, of) => (of().card = 'the secret, again'));
    delete store.instead.set;
    await site.visit((_ctx, of) => of().regenerate());
    await site.visit((ctx) => void (ctx.session = null));
    expect(site.events).toEqual([
      'created',
      'saved forced',
      'refused reserved-key',
      'failed store',
      'regenerated requested',
      'saved forced',
      'destroyed removed',
    ]);
    for (const { ctx, ...payload } of site.payloads) {
      expect(ctx).toBeDefined();
      const text = JSON.stringify(payload, (_key, value: unknown) =>
        value instanceof Error ? [value.message, value.stack, { ...value }] : value,
      );
      expect(text).not.toContain('the secret');
      expect(text).not.toContain(id);
    }
  });
});
