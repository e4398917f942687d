import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as IoRedis } from 'ioredis-6';
import { createPool } from 'mysql2/promise';
import { Client, Pool } from 'pg';
import { createClient } from 'redis-6';
import { circuitBreaker } from '../../../lib/stores/circuit-breaker.js';
import { RedisStore } from '../../../lib/stores/redis.js';
import type { RedisStoreOptions } from '../../../lib/stores/redis.js';
import { SqlStore } from '../../../lib/stores/sql.js';
import { Ledger } from '../../support/ledger.js';
import {
  findProgram,
  freePort,
  startPostgres,
  startRedis,
  until,
} from '../../support/processes.js';
import type { OwnServer } from '../../support/processes.js';
import { describeWith, service } from '../../support/services.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

const HOUR = 3_600_000;

/** What each store call of these tests is given, as the engine gives it with `storeTimeout`. */
const DEADLINE = 500;

const quiet = () => undefined;

interface Connected {
  client: RedisStoreOptions['client'];
  command(...args: string[]): Promise<unknown>;
  close(): void;
}

const CLIENTS: Record<string, (port: number) => Promise<Connected>> = {
  'node-redis': async (port) => {
    const client = createClient({ url: `redis://127.0.0.1:${port}` }).on('error', quiet);
    client.connect().catch(quiet);
    return {
      client,
      command: (...args) => client.sendCommand(args),
      close: () => client.destroy(),
    };
  },
  ioredis: async (port) => {
    const client = new IoRedis({ port, retryStrategy: () => 50 }).on('error', quiet);
    const call = client.call.bind(client) as (...args: string[]) => Promise<unknown>;
    return { client, command: call, close: () => client.disconnect() };
  },
};

/** Starts something, and puts its end on the list of what follows the test. */
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function redisServer(options: string[] = [], port?: number): Promise<OwnServer> {
  const server = await startRedis(options, port);
  endings.push(() => server.stop());
  return server;
}

async function proxyTo(port: number): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(port);
  endings.push(() => proxy.stop());
  return proxy;
}

/** The store as these tests run it: with a deadline, and a breaker that gives up soon. */
function guarded<S extends RedisStore | SqlStore>(store: S) {
  return circuitBreaker(store, { timeout: DEADLINE, failures: 3, resetAfter: 100 });
}

async function recovers(store: { get(key: string): Promise<unknown> }): Promise<void> {
  const answers = () =>
    store.get('any').then(
      () => true,
      () => false,
    );
  await until(answers, 'the store answers again without a restart');
}

async function failure(work: Promise<unknown>): Promise<{ kind: string; outcome: string }> {
  return work.then(
    () => ({ kind: 'none', outcome: 'done' }),
    (error: { kind: string; outcome: string }) => error,
  );
}

const redisServerProgram = findProgram('redis-server', 'valkey-server');

describeWith('RedisStore', redisServerProgram, 'redis-server', () => {
  describe.each(Object.entries(CLIENTS))('on %s', (_name, connect) => {
    async function storeOn(port: number) {
      const connected = await connect(port);
      endings.push(() => connected.close());
      const plain = new RedisStore({ client: connected.client });
      return { ...connected, plain, store: guarded(plain) };
    }

    it('works once a server is there that was not there at the start', async () => {
      const port = await freePort();
      const { store } = await storeOn(port);
      const start = Date.now();
      const { kind } = await failure(store.get('a'));
      expect(['unavailable', 'timeout']).toContain(kind);
      expect(Date.now() - start).toBeLessThan(DEADLINE * 4);
      await redisServer([], port);
      await recovers(store);
      expect(await store.create('a', { n: 1 }, HOUR)).toBe(true);
    });

    it('loses no acknowledged write when the server is killed during writes', async () => {
      const server = await redisServer(['--appendonly', 'yes', '--appendfsync', 'always']);
      const { store } = await storeOn(server.port);
      const ledger = new Ledger(store);
      await ledger.open();
      ledger.start();
      for (let round = 0; round < 3; round++) {
        await ledger.progress(100);
        await server.kill();
        await sleep(2 * DEADLINE);
        await server.restart();
      }
      await ledger.progress(100);
      await ledger.stop();
      await ledger.audit();
      expect(ledger.violations).toEqual([]);
      expect(ledger.errors.length).toBeGreaterThan(0);
    });

    it('answers at the deadline while the server hangs, and no late write brings a session back', async () => {
      const server = await redisServer();
      const { store } = await storeOn(server.port);
      await store.create('a', { user: 1 }, HOUR);
      const read = await store.read('a');
      const started = Date.now();
      server.signal('SIGSTOP');
      const late = store.update('a', read?.version ?? '', { user: 1, late: true }, HOUR);
      const logout = store.destroy('a');
      expect(await failure(late)).toMatchObject({ kind: 'timeout', outcome: 'unknown' });
      expect(await failure(logout)).toMatchObject({ kind: 'timeout', outcome: 'unknown' });
      await failure(store.get('a'));
      const refused = await Promise.all(Array.from({ length: 100 }, () => failure(store.get('a'))));
      expect(refused.filter(({ kind }) => kind === 'circuit-open').length).toBeGreaterThan(90);
      await sleep(Math.max(0, started + 5_000 - Date.now()));
      server.signal('SIGCONT');
      await recovers(store);
      await store.destroy('a');
      await sleep(100);
      expect(await store.get('a')).toBeUndefined();
      const again = await store.update('a', read?.version ?? '', { user: 1 }, HOUR);
      expect(again).toEqual({ status: 'gone' });
    });

    it('takes a write whose answer was lost for done once, not for a conflict', async () => {
      const server = await redisServer();
      const proxy = await proxyTo(server.port);
      const { store, plain } = await storeOn(proxy.port);
      for (let n = 0; n < 10; n++) {
        const key = `key-${n}`;
        proxy.mode = 'drop-reply';
        expect(await plain.create(key, { n: 0 }, HOUR, { writeId: `create-${n}` })).toBe(true);
        const read = await plain.read(key);
        proxy.mode = 'drop-reply';
        const settings = { writeId: `update-${n}` };
        const result = await plain.update(key, read?.version ?? '', { n: 1 }, HOUR, settings);
        expect(result).toEqual({ status: 'ok', version: `update-${n}` });
        expect(await store.get(key)).toEqual({ n: 1 });
      }
      expect(proxy.dropped).toBe(20);
    });

    it('loses no acknowledged write when connections are reset again and again', async () => {
      const server = await redisServer();
      const proxy = await proxyTo(server.port);
      const { store } = await storeOn(proxy.port);
      const ledger = new Ledger(store);
      await ledger.open();
      ledger.start();
      for (let round = 0; round < 10; round++) {
        await ledger.progress(20);
        proxy.mode = 'reset';
        await sleep(20);
        proxy.mode = 'pass';
      }
      await ledger.progress(20);
      await ledger.stop();
      await recovers(store);
      await ledger.audit();
      expect(ledger.violations).toEqual([]);
    });

    it('answers at the deadline in a black hole, and works when it is gone', async () => {
      const server = await redisServer();
      const proxy = await proxyTo(server.port);
      const { store } = await storeOn(proxy.port);
      await store.create('a', { n: 1 }, HOUR);
      const read = await store.read('a');
      proxy.mode = 'black-hole';
      const lost = failure(store.update('a', read?.version ?? '', { n: 2 }, HOUR));
      expect(await lost).toMatchObject({ kind: 'timeout', outcome: 'unknown' });
      expect(await failure(store.get('a'))).toMatchObject({ kind: 'timeout' });
      proxy.heal();
      await recovers(store);
      expect([1, 2]).toContain((await store.get('a'))?.['n']);
      expect(proxy.connections).toBeLessThan(5);
    });

    it('still reads, prolongs and logs out when the server is out of memory', async () => {
      const server = await redisServer();
      const { store, command } = await storeOn(server.port);
      await store.create('a', { _owner: 'alice' }, HOUR);
      await store.create('b', { _owner: 'alice' }, HOUR);
      const read = await store.read('a');
      await command('CONFIG', 'SET', 'maxmemory', '1');
      const refused = { kind: 'rejected', outcome: 'not-applied' };
      const update = store.update('a', read?.version ?? '', { n: 1 }, HOUR);
      expect(await failure(update)).toMatchObject(refused);
      expect(await failure(store.create('c', {}, HOUR))).toMatchObject(refused);
      expect(await failure(store.set('c', {}, HOUR))).toMatchObject(refused);
      expect((await store.read('a', HOUR, { touch: HOUR }))?.record).toEqual({ _owner: 'alice' });
      expect(await store.touch('a', HOUR)).toBe(true);
      await store.destroy('a');
      expect(await store.get('a')).toBeUndefined();
      expect(await store.destroyByOwner('alice')).toBe(1);
      await command('CONFIG', 'SET', 'maxmemory', '0');
      expect(await store.create('c', {}, HOUR)).toBe(true);
    });

    it('does not notice that the server forgets its scripts in a loop', async () => {
      const server = await redisServer();
      const { store, command } = await storeOn(server.port);
      const ledger = new Ledger(store);
      await ledger.open();
      ledger.start();
      for (let round = 0; round < 100; round++) await command('SCRIPT', 'FLUSH');
      await ledger.progress(100);
      await ledger.stop();
      await ledger.audit();
      expect(ledger.violations).toEqual([]);
      expect(ledger.errors).toEqual([]);
    });

    it('reads from a server that became a read-only replica, and writes when it is primary again', async () => {
      const [primary, server] = [await redisServer(), await redisServer()];
      const { store, command } = await storeOn(server.port);
      await command('REPLICAOF', '127.0.0.1', String(primary.port));
      const isLinked = async () =>
        String(await command('INFO', 'replication')).includes('master_link_status:up');
      await until(isLinked, 'the replica is linked');
      const refused = { kind: 'rejected', outcome: 'not-applied' };
      expect(await store.get('a')).toBeUndefined();
      expect(await failure(store.create('a', {}, HOUR))).toMatchObject(refused);
      expect(await failure(store.destroy('a'))).toMatchObject(refused);
      await command('REPLICAOF', 'NO', 'ONE');
      expect(await store.create('a', { n: 1 }, HOUR)).toBe(true);
    });
  });
});

const postgresProgram = findProgram('initdb') && findProgram('postgres');

describeWith('SqlStore on PostgreSQL', postgresProgram, 'PostgreSQL', () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await startPostgres(['-c', 'shared_buffers=16MB', '-c', 'max_connections=30']);
  });
  afterAll(() => server.stop());

  function storeOn(port: number) {
    const pool = new Pool({
      connectionString: `postgres://postgres@127.0.0.1:${port}/postgres`,
      max: 4,
      connectionTimeoutMillis: 2_000,
    }).on('error', quiet);
    endings.push(() => pool.end());
    const table = `sessions_${randomUUID().replaceAll('-', '')}`;
    const plain = new SqlStore({ client: pool, table, createTable: true, pruneInterval: 0 });
    return { pool, plain, store: circuitBreaker(plain, { timeout: 2_000, resetAfter: 100 }) };
  }

  async function admin(sql: string): Promise<unknown[]> {
    const client = new Client(`postgres://postgres@127.0.0.1:${server.port}/postgres`);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  const OTHERS = "pid <> pg_backend_pid() AND backend_type = 'client backend'";

  it('loses no acknowledged write when its backends are terminated', async () => {
    const { store } = storeOn(server.port);
    const ledger = new Ledger(store);
    await ledger.open();
    ledger.start();
    for (let round = 0; round < 8; round++) {
      await ledger.progress(20);
      await admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OTHERS}`);
    }
    await ledger.progress(20);
    await ledger.stop();
    await recovers(store);
    await ledger.audit();
    expect(ledger.violations).toEqual([]);
  });

  it('loses no acknowledged write when a backend is killed and the server recovers', async () => {
    const { store } = storeOn(server.port);
    const ledger = new Ledger(store);
    await ledger.open();
    ledger.start();
    await ledger.progress(50);
    const [backend] = (await admin(`SELECT pid FROM pg_stat_activity WHERE ${OTHERS} LIMIT 1`)) as [
      { pid: number },
    ];
    process.kill(backend.pid, 'SIGKILL');
    await ledger.progress(50);
    await ledger.stop();
    await recovers(store);
    await ledger.audit();
    expect(ledger.violations).toEqual([]);
    expect(ledger.errors.length).toBeGreaterThan(0);
  });

  it('loses no acknowledged write when the server is killed and started again', async () => {
    const { store } = storeOn(server.port);
    const ledger = new Ledger(store);
    await ledger.open();
    ledger.start();
    await ledger.progress(50);
    process.kill(server.pid, 'SIGKILL');
    await server.kill();
    await sleep(500);
    await server.restart();
    await ledger.progress(50);
    await ledger.stop();
    await recovers(store);
    await ledger.audit();
    expect(ledger.violations).toEqual([]);
  });

  it('takes a write whose answer was lost for done once, not for a conflict', async () => {
    const proxy = await proxyTo(server.port);
    const { plain } = storeOn(proxy.port);
    await plain.get('warm up');
    for (let n = 0; n < 5; n++) {
      const key = `key-${n}`;
      proxy.mode = 'drop-reply';
      expect(await plain.create(key, { n: 0 }, HOUR, { writeId: `create-${n}` })).toBe(true);
      const read = await plain.read(key);
      proxy.mode = 'drop-reply';
      const settings = { writeId: `update-${n}` };
      const result = await plain.update(key, read?.version ?? '', { n: 1 }, HOUR, settings);
      expect(result).toEqual({ status: 'ok', version: `update-${n}` });
    }
    expect(proxy.dropped).toBe(10);
  });

  it('answers at the deadline in a black hole, and works when it is gone', async () => {
    const proxy = await proxyTo(server.port);
    const { store } = storeOn(proxy.port);
    await store.create('a', { n: 1 }, HOUR);
    proxy.mode = 'black-hole';
    expect(await failure(store.set('a', { n: 2 }, HOUR))).toMatchObject({
      kind: 'timeout',
      outcome: 'unknown',
    });
    proxy.heal();
    await recovers(store);
    expect([1, 2]).toContain((await store.get('a'))?.['n']);
  });

  it('says that a read-only server refuses, and reads from it', async () => {
    const { pool, store } = storeOn(server.port);
    await store.create('a', { n: 1 }, HOUR);
    await pool.query('ALTER DATABASE postgres SET default_transaction_read_only = on');
    await admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OTHERS}`);
    await recovers(store);
    expect(await failure(store.set('a', { n: 2 }, HOUR))).toMatchObject({
      kind: 'rejected',
      outcome: 'not-applied',
    });
    expect(await store.get('a')).toEqual({ n: 1 });
    await admin(
      'BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT',
    );
  });

  it('works once a server is there that was not there at the start', async () => {
    const port = await freePort();
    const { store } = storeOn(port);
    expect(await failure(store.get('a'))).toMatchObject({
      kind: 'unavailable',
      outcome: 'not-applied',
    });
    const started = await startPostgres([], port);
    endings.unshift(() => started.stop());
    await recovers(store);
    expect(await store.create('a', { n: 1 }, HOUR)).toBe(true);
  });
});

const mysql = await service('MySQL');

describeWith('SqlStore on MySQL or MariaDB', mysql, 'MySQL or MariaDB', ({ url, stop }) => {
  afterAll(stop);

  it('loses no acknowledged write when its connections are killed', async () => {
    const pool = createPool({ uri: url, connectionLimit: 4 });
    const killer = createPool({ uri: url, connectionLimit: 1 });
    const table = `sessions_${randomUUID().replaceAll('-', '')}`;
    endings.push(async () => {
      await killer.query(`DROP TABLE IF EXISTS ${table}`);
      await Promise.all([pool.end(), killer.end()]);
    });
    const own = new Set<number>();
    pool.on('connection', (connection) => own.add(connection.threadId ?? 0));
    const plain = new SqlStore({ client: pool, table, createTable: true, pruneInterval: 0 });
    const store = circuitBreaker(plain, { timeout: 2_000, resetAfter: 100 });
    const ledger = new Ledger(store);
    await ledger.open();
    ledger.start();
    for (let round = 0; round < 8; round++) {
      await ledger.progress(20);
      for (const id of own) await killer.query(`KILL ${id}`).catch(quiet);
      own.clear();
    }
    await ledger.progress(20);
    await ledger.stop();
    await recovers(store);
    await ledger.audit();
    expect(ledger.violations).toEqual([]);
  });
});
