import { inspect } from 'node:util';
import Koa from 'koa';
import type { Scenario } from './lab.js';
import type { Op } from './steps.js';
import type { LooseContext } from './world.js';

const MINUTE = 60_000;
const SET: Op = { do: 'set', key: 'a', value: 1 };
const READ: Op = { do: 'read' };

/** What koa-session does and this package does as well. */
export const AGREEMENTS: readonly Scenario[] = [
  {
    name: 'session(options, app), session(app, options), session(app) and no application at all',
    run: ({ engine }) => {
      const install = engine.install as (first: unknown, second?: unknown) => unknown;
      const attempt = (first: unknown, second?: unknown): string => {
        try {
          // `install` swaps the two for session(options, app).
          install(second, first);
          return 'starts';
        } catch (error) {
          return (error as Error).message;
        }
      };
      return [
        attempt({}, new Koa()),
        attempt(undefined, new Koa()),
        attempt(null, new Koa()),
        attempt(new Koa(), {}),
        attempt(new Koa()),
        attempt({}),
        attempt({}, {}),
        attempt(null),
      ];
    },
  },
  {
    name: 'the old name maxage counts, with a warning outside production',
    run: async (lab) => {
      const { warn } = console;
      const warnings: unknown[] = [];
      console.warn = (text: unknown) => warnings.push(text);
      try {
        const world = lab.world({ options: { maxage: MINUTE } });
        return [await world.request([SET, READ]), warnings];
      } finally {
        console.warn = warn;
      }
    },
  },
  {
    name: 'the members of a session, as a handler sees them',
    run: async (lab) => {
      const seen: unknown[] = [];
      const look = ({ session }: LooseContext): void => {
        session._private = 1;
        session.act = () => 1;
        session.gone = undefined;
        seen.push([session.isNew, session.length, session.populated, session.maxAge]);
        seen.push([session.externalKey, session.toJSON(), JSON.stringify(session)]);
        seen.push(inspect(session), session._private, session.act());
        session.a = { b: 1 };
      };
      for (const backing of ['cookie', 'store'] as const) {
        const world = lab.world({ backing, options: { maxAge: MINUTE } });
        seen.push(await world.visit(look), await world.visit(look));
      }
      return seen;
    },
  },
  {
    name: 'ctx.body = ctx.session sends plain data',
    run: async (lab) => {
      const world = lab.world();
      await world.request([SET]);
      return world.visit((ctx) => (ctx.body = ctx.session));
    },
  },
  {
    name: 'callbacks of save, regenerate and commit',
    run: async (lab) => {
      const world = lab.world({ backing: 'store', options: { autoCommit: false } });
      const calls: unknown[] = [];
      const answer = await world.visit(async ({ session }) => {
        session.a = 1;
        for (const method of ['save', 'regenerate', 'commit']) {
          await new Promise<void>((resolve) => {
            calls.push(session[method]((...errors: unknown[]) => resolve(void calls.push(errors))));
          });
        }
        await new Promise<void>((resolve) => {
          session.commit({ save: true }, (...errors: unknown[]) =>
            resolve(void calls.push(errors)),
          );
        });
      });
      return [calls, answer.setCookie.length, answer.status];
    },
  },
  {
    name: 'ctx.sessionOptions changes one request only',
    run: async (lab) => {
      const world = lab.world({ backing: 'store' });
      return [
        await world.visit((ctx) => {
          ctx.sessionOptions.maxAge = MINUTE;
          ctx.session.a = ctx.sessionOptions.key;
        }),
        await world.visit((ctx) => (ctx.session.b = ctx.sessionOptions.maxAge)),
        await world.request([SET], { cookies: 'none' }),
      ];
    },
  },
  {
    name: 'options are read live from the object that was passed',
    run: async (lab) => {
      const world = lab.world({ backing: 'store' });
      const first = await world.request([SET]);
      world.options.store = undefined;
      const second = await world.request([SET]);
      world.options.autoCommit = false;
      world.options.maxAge = MINUTE;
      const third = await world.request([SET, { do: 'manuallyCommit' }]);
      return [first, second, third, await world.request([SET])];
    },
  },
  {
    name: 'tests may put a session of their own on the context',
    run: async (lab) => {
      const world = lab.world();
      Object.defineProperty(world.app.context, 'session', { get: () => ({ user: 'mock' }) });
      return world.visit((ctx) => (ctx.body = ctx.session));
    },
  },
  {
    name: 'a session used before the middleware: kept with a cookie, dropped with a store',
    run: async (lab) => {
      const answers = [];
      for (const backing of ['cookie', 'store', 'ContextStore'] as const) {
        const world = lab.world({ backing });
        answers.push(await world.request([READ], { before: [SET] }));
        answers.push(await world.request([SET]));
        answers.push(await world.request([READ], { before: [{ do: 'set', key: 'b', value: 2 }] }));
      }
      return answers;
    },
  },
  {
    name: 'a cookie that decodes to nothing, to null, to text, to a number, to a list',
    run: async (lab) => {
      const answers = [];
      for (const payload of [null, 'text', 5, true, [1, 2], 0, false, '']) {
        const world = lab.world();
        await world.take({ step: 'forge cookie', payload });
        answers.push(await world.request([READ]));
      }
      const world = lab.world();
      answers.push(await world.request([READ, SET], { cookies: 'garbage' }));
      return answers;
    },
  },
  {
    name: 'decode throws: a SyntaxError is no session, another error clears the cookie',
    run: async (lab) => {
      const answers = [];
      const errors = [new SyntaxError('no'), new TypeError('broken'), 'text', undefined];
      for (const error of errors) {
        const decode = (): never => {
          throw error;
        };
        const world = lab.world({ options: { decode, maxAge: MINUTE } });
        await world.request([SET]);
        answers.push(await world.request([READ]), [...world.jar.keys()]);
      }
      return answers;
    },
  },
  {
    name: 'encode gives what no cookie can hold',
    run: async (lab) => {
      const world = lab.world({ options: { encode: () => 'a;b' } });
      return world.request([SET]);
    },
  },
  {
    name: 'a value that JSON cannot hold fails the request',
    run: async (lab) => {
      const world = lab.world();
      return world.visit((ctx) => (ctx.session.big = 1n));
    },
  },
  {
    name: 'keys are missing',
    run: async (lab) => {
      const answers = [];
      for (const signed of [true, false]) {
        const world = lab.world({ options: { signed } });
        (world.app as { keys?: unknown }).keys = undefined;
        answers.push(await world.request([SET]), await world.request([READ]));
      }
      return answers;
    },
  },
  {
    name: 'a secure cookie over plain HTTP fails the request, behind a proxy it passes',
    run: async (lab) => {
      const answers = [];
      for (const https of [false, true]) {
        const world = lab.world({ https, options: { secure: true } });
        answers.push(await world.request([SET]));
      }
      return answers;
    },
  },
  {
    name: 'a maxAge set in a handler: 0, negative, null, undefined',
    run: async (lab) => {
      const answers = [];
      for (const maxAge of [0, -1, null, undefined]) {
        for (const backing of ['cookie', 'store'] as const) {
          const world = lab.world({ backing });
          await world.request([SET]);
          answers.push(maxAge, await world.visit((ctx) => (ctx.session.maxAge = maxAge)));
        }
      }
      return answers;
    },
  },
  {
    name: 'beforeSave changes what is saved, and its error fails the request',
    run: async (lab) => {
      const beforeSave = (_ctx: unknown, session: Record<string, unknown>): void => {
        if (session.stop) throw new Error('beforeSave says no');
        session.saved = true;
      };
      const world = lab.world({ options: { beforeSave } });
      return [
        await world.request([SET]),
        await world.request([READ, { do: 'set', key: 'stop', value: 1 }]),
        await world.request([READ]),
      ];
    },
  },
  {
    name: 'genid knows the context, and prefix goes before the default id only',
    run: async (lab) => {
      const genid = (ctx: LooseContext): string => (ctx.state.id = `of ${ctx.path}`);
      const own = lab.world({ backing: 'store', options: { genid, prefix: 'p:' } });
      const seen: unknown[] = [await own.visit((ctx) => (ctx.body = ctx.state.id))];
      const prefixed = lab.world({ backing: 'store', genid: 'default', options: { prefix: 'p:' } });
      await prefixed.visit(({ session }) => seen.push(/^p:[-\w]{36}$/.test(session.externalKey)));
      return seen;
    },
  },
  {
    name: 'ContextStore goes before store',
    run: async (lab) => {
      const world = lab.world({ backing: 'ContextStore', options: { store: failingStore() } });
      return [await world.request([SET]), await world.request([READ])];
    },
  },
  {
    name: 'what a handler held when it threw is written, and sent where the error is caught',
    run: async (lab) => {
      const answers = [];
      for (const backing of ['cookie', 'store'] as const) {
        const world = lab.world({ backing, catches: true });
        answers.push(await world.request([SET, { do: 'throw', status: 418 }]));
        answers.push([...world.records]);
      }
      return answers;
    },
  },
  {
    name: 'the events missed, expired and invalid, with their payloads',
    run: async (lab) => {
      const answers = [];
      for (const backing of ['cookie', 'ContextStore'] as const) {
        const world = lab.world({
          backing,
          options: { maxAge: MINUTE },
          hooks: { valid: true, beforeSave: false, codec: false },
        });
        // A record that is no good is destroyed here, which is a difference of its own.
        const events = async (): Promise<unknown> => (await world.request([READ])).events;
        await world.request([SET]);
        await world.take({ step: 'lose records' });
        answers.push(await events());
        await world.request([{ do: 'set', key: 'bad', value: 1 }]);
        answers.push(await events());
        await world.request([{ do: 'replace', value: { b: 1 } }]);
        await world.take({ step: 'wait', ms: MINUTE + 1 });
        answers.push(await events());
      }
      return answers;
    },
  },
  {
    name: 'what is assigned to ctx.session',
    run: async (lab) => {
      const answers = [];
      for (const value of [{ a: 1 }, [1, 2], {}, { maxAge: 5000 }, 'text', 5, undefined, false]) {
        for (const backing of ['cookie', 'store'] as const) {
          const world = lab.world({ backing });
          answers.push(await world.request([{ do: 'replace', value }, READ]));
          answers.push(await world.request([READ]));
        }
      }
      return answers;
    },
  },
  {
    name: 'emptying a loaded session saves it empty',
    run: async (lab) => {
      const answers = [];
      for (const backing of ['cookie', 'store'] as const) {
        const world = lab.world({ backing });
        await world.request([SET]);
        answers.push(
          await world.request([{ do: 'delete', key: 'a' }]),
          await world.request([READ]),
        );
        await world.request([SET]);
        answers.push(await world.request([{ do: 'replace', value: {} }]));
      }
      return answers;
    },
  },
  {
    name: 'every attribute of a cookie, in writing and in removing it',
    run: async (lab) => {
      const options = {
        key: 'sid',
        maxAge: MINUTE,
        domain: 'example.com',
        path: '/app',
        priority: 'High',
        sameSite: 'None',
        secure: true,
        partitioned: true,
        httpOnly: false,
      };
      const world = lab.world({ https: true, options });
      return [await world.request([SET]), await world.request([{ do: 'replace', value: null }])];
    },
  },
  {
    name: 'rolling and renew, with and without a look at the session',
    run: async (lab) => {
      const answers = [];
      for (const backing of ['cookie', 'store'] as const) {
        for (const options of [{ rolling: true }, { renew: true }]) {
          const world = lab.world({ backing, options: { ...options, maxAge: MINUTE } });
          await world.request([SET]);
          for (const ms of [1000, 30_000]) {
            await world.take({ step: 'wait', ms });
            answers.push(await world.request([]), await world.request([READ]));
          }
        }
      }
      return answers;
    },
  },
];

export function failingStore(fails: readonly string[] = ['get', 'set', 'destroy']): object {
  const records = new Map<string, unknown>();
  const work =
    (name: string, act: (key: string, record: unknown) => unknown) =>
    async (key: string, record: unknown): Promise<unknown> => {
      if (fails.includes(name)) throw new Error(`${name} failed`);
      return act(key, record);
    };
  return {
    get: work('get', (key) => records.get(key)),
    set: work('set', (key, record) => void records.set(key, record)),
    destroy: work('destroy', (key) => void records.delete(key)),
  };
}
