import { MemoryStore } from '../../lib/stores/memory.js';
import type { SessionStore } from '../../lib/session/index.js';
import { application, type Data, eventsOf, told } from './support.js';

/** CVE-2022-39263: a store that looks at half of what it is asked for. */
function careless(methods: readonly string[]) {
  const memory = new MemoryStore();
  let wrongKey: string | undefined;
  const store = new Proxy(memory, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (!methods.includes(String(name))) return member.bind(target) as unknown;
      return (key: string, ...rest: unknown[]): unknown =>
        Reflect.apply(member, target, [wrongKey ?? key, ...rest]);
    },
  });
  return { store, memory, answerWith: (key: string | undefined) => (wrongKey = key) };
}

/** koa-session's three methods, over a store that can do more. */
function plain(store: MemoryStore): SessionStore {
  return {
    get: (key) => store.get(key),
    set: (key, record, maxAge) => store.set(key, record, maxAge),
    destroy: (key) => store.destroy(key),
  };
}

async function twoUsers(options: object, store: MemoryStore) {
  const app = application({ verifyRecords: true, ...options }, store);
  const seen = eventsOf(app.app, 'session:refused');
  const keys: string[] = [];
  const logIn = (user: string) =>
    app.request((session) => {
      session.user = user;
      keys.push(session.externalKey as string);
    });
  const [alice, mallory] = [await logIn('alice'), await logIn('mallory')];
  return { ...app, seen, alice, mallory, aliceKey: keys[0] as string };
}

describe('a store that answers with another session’s record', () => {
  it.each([
    ['a store that can compare and set', (store: MemoryStore) => ({ store })],
    ['koa-session’s three methods', (store: MemoryStore) => ({ store: plain(store) })],
  ])('opens nobody’s session with the cookie of another: %s', async (_title, optionsOf) => {
    const { store, memory, answerWith } = careless(['read', 'get']);
    const { request, dataOf, seen, alice, mallory, aliceKey } = await twoUsers(
      optionsOf(store),
      store,
    );
    answerWith(aliceKey);
    expect(await dataOf(mallory)).toEqual({});
    expect(await dataOf(alice)).toEqual({ user: 'alice' });
    await request((session) => (session.mine = 1), mallory);
    await told();
    expect(seen).toEqual(['session:refused wrong-record', 'session:refused wrong-record']);
    answerWith(undefined);
    expect(await memory.get(aliceKey)).not.toHaveProperty('mine');
    expect(await dataOf(mallory)).toEqual({ user: 'mallory' });
  });

  it('merges nobody’s data with another’s', async () => {
    const { store, answerWith } = careless(['update']);
    const { request, dataOf, alice, mallory, aliceKey } = await twoUsers({}, store);
    let held: Data | undefined;
    await request((session) => {
      held = session;
      session.mine = 1;
      answerWith(aliceKey);
    }, mallory);
    answerWith(undefined);
    expect({ ...held }).toEqual({ user: 'mallory', mine: 1 });
    expect(await dataOf(alice)).toEqual({ user: 'alice' });
    expect(await dataOf(mallory)).toEqual({ user: 'mallory' });
  });

  it('is taken as it is without the option, as in koa-session', async () => {
    const { store, answerWith } = careless(['read']);
    const { dataOf, mallory, aliceKey } = await twoUsers({ verifyRecords: false }, store);
    answerWith(aliceKey);
    expect(await dataOf(mallory)).toEqual({ user: 'alice' });
  });
});

describe('verifyRecords', () => {
  it('takes records that were written without it, and follows a session to its new id', async () => {
    const store = new MemoryStore();
    const before = application({}, store);
    const first = await before.request((session) => (session.user = 'alice'));
    const options = { verifyRecords: true, regenerateGrace: 60_000, hashIds: undefined };
    const { request, dataOf } = application(options, store);
    expect(await dataOf(first)).toEqual({ user: 'alice' });
    const renewed = await request((session) => session.regenerate(), first);
    expect(await dataOf(first)).toEqual({ user: 'alice' });
    expect(await dataOf(renewed)).toEqual({ user: 'alice' });
  });

  it('changes nothing of a record while it is off', async () => {
    let id = '';
    const { request, store } = application();
    await request((session) => {
      session.user = 'alice';
      id = session.externalKey as string;
    });
    const { _expire, ...record } = (await store.get(id)) ?? {};
    expect(record).toEqual({ user: 'alice', _maxAge: 86_400_000 });
  });
});
