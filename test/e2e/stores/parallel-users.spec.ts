import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { createPool } from 'mysql2/promise';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { createSession, type Session, type SessionStore } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { RedisStore } from '../../../lib/stores/redis.js';
import { SqlStore } from '../../../lib/stores/sql.js';
import { describeWith, service } from '../../support/services.js';

type Data = Session & Record<string, unknown>;
type Opened = { store: SessionStore; close: () => unknown };

const redis = await service('Redis');
const postgres = await service('PostgreSQL');
const mysql = await service('MySQL');

const PARALLEL = 100;
const LOGOUTS = 200;

const name = () => `parallel_${randomUUID().replaceAll('-', '')}`;

/** How a late answer is made: the handler waits until the test lets it go on. */
const gates = new Map<string, { entered: () => void; open: Promise<unknown> }>();

function application(store: SessionStore): Koa {
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  app.use(createSession({ store, maxMergeAttempts: 500 }, app));
  app.use(async (ctx) => {
    const session = ctx.session as Data;
    const [, action, value = ''] = ctx.path.split('/');
    if (action === 'login') session.user = value;
    if (action === 'set') session[value] = value;
    if (action === 'count') {
      await session.update((draft) => {
        const counted = draft as { n?: number };
        counted.n = (counted.n ?? 0) + 1;
      });
    }
    if (action === 'slow') {
      session.slow = value;
      gates.get(value)?.entered();
      await gates.get(value)?.open;
    }
    if (action === 'logout') ctx.session = null;
    ctx.body = ctx.session ?? {};
  });
  return app;
}

function deferred() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

interface Answer {
  status: number;
  data: Record<string, unknown>;
  cookies: string[];
}

class Client {
  cookie = '';
  readonly #port: number;
  readonly #agent: Agent;

  constructor(port: number, agent: Agent, cookie = '') {
    this.#port = port;
    this.#agent = agent;
    this.cookie = cookie;
  }

  async get(path: string): Promise<Answer> {
    const sent = request({
      port: this.#port,
      path,
      agent: this.#agent,
      headers: { cookie: this.cookie },
    }).end();
    const [message] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
    let text = '';
    for await (const chunk of message) text += String(chunk);
    const cookies = message.headers['set-cookie'] ?? [];
    if (cookies.length > 0) this.cookie = cookies.map((c) => c.split(';')[0]).join('; ');
    const data = text.startsWith('{') ? (JSON.parse(text) as Answer['data']) : {};
    return { status: message.statusCode ?? 0, data, cookies };
  }
}

function parallelUsers(open: () => Promise<Opened>): void {
  let opened: Opened;
  let server: Server;
  let port = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const user = (cookie?: string) => new Client(port, agent, cookie);

  beforeAll(async () => {
    opened = await open();
    server = application(opened.store).listen(0);
    server.keepAliveTimeout = 120_000;
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(async () => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
    await opened.close();
  });

  it(`keep ${PARALLEL} of ${PARALLEL} keys that parallel requests of one user write`, async () => {
    const alice = user();
    await alice.get('/login/alice');
    const paths = Array.from({ length: PARALLEL }, (_, i) => `/set/key${i}`);
    const answers = await Promise.all(paths.map((path) => user(alice.cookie).get(path)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const { data } = await alice.get('/read');
    expect(Object.keys(data).filter((key) => key.startsWith('key'))).toHaveLength(PARALLEL);
  });

  it(`count to ${PARALLEL} with ${PARALLEL} parallel session.update()`, async () => {
    const alice = user();
    await alice.get('/login/alice');
    const answers = await Promise.all(
      Array.from({ length: PARALLEL }, () => user(alice.cookie).get('/count')),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect((await alice.get('/read')).data.n).toBe(PARALLEL);
  });

  it(`bring 0 of ${LOGOUTS} sessions back that a slow request still writes to`, async () => {
    let revived = 0;
    for (let round = 0; round < LOGOUTS; round++) {
      const alice = user();
      await alice.get('/login/alice');
      const { cookie } = alice;
      const entered = deferred();
      const open = deferred();
      gates.set(`${round}`, { entered: entered.resolve, open: open.promise });
      const slow = user(cookie).get(`/slow/${round}`);
      await entered.promise;
      // Half of the rounds end the slow request right behind the logout, half while it runs.
      const logout = alice.get('/logout');
      if (round % 2 === 0) await logout;
      open.resolve();
      const [late] = await Promise.all([slow, logout]);
      if (round % 2 === 0) expect(late.cookies).toEqual([]);
      const { data } = await user(cookie).get('/read');
      if (data.user !== undefined) revived++;
      gates.delete(`${round}`);
    }
    expect(revived).toBe(0);
  });

  it('never answer with the data of another user', async () => {
    const users = Array.from({ length: 20 }, (_, i) => ({ id: `user${i}`, client: user() }));
    await Promise.all(users.map(({ id, client }) => client.get(`/login/${id}`)));
    const answers = await Promise.all(
      users.flatMap(({ id, client }) =>
        Array.from({ length: 10 }, async (_, i) => ({
          id,
          data: (await user(client.cookie).get(`/set/${id}x${i}`)).data,
        })),
      ),
    );
    for (const { id, data } of answers) {
      expect(data.user).toBe(id);
      const foreign = Object.keys(data).filter(
        (key) => key !== 'user' && !key.startsWith(`${id}x`),
      );
      expect(foreign).toEqual([]);
    }
  });
}

describe('parallel requests, sessions in memory', () => {
  parallelUsers(async () => ({ store: new MemoryStore(), close: () => undefined }));
});

describeWith('parallel requests, sessions in Redis', redis, 'Redis', ({ url }) => {
  parallelUsers(async () => {
    const client = await createClient({ url }).connect();
    const store = new RedisStore({ client, prefix: `${name()}:` });
    return { store, close: () => store.clear().finally(() => client.destroy()) };
  });
});

describeWith('parallel requests, sessions in PostgreSQL', postgres, 'PostgreSQL', ({ url }) => {
  parallelUsers(async () => {
    const client = new Pool({ connectionString: url, max: 8 });
    const table = name();
    const store = new SqlStore({ client, table, createTable: true, pruneInterval: 0 });
    return {
      store,
      close: () => client.query(`DROP TABLE IF EXISTS ${table}`).finally(() => client.end()),
    };
  });
});

describeWith('parallel requests, sessions in MariaDB', mysql, 'MySQL', ({ url }) => {
  parallelUsers(async () => {
    const client = createPool({ uri: url, connectionLimit: 8 });
    const table = name();
    const store = new SqlStore({ client, table, createTable: true, pruneInterval: 0 });
    return {
      store,
      close: () => client.query(`DROP TABLE IF EXISTS ${table}`).finally(() => client.end()),
    };
  });
});
