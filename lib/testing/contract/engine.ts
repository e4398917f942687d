import assert from 'node:assert/strict';
import Koa from 'koa';
import type { Context } from 'koa';
import { createSession } from '../../session/index.js';
import type { Session, SessionOptions } from '../../session/index.js';
import type { SessionStore } from '../../session/store.js';
import { contextOn, setCookies } from '../contexts.js';
import { range } from './bench.js';
import type { Claims } from './bench.js';

type Data = Record<string, unknown>;

/**
 * What a store that compares versions is for: the engine on it, with requests that overlap. A
 * conflict that says something else than what is stored, for instance, shows only here.
 *
 * @internal
 */
export const engineClaims: Claims = {
  'parallel requests of one session all keep what they wrote': async ({ store }) => {
    const user = await User.login(store);
    const writers = range(12).map((n) => (ctx: Context) => {
      sessionOf(ctx)[`key${n}`] = n;
    });
    await user.atOnce(writers);
    const expected = Object.fromEntries(range(12).map((n) => [`key${n}`, n]));
    assert.deepEqual(await user.data(), { user: 'alice', count: 0, ...expected });
  },

  'parallel requests of one session remove what they removed, and nothing else': async ({
    store,
  }) => {
    const user = await User.login(store);
    await user.atOnce([
      (ctx) => {
        delete sessionOf(ctx)['count'];
      },
      (ctx) => {
        sessionOf(ctx)['added'] = true;
      },
    ]);
    assert.deepEqual(await user.data(), { user: 'alice', added: true });
  },

  'parallel requests that count with session.update() lose no count': async ({ store }) => {
    const user = await User.login(store);
    const count = (ctx: Context) =>
      sessionOf(ctx).update((draft) => {
        (draft as { count: number }).count++;
      });
    await user.atOnce(range(12).map(() => count));
    assert.deepEqual(await user.data(), { user: 'alice', count: 12 });
  },

  'a request that ends after the logout brings nothing back, and gets no cookie': async ({
    store,
  }) => {
    for (const options of [{}, { rolling: true }]) {
      const user = await User.login(store, options);
      const late = await user.during(
        (ctx) => {
          sessionOf(ctx)['late'] = true;
        },
        () => user.request((ctx) => void (ctx.session = null)),
      );
      assert.deepEqual(setCookies(late), [], 'the late request got a cookie');
      assert.equal(await user.data(), undefined, 'a late write brought the session back');
    }
  },

  'a renewed id takes along what parallel requests wrote under the old one': async ({ store }) => {
    const user = await User.login(store, { regenerateGrace: 60_000 });
    const written = { early: 1, late: 2 };
    const renewal = await user.during(
      (ctx) => sessionOf(ctx).regenerate(),
      () => user.request((ctx) => void Object.assign(sessionOf(ctx), { early: 1 })),
    );
    await user.request((ctx) => void Object.assign(sessionOf(ctx), { late: 2 }));
    user.takes(renewal);
    assert.deepEqual(await user.data(), { user: 'alice', count: 0, ...written });
  },
};

/** A user with one browser. */
class User {
  readonly #app = new Koa();
  #cookie = '';

  static async login(store: SessionStore, options: SessionOptions = {}): Promise<User> {
    const user = new User();
    user.#app.keys = ['a key for tests'];
    user.#app.use(createSession({ maxAge: 600_000, ...options, store }, user.#app));
    const login = await user.request(
      (ctx) => void Object.assign(sessionOf(ctx), { user: 'alice', count: 0 }),
    );
    user.takes(login);
    return user;
  }

  /** The browser keeps the cookies of an answer. */
  takes(answer: Context): void {
    this.#cookie = setCookies(answer)
      .map((line) => line.split(';')[0])
      .join('; ');
  }

  async request(handler: (ctx: Context) => unknown): Promise<Context> {
    const ctx = contextOn(this.#app, this.#cookie === '' ? {} : { cookie: this.#cookie });
    const [session] = this.#app.middleware;
    await session?.(ctx as never, async () => {
      await handler(ctx);
    });
    return ctx;
  }

  /** Requests each of which has read the session before any of them writes it. */
  async atOnce(handlers: readonly ((ctx: Context) => unknown)[]): Promise<void> {
    let waiting = handlers.length;
    let open: () => void = () => undefined;
    const allHaveRead = new Promise<void>((resolve) => (open = resolve));
    const requests = handlers.map((handler) =>
      this.request(async (ctx) => {
        assert.equal(sessionOf(ctx)['user'], 'alice');
        if (--waiting === 0) open();
        await allHaveRead;
        await handler(ctx);
      }),
    );
    // One that fails before it has read would keep the others waiting.
    void Promise.all(requests).catch(() => open());
    await Promise.all(requests);
  }

  /** A request, and another one that begins and ends while it runs. */
  during(handler: (ctx: Context) => unknown, other: () => Promise<unknown>): Promise<Context> {
    return this.request(async (ctx) => {
      assert.equal(sessionOf(ctx)['user'], 'alice');
      await other();
      await handler(ctx);
    });
  }

  /** What the session holds; `undefined` when there is none. */
  async data(): Promise<Data | undefined> {
    let data: Data | undefined;
    await this.request((ctx) => {
      if (ctx.session?.isNew === false) data = ctx.session.toJSON() as Data;
    });
    return data;
  }
}

function sessionOf({ session }: Context): Session & Data {
  return session as Session & Data;
}
