import { jest } from '@jest/globals';
import { sessionInfo } from '../../lib/session/index.js';
import { application, type Data } from './support.js';

/** When the session's user was authenticated, as the next request sees it. */
async function authenticatedAt(
  { request }: ReturnType<typeof application>,
  from: Parameters<ReturnType<typeof application>['request']>[1],
): Promise<number | undefined> {
  let at: number | undefined;
  await request((session) => void (at = sessionInfo(session).authenticatedAt), from);
  return at;
}

describe('session.update()', () => {
  it('renews the id when it changes a rotateOn key, as an assignment does', async () => {
    const { request, dataOf } = application({ rotateOn: ['userId'] });
    const planted = await request((session) => (session.cart = 1));
    const login = await request(
      (session) => session.update((draft) => void Object.assign(draft, { userId: 'alice' })),
      planted,
    );
    expect(await dataOf(planted)).toEqual({});
    expect(await dataOf(login)).toEqual({ cart: 1, userId: 'alice' });
  });

  it('gives the session to its new owner, under a new id', async () => {
    const app = application({ owner: (session) => (session as Data).userId as string });
    const planted = await app.request((session) => (session.cart = 1));
    const login = await app.request(
      (session) => session.update((draft) => void Object.assign(draft, { userId: 'alice' })),
      planted,
    );
    let owner: unknown;
    await app.request((session) => void (owner = sessionInfo(session).owner), login);
    expect(owner).toBe('alice');
    expect(await app.dataOf(planted)).toEqual({});
  });

  it.each(['_created', '_auth', '_owner', '_moved', '_bound', '_csrf', '_session', '_expire'])(
    'stores no field of the engine that a client chose: %s',
    async (field) => {
      const { request, store } = application();
      let id = '';
      const first = await request((session) => {
        session.cart = 1;
        id = session.externalKey ?? '';
      });
      await request(async (session) => {
        await session.update((draft) => ({ ...draft, [field]: 'mine', cart: 2 }));
        const record = await store.get(id);
        expect(record?.cart).toBe(2);
        expect(record?.[field]).not.toBe('mine');
      }, first);
    },
  );

  it('stores no key that is a member of the session', async () => {
    const { request, store } = application();
    let id = '';
    const first = await request((session) => {
      session.cart = 1;
      id = session.externalKey ?? '';
    });
    const hostile = JSON.parse('{"cart":2,"__proto__":{"admin":true},"isNew":true}') as object;
    await request(async (session) => {
      await session.update(() => hostile);
      const record = (await store.get(id)) ?? {};
      expect(record.cart).toBe(2);
      expect(Object.keys(record)).not.toContain('__proto__');
      expect(Object.keys(record)).not.toContain('isNew');
    }, first);
  });
});

describe('authenticatedAt', () => {
  it('is the login’s also when the session begins with it', async () => {
    const app = application({ rotateOn: ['userId'] });
    const before = Date.now();
    const login = await app.request((session) => (session.userId = 'alice'));
    expect(await authenticatedAt(app, login)).toBeGreaterThanOrEqual(before);
  });

  it('is not renewed by a change of what the user is called or may do', async () => {
    const app = application({ rotateOn: ['user', 'roles'] });
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setTimeout'] });
    try {
      const start = Date.now();
      const login = await app.request((session) => {
        session.user = { id: 1, name: 'Alice' };
        session.roles = ['reader'];
      });
      jest.setSystemTime(start + 3_600_000);
      const renamed = await app.request((session) => {
        (session.user as { name: string }).name = 'Alicia';
        session.roles = ['reader', 'writer'];
      }, login);
      expect(await app.dataOf(login)).toEqual({});
      expect(await authenticatedAt(app, renamed)).toBe(start);
    } finally {
      jest.useRealTimers();
    }
  });

  it('ends when the last of the rotateOn keys goes', async () => {
    const app = application({ rotateOn: ['userId'] });
    const login = await app.request((session) =>
      Object.assign(session, { userId: 'alice', cart: 1 }),
    );
    const left = await app.request((session) => void delete session.userId, login);
    expect(await app.dataOf(left)).toEqual({ cart: 1 });
    expect(await authenticatedAt(app, left)).toBeUndefined();
  });

  it('is the second factor’s when that comes later', async () => {
    const app = application({ rotateOn: ['userId', 'secondFactor'] });
    const login = await app.request((session) => (session.userId = 'alice'));
    const first = await authenticatedAt(app, login);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await app.request((session) => (session.secondFactor = true), login);
    expect(await authenticatedAt(app, second)).toBeGreaterThan(first ?? Infinity);
  });
});
