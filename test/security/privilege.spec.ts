import { jest } from '@jest/globals';
import { sessionInfo } from '../../lib/session/index.js';
import { MemoryStore } from '../../lib/stores/memory.js';
import { cookieHeader, inProcess } from '../support/in-process.js';
import { application, type Data, overtaken } from './support.js';

const HASH_KEY = 'a secret for tests, of 32 random bytes';

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

describe('session.update() that has to run again', () => {
  /** Makes of an invitation, which only a parallel request leaves behind, the login of its user. */
  const accept = (session: Data): Promise<void> =>
    session.update((draft) => {
      const data = draft as Record<string, unknown>;
      if (data.invited === undefined) data.asked = true;
      else data.userId = data.invited;
    });

  it.each([
    ['rotateOn', { rotateOn: ['userId'] }],
    ['owner', { owner: (session: unknown) => (session as Data).userId as string }],
    ['rotateOn, although renewEvery was due', { rotateOn: ['userId'], renewEvery: 1 }],
    ['rotateOn, with hashed ids', { rotateOn: ['userId'], hashIds: { key: HASH_KEY } }],
  ])('renews the id when it logs a user in only then: %s', async (_title, options) => {
    const { store, before } = overtaken();
    const { request, dataOf } = application(options, store);
    const planted = await request((session) => (session.cart = 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    before.update = () => request((session) => (session.invited = 'alice'), planted);
    const login = await request(accept, planted);
    expect(before).toEqual({});
    expect((await dataOf(planted)).userId).toBeUndefined();
    expect(await dataOf(login)).toMatchObject({ cart: 1, invited: 'alice', userId: 'alice' });
  });

  it('renews the id of a session that hashIds moves in the same write', async () => {
    const { store, before } = overtaken();
    const plain = application({}, store);
    const planted = await plain.request((session) => (session.cart = 1));
    const hashIds = { key: HASH_KEY, acceptPlain: true };
    const { request, dataOf } = application({ rotateOn: ['userId'], hashIds }, store);
    before.update = () => plain.request((session) => (session.invited = 'alice'), planted);
    const login = await request(accept, planted);
    expect(before).toEqual({});
    expect((await dataOf(planted)).userId).toBeUndefined();
    expect(await dataOf(login)).toMatchObject({ cart: 1, invited: 'alice', userId: 'alice' });
  });

  it('counts exactly, also when it renews the id', async () => {
    const { store, before } = overtaken();
    const { request, dataOf } = application({ rotateOn: ['userId'] }, store);
    const count = (session: Data): Promise<void> =>
      session.update((draft) => {
        const data = draft as { count?: number; userId?: string };
        data.count = (data.count ?? 0) + 1;
        if (data.count === 3) data.userId = 'alice';
      });
    const planted = await request((session) => (session.count = 1));
    before.update = () => request(count, planted);
    const login = await request(count, planted);
    expect(await dataOf(planted)).toEqual({});
    expect(await dataOf(login)).toEqual({ count: 3, userId: 'alice' });
  });

  it('keeps to the number of sessions that an owner may have', async () => {
    const { store, before } = overtaken();
    const { request, dataOf } = application(
      {
        owner: (session) => (session as Data).userId as string,
        maxSessionsPerOwner: 1,
        onSessionLimit: 'refuse-new',
      },
      store,
    );
    await request((session) => (session.userId = 'alice'));
    const planted = await request((session) => (session.cart = 1));
    before.update = () => request((session) => (session.invited = 'alice'), planted);
    await expect(request(accept, planted)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_LIMIT' }),
    );
    expect((await dataOf(planted)).userId).toBeUndefined();
  });
});

describe('a login under an id that somebody else knows too', () => {
  it.each([
    ['renews it in passing', { renewEvery: 1 }, () => undefined],
    [
      'regenerates it with a grace time',
      { regenerateGrace: 60_000 },
      (session: Data) => session.regenerate(),
    ],
  ])('is not shared with who %s meanwhile', async (_title, options, renew) => {
    const { store, before } = overtaken();
    const { request, dataOf } = application({ rotateOn: ['userId'], ...options }, store);
    const planted = await request((session) => (session.cart = 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    let theirs = planted;
    before.update = async () => (theirs = await request(renew, planted));
    const login = await request((session) => (session.userId = 'alice'), planted);
    expect(theirs.setCookie).not.toEqual([]);
    expect((await dataOf(planted)).userId).toBeUndefined();
    expect((await dataOf(theirs)).userId).toBeUndefined();
    expect(await dataOf(login)).toEqual({ cart: 1, userId: 'alice' });
  });

  it('is not shared with who logs in himself meanwhile', async () => {
    const { store, before } = overtaken();
    const { request, dataOf } = application({ rotateOn: ['userId'] }, store);
    const planted = await request((session) => (session.cart = 1));
    let attack = planted;
    before.update = async () => {
      attack = await request((own) => (own.userId = 'mallory'), planted);
    };
    const login = await request((session) => (session.userId = 'alice'), planted);
    expect((await dataOf(attack)).userId).toBe('mallory');
    expect(await dataOf(planted)).toEqual({});
    expect(login.setCookie).toEqual([]);
  });
});

describe('a logout', () => {
  it.each([
    ['before it reaches the store', { renewEvery: 1 }],
    ['before it reaches the store, with hashed ids', { renewEvery: 1, hashIds: { key: HASH_KEY } }],
    ['by regenerate(), before it reaches the store', { regenerateGrace: 60_000 }],
  ])('ends the session also under an id that another tab got %s', async (_title, options) => {
    const { request, dataOf, store } = application(options);
    const login = await request((session) => (session.userId = 'alice'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    let other = login;
    const renew = (session: Data): unknown =>
      'regenerateGrace' in options ? session.regenerate() : undefined;
    await request(async (session) => {
      other = await request(renew, login);
      await session.logout();
    }, login);
    expect(other.setCookie).not.toEqual([]);
    expect(await dataOf(other)).toEqual({});
    expect(await dataOf(login)).toEqual({});
    expect(store.size).toBeLessThanOrEqual(1);
  });

  it('keeps another tab from renewing the id that is about to go', async () => {
    const { store, before } = overtaken();
    const { request, dataOf } = application({ renewEvery: 1 }, store);
    const login = await request((session) => (session.userId = 'alice'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    let other: typeof login | undefined;
    before.destroy = async () => (other = await request((session) => session.userId, login));
    await request((session) => session.logout(), login);
    expect(await dataOf(other!)).toEqual({});
    expect(store.size).toBe(0);
  });

  it('works while the store takes no writes', async () => {
    const memory = new MemoryStore();
    let isFull = false;
    const store = new Proxy(memory, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (isFull && name === 'update') return () => Promise.reject(new Error('out of memory'));
        return member.bind(target) as unknown;
      },
    });
    const { request, dataOf } = application({ renewEvery: 60_000 }, store);
    const login = await request((session) => (session.userId = 'alice'));
    isFull = true;
    await request((session) => session.logout(), login);
    expect(await dataOf(login)).toEqual({});
    expect(memory.size).toBe(0);
  });
});

describe('the number of sessions that an owner may have', () => {
  const owner = (session: unknown) => (session as Data).userId as string;

  it('is kept by two logins in one moment, of which a refusing limit refuses the second', async () => {
    const { store, before } = overtaken();
    const limits = { owner, maxSessionsPerOwner: 1, onSessionLimit: 'refuse-new' } as const;
    const { app, request, dataOf } = application(limits, store);
    let first: Awaited<ReturnType<typeof request>> | undefined;
    before.create = async () => (first = await request((session) => (session.userId = 'alice')));
    const second = await inProcess(app, (ctx) => Object.assign(ctx.session, { userId: 'alice' }));
    expect(second.error).toMatchObject({ code: 'ERR_SESSION_LIMIT', status: 409 });
    expect(await dataOf(cookieHeader(second))).toEqual({});
    expect(await dataOf(first!)).toEqual({ userId: 'alice' });
    expect(await store.listByOwner('alice')).toHaveLength(1);
  });

  it('ends one of two that began in one millisecond, and not both', async () => {
    const memory = new MemoryStore();
    let calls = 0;
    const store = new Proxy(memory, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name !== 'listByOwner') return (member as () => unknown).bind?.(target) ?? member;
        return async (id: string) => {
          const list = await target.listByOwner(id);
          const inOrder = list.toSorted((a, b) => (a.key < b.key ? -1 : 1));
          return calls++ % 2 === 0 ? inOrder : inOrder.reverse();
        };
      },
    });
    const { request } = application({ owner, maxSessionsPerOwner: 1 }, store);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setTimeout'] });
    try {
      // Each of the two sees both sessions, in an order of its own.
      await Promise.all([1, 2].map(() => request((session) => (session.userId = 'alice'))));
    } finally {
      jest.useRealTimers();
    }
    expect(await memory.listByOwner('alice')).toHaveLength(1);
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
