import Koa from 'koa';
import type { Session, SessionOptions } from '../../../lib/session/index.js';
import { createSession, sessionInfo, SessionOwners } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { cookieHeader, inProcess, type InProcessAnswer } from '../../support/in-process.js';

type Data = Session & Record<string, unknown>;

function application(options: SessionOptions = {}) {
  const store = new MemoryStore();
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  const owner = (session: Session) => (session as Data).userId as string | undefined;
  app.use(createSession({ store, owner, ...options }, app));
  const request = (act: (session: Data, ctx: Koa.Context) => unknown, from?: InProcessAnswer) =>
    inProcess(
      app,
      (ctx) => act(ctx.session as Data, ctx),
      from === undefined ? '' : cookieHeader(from),
    );
  const login = (userId: string) => request((session) => (session.userId = userId));
  const userOf = async (from: InProcessAnswer) => {
    let user: unknown;
    await request((session) => void (user = session.userId), from);
    return user;
  };
  return { app, store, request, login, userOf, owners: new SessionOwners(store) };
}

/** Sessions of one millisecond are ordered by their ids: by chance. */
const anotherMillisecond = () => new Promise((resolve) => setTimeout(resolve, 2));

/** What another request does once somebody has asked for an owner's sessions. */
function afterListing(store: MemoryStore, act: () => Promise<unknown>): void {
  const list = store.listByOwner.bind(store);
  let isFirst = true;
  store.listByOwner = async (owner) => {
    const listed = await list(owner);
    if (isFirst) {
      isFirst = false;
      await act();
    }
    return listed;
  };
}

describe('SessionOwners', () => {
  it('lists an owner’s sessions without an id that would open one', async () => {
    const { login, owners, request } = application({ device: true });
    const first = await login('alice');
    await login('bob');
    await login('alice');
    const list = await owners.list('alice');
    expect(list).toHaveLength(2);
    expect(list[0]?.device).toMatchObject({ userAgent: '', usedAt: expect.any(Number) });
    for (const { handle } of list) {
      expect(JSON.stringify(list)).not.toContain(cookieHeader(first).split(/[=;]/)[1]);
      const taken = await inProcess(
        application().app,
        (ctx) => void ctx.session.isNew,
        `koa.sess=${handle}`,
      );
      expect(taken.error).toBeUndefined();
    }
    let own: string | undefined;
    await request((session) => (own = sessionInfo(session).handle), first);
    expect(list.map(({ handle }) => handle)).toContain(own);
  });

  it('ends one session, all others, or all, also for requests on their way', async () => {
    const { login, owners, request, userOf } = application();
    const [a, b, c] = [await login('alice'), await login('alice'), await login('alice')];
    const bob = await login('bob');
    let handle: string | undefined;
    await request((session) => (handle = sessionInfo(session).handle), a);
    expect(await owners.end('bob', handle as string)).toBe(false);
    expect(await owners.end('alice', handle as string)).toBe(true);
    expect(await userOf(a)).toBeUndefined();

    await request(async (session) => {
      expect(await owners.endOthers('alice', session)).toBe(1);
    }, b);
    expect([await userOf(b), await userOf(c)]).toEqual(['alice', undefined]);

    const late = await request(async (session) => {
      await owners.endAll('alice');
      session.late = true;
    }, b);
    expect(late.setCookie).toEqual([]);
    expect([await userOf(b), await userOf(bob)]).toEqual([undefined, 'bob']);
    await owners.endEverything();
    expect(await userOf(bob)).toBeUndefined();
  });

  it('ends a session that gets a new id at that moment', async () => {
    const { store, login, owners, request, userOf } = application();
    const first = await login('alice');
    let handle = '';
    await request((session) => (handle = sessionInfo(session).handle as string), first);
    let renewed = first;
    afterListing(store, async () => {
      renewed = await request((session) => session.regenerate(), first);
    });
    expect(await owners.end('alice', handle)).toBe(true);
    expect(cookieHeader(renewed)).not.toBe(cookieHeader(first));
    expect([await userOf(renewed), await owners.list('alice')]).toEqual([undefined, []]);
  });

  it('refuses a store that cannot find sessions by owner', () => {
    const plain = { get: () => undefined, set: () => undefined, destroy: () => undefined };
    expect(() => new SessionOwners(plain)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_UNSUPPORTED' }),
    );
  });
});

describe('maxSessionsPerOwner', () => {
  it('ends the oldest session', async () => {
    const { login, userOf } = application({ maxSessionsPerOwner: 2 });
    const sessions: InProcessAnswer[] = [];
    for (let i = 0; i < 4; i++) {
      sessions.push(await login('alice'));
      await anotherMillisecond();
    }
    const users = [];
    for (const session of sessions) users.push(await userOf(session));
    expect(users).toEqual([undefined, undefined, 'alice', 'alice']);
  });

  it('ends the oldest one under the new id that it gets at that moment', async () => {
    const { store, login, owners, request, userOf } = application({ maxSessionsPerOwner: 1 });
    const first = await login('alice');
    let renewed = first;
    afterListing(store, async () => {
      renewed = await request((session) => session.regenerate(), first);
    });
    await anotherMillisecond();
    const second = await login('alice');
    expect([await userOf(renewed), await userOf(second)]).toEqual([undefined, 'alice']);
    expect(await owners.list('alice')).toHaveLength(1);
  });

  it('or refuses the new one, which the client may be told', async () => {
    const { login } = application({ maxSessionsPerOwner: 1, onSessionLimit: 'refuse-new' });
    expect((await login('alice')).error).toBeUndefined();
    const { error } = await login('alice');
    expect(error).toMatchObject({ code: 'ERR_SESSION_LIMIT', status: 409, expose: true });
    expect((await login('bob')).error).toBeUndefined();
  });
});

describe('an owner', () => {
  it('that changes gives the session a new id', async () => {
    const { login, request, userOf } = application();
    const alice = await login('alice');
    const bob = await request((session) => (session.userId = 'bob'), alice);
    expect([await userOf(alice), await userOf(bob)]).toEqual([undefined, 'bob']);
  });
});
