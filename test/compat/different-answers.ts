import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import Koa from 'koa';
import type { Lab, Scenario } from './lab.js';
import type { Op } from './steps.js';

const MINUTE = 60_000;
const SET: Op = { do: 'set', key: 'a', value: 1 };
const READ: Op = { do: 'read' };

/** Where the engines differ in data, cookies, headers, errors and options. */
export const DIFFERENT_ANSWERS: readonly Scenario[] = [
  {
    name: "a cookie's data has the names of members",
    differs: {
      id: 'reserved-keys',
      koaSession: [500, 500, 500, 200],
      here: [200, 200, 200, 200],
    },
    run: async (lab) => {
      const statuses = [];
      for (const json of ['{"toJSON":1}', '{"__proto__":{"x":1}}', '{"save":1}', '{"a":1}']) {
        const world = lab.world({ options: { decode: () => JSON.parse(json) as unknown } });
        await world.request([{ do: 'save' }]);
        statuses.push((await world.request([SET, { do: 'save' }])).status);
      }
      return statuses;
    },
  },
  {
    name: 'a handler assigns to the names of members',
    differs: {
      id: 'reserved-keys',
      koaSession: ['number', 'TypeError'],
      here: ['function', 'nothing'],
    },
    run: async (lab) => {
      const seen: unknown[] = [];
      await lab.world().visit(({ session }) => {
        session.save = 1;
        seen.push(typeof session.save);
        try {
          session.length = 5;
          seen.push('nothing');
        } catch (error) {
          seen.push((error as Error).name);
        }
      });
      return seen;
    },
  },
  {
    name: 'a cookie has fields that begin with _',
    differs: {
      id: 'record-fields-stay-inside',
      koaSession: [{ own: 1, saves: 2 }, 500],
      here: [{ own: undefined, saves: 0 }, 200],
    },
    run: async (lab) => {
      const world = lab.world();
      await world.take({ step: 'forge cookie', payload: { a: 1, _own: 1, _requireSave: true } });
      let own: unknown;
      const { setCookie } = await world.visit(({ session }) => (own = session._own));
      await world.take({ step: 'forge cookie', payload: { a: 1, _maxAge: 'long' } });
      return [
        { own, saves: setCookie.length },
        (await world.request([SET, { do: 'save' }])).status,
      ];
    },
  },
  {
    name: 'an object with inherited properties becomes the session',
    differs: { id: 'own-keys-only', koaSession: { own: 1, inherited: 1 }, here: { own: 1 } },
    run: async (lab) => {
      const value = Object.assign(Object.create({ inherited: 1 }) as object, { own: 1 });
      let data: unknown;
      await lab.world().visit((ctx) => {
        ctx.session = value;
        data = ctx.session.toJSON();
      });
      return data;
    },
  },
  {
    name: 'a handler lists the keys of its session',
    differs: {
      id: 'members-not-enumerable',
      koaSession: ['isNew', '_requireSave', '_expire', 'a'],
      here: ['a'],
    },
    run: async (lab) => {
      let keys: unknown;
      await lab.world().visit(({ session }) => {
        session.a = 1;
        keys = Object.keys(session as object);
      });
      return keys;
    },
  },
  {
    name: 'a session is larger than a cookie can be',
    differs: {
      id: 'cookie-too-large',
      koaSession: [200, undefined, 2],
      here: [500, 'cookie-too-large', 0],
    },
    run: async (lab) => {
      const world = lab.world();
      const reasons = failures(world.app);
      const value = 'x'.repeat(4000);
      const { status, setCookie } = await world.request([{ do: 'set', key: 'a', value }]);
      return [status, reasons[0], setCookie.length];
    },
  },
  {
    name: 'a cookie of the same name stands before the right one',
    differs: { id: 'duplicate-cookies-tried', koaSession: 0, here: 1 },
    run: async (lab) => {
      const world = lab.world();
      await world.request([SET]);
      const right = [...world.jar].map(([name, value]) => `${name}=${value}`).join('; ');
      world.jar.clear();
      world.jar.set('koa.sess', `planted; ${right}`);
      return ((await world.request([READ])).seen[0] as { length: number }).length;
    },
  },
  {
    name: 'the keys are rotated under a persistent session',
    differs: {
      id: 'renewed-signature-keeps-attributes',
      koaSession: '; path=/; httponly',
      here: '; path=/; expires=Tue, 14 Nov 2023 22:14:20 GMT; domain=example.com; samesite=lax; httponly',
    },
    run: async (lab) => {
      const options = { maxAge: MINUTE, domain: 'example.com', sameSite: 'lax' };
      const world = lab.world({ options });
      await world.request([SET]);
      await world.take({ step: 'rotate keys' });
      const [signature = ''] = (await world.request([READ])).setCookie;
      return signature.slice(signature.indexOf(';'));
    },
  },
  {
    name: 'the options hold a name',
    differs: {
      id: 'attributes-by-name',
      koaSession: ['hijack', 'hijack.sig'],
      here: ['koa.sess', 'koa.sess.sig'],
    },
    run: async (lab) => {
      const world = lab.world({ options: { name: 'hijack' } });
      await world.request([SET]);
      return [...world.jar.keys()];
    },
  },
  {
    name: 'what caches are told of no session, of a read one and of a written one',
    differs: {
      id: 'cache-headers',
      koaSession: [{}, {}, {}],
      here: [{}, { vary: 'Cookie' }, { vary: 'Cookie', 'cache-control': 'no-store' }],
    },
    run: async (lab) => {
      const world = lab.world();
      const told = [];
      for (const ops of [[], [READ], [SET]] satisfies Op[][]) {
        await world.request(ops);
        const { vary, 'cache-control': cache } = world.headers;
        told.push({ ...(vary && { vary }), ...(cache && { 'cache-control': cache }) });
      }
      return told;
    },
  },
  {
    name: 'a handler fails, and the commit after it',
    differs: { id: 'handler-error-survives', koaSession: 500, here: 403 },
    run: async (lab) => {
      const beforeSave = (): never => {
        throw new Error('beforeSave failed');
      };
      const world = lab.world({ options: { beforeSave } });
      return (await world.request([SET, { do: 'throw', status: 403 }])).status;
    },
  },
  {
    name: 'a handler writes a session, or ends it, and then fails',
    differs: { id: 'cookie-survives-errors', koaSession: [0, 0, 0, 0], here: [2, 2, 2, 2] },
    run: async (lab) => {
      const cookies = [];
      for (const backing of ['cookie', 'store'] as const) {
        const world = lab.world({ backing });
        const fail = { do: 'throw', status: 418 } as const;
        cookies.push((await world.request([SET, fail])).setCookie.length);
        await world.request([SET]);
        cookies.push(
          (await world.request([{ do: 'replace', value: null }, fail])).setCookie.length,
        );
      }
      return cookies;
    },
  },
  {
    name: 'the session changes after the handler has answered by itself',
    differs: {
      id: 'too-late-for-a-cookie',
      koaSession: ['Error [ERR_HTTP_HEADERS_SENT]', undefined],
      here: [undefined, 'headers-sent'],
    },
    run: async (lab) => {
      const world = lab.world();
      const reasons = failures(world.app);
      const errors: string[] = [];
      world.app.on('error', (error: Error) => errors.push(String(error).split(':')[0] as string));
      await world.visit(async (ctx) => {
        ctx.respond = false;
        ctx.res.removeHeader('content-length');
        await new Promise<void>((resolve) => ctx.res.end('by hand', resolve));
        ctx.session.a = 1;
      });
      return [errors[0], reasons[0]];
    },
  },
  {
    name: 'a handler changes the session, then sends its own headers',
    differs: { id: 'cookie-goes-with-the-headers', koaSession: [0, 1], here: [2, 0] },
    run: async (lab) => {
      const { setCookie, errors } = await lab.world().visit((ctx) => {
        ctx.respond = false;
        ctx.res.removeHeader('content-length');
        ctx.session.a = 1;
        ctx.res.writeHead(200, { 'content-type': 'text/event-stream' });
        ctx.res.end('data: 1\n\n');
      });
      return [setCookie.length, errors.length];
    },
  },
  {
    name: 'options are null',
    differs: {
      id: 'null-is-not-set',
      koaSession: Array(4).fill('ZodError'),
      here: Array(4).fill('starts'),
    },
    run: (lab) =>
      [{ store: null }, { sameSite: null }, { maxAge: null }, { signed: null }].map((options) =>
        lab.start(options).replace(/:.*/, ''),
      ),
  },
  {
    name: 'the option key is an explicit undefined',
    differs: {
      id: 'undefined-is-not-set',
      koaSession: ['undefined', 'undefined.sig'],
      here: ['koa.sess', 'koa.sess.sig'],
    },
    run: async (lab) => {
      const world = lab.world();
      world.options.key = undefined;
      await world.request([SET]);
      return [...world.jar.keys()];
    },
  },
  {
    name: "the caller's options object, and a frozen one",
    differs: {
      id: 'options-not-written',
      koaSession: [true, false],
      here: [false, true],
    },
    run: (lab) => {
      const options = { maxAge: MINUTE };
      lab.start(options);
      const isWritten = Object.keys(options).length > 1;
      return [isWritten, lab.start(Object.freeze({ maxAge: MINUTE })) === 'starts'];
    },
  },
  {
    name: 'options of the wrong type',
    differs: {
      id: 'typed-option-errors',
      koaSession: [
        'ZodError: key',
        'ZodError: maxAge',
        'ZodError: store',
        'AssertionError: ContextStore must be a class',
        'ZodError: externalKey.set',
      ],
      here: [
        'SessionOptionsError ERR_SESSION_OPTION: key',
        'SessionOptionsError ERR_SESSION_OPTION: maxAge',
        'SessionOptionsError ERR_SESSION_STORE_INVALID: store',
        'SessionOptionsError ERR_SESSION_STORE_INVALID: ContextStore',
        'SessionOptionsError ERR_SESSION_OPTION: externalKey.set',
      ],
    },
    run: (lab) =>
      [
        { key: 5 },
        { maxAge: 'long' },
        { store: [] },
        { ContextStore: {} },
        { externalKey: { get: () => '' } },
      ].map((options) => lab.start(options)),
  },
  {
    name: 'options that no browser or no header can take',
    differs: {
      id: 'unusable-options-found-at-start',
      koaSession: Array(6).fill('starts'),
      here: ['key', 'sameSite', 'path', 'maxAge', 'priority', 'partitioned'].map(
        (option) => `SessionOptionsError ERR_SESSION_OPTION: ${option}`,
      ),
    },
    run: (lab) =>
      [
        { key: 'a;b' },
        { sameSite: 'perhaps' },
        { path: 'app' },
        { maxAge: Infinity },
        { priority: 'highest' },
        { partitioned: true, secure: false },
      ].map((options) => lab.start(options)),
  },
  {
    name: 'a second session on one application',
    differs: {
      id: 'second-session',
      koaSession: ['starts', 'starts', ['first']],
      here: [
        'starts',
        'SessionOptionsError ERR_SESSION_ALREADY_INSTALLED: key',
        ['first', 'second'],
      ],
    },
    run: async (lab) => {
      const app = new Koa();
      const first = lab.start({ key: 'first', maxAge: MINUTE }, app);
      const world = lab.world({ options: { key: 'first', signed: false } });
      world.app.middleware.splice(
        -1,
        0,
        ...(lab.install(world.app, { key: 'second', signed: false }) as []),
      );
      await world.visit((ctx) => {
        ctx.session.a = 1;
        const { sessions } = ctx as unknown as { sessions?: Record<string, { b: number }> };
        if (sessions?.second) sessions.second.b = 2;
      });
      return [first, lab.start({ key: 'first', maxAge: 5 }, app), [...world.jar.keys()].sort()];
    },
  },
  {
    name: 'the UUIDs made for a request without a session, and for one that writes it',
    differs: { id: 'ids-made-when-needed', koaSession: [1, 1], here: [0, 1] },
    run: async (lab) => [await idsMade(lab, ''), await idsMade(lab, 'ctx.session.a = 1;')],
  },
  {
    name: 'what NODE_DEBUG shows of a session',
    differs: { id: 'nothing-secret-in-debug-output', koaSession: true, here: false },
    run: async (lab) => {
      const handler = "ctx.session.card = 'the secret';";
      const printed = await inChild(lab, { handler }, { NODE_DEBUG: '*session*' });
      return printed.includes('the secret');
    },
  },
];

function failures(app: Koa): unknown[] {
  const reasons: unknown[] = [];
  app.on('session:failed', ({ reason }: { reason: string }) => reasons.push(reason));
  return reasons;
}

/** Runs one request in a process of its own; `handler` and `before` are its source. */
async function inChild(
  { engine }: Lab,
  code: { before?: string; options?: string; handler: string },
  env: Record<string, string> = {},
): Promise<string> {
  const script = `
    ${code.before ?? ''}
    const { default: Koa } = await import('koa');
    const { default: session } = await import(process.argv[1]);
    const app = new Koa();
    app.keys = ['a key'];
    app.use(session(${code.options ?? '{}'}, app));
    app.use((ctx) => { ctx.body = 'ok'; ${code.handler} });
    const server = app.listen(0, async () => {
      await (await fetch('http://localhost:' + server.address().port)).text();
      process.exit();
    });`;
  const { stderr, stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', script, engine.packageName],
    { env: { ...process.env, ...env } },
  );
  return stderr + stdout;
}

/** How many UUIDs one request makes. */
async function idsMade(lab: Lab, handler: string): Promise<number> {
  const before = `
    const { default: crypto } = await import('node:crypto');
    const { syncBuiltinESMExports } = await import('node:module');
    for (const source of [crypto, globalThis.crypto]) {
      const make = source.randomUUID;
      source.randomUUID = () => (console.log('made a UUID'), make.call(source));
    }
    syncBuiltinESMExports();`;
  const options = '{ store: { async get() {}, async set() {}, async destroy() {} } }';
  const printed = await inChild(lab, { before, options, handler });
  return printed.split('made a UUID').length - 1;
}
