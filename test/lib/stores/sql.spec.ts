import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { jest } from '@jest/globals';
import { createPool as createCallbackPool } from 'mysql2';
import { createPool } from 'mysql2/promise';
import sqlite from 'node-sqlite3-wasm';
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { SessionOptionsError, StoreError } from '../../../lib/errors.js';
import { SqlStore } from '../../../lib/stores/sql.js';
import type { SqlDialect, SqlExecutor, SqlStoreOptions } from '../../../lib/stores/sql.js';
import { storeContract } from '../../../lib/testing/index.js';
import { describeWith, service } from '../../support/services.js';

const postgres = await service('PostgreSQL');
const mysql = await service('MySQL');
const nodeSqlite = await import('node:sqlite' as string).catch(() => undefined);

const HOUR = 3_600_000;
const CAPABILITIES = ['create', 'version', 'touch', 'owner', 'clear', 'prune', 'close'] as const;

/** A database as an application opens it. */
interface Connection {
  client: SqlStoreOptions['client'];
  dialect: SqlDialect;
  /** Runs SQL without values behind the store's back. */
  command(sql: string): Promise<unknown>;
  close(): unknown;
}

const POSTGRES: Record<string, (url: string) => Promise<Connection>> = {
  pg: async (url) => {
    const client = new Pool({ connectionString: url, max: 8 });
    return {
      client,
      dialect: 'postgres',
      command: (sql) => client.query(sql),
      close: () => client.end(),
    };
  },
  'TypeORM on pg': async (url) => {
    const client = await new DataSource({ type: 'postgres', url }).initialize();
    return {
      client,
      dialect: 'postgres',
      command: (sql) => client.query(sql),
      close: () => client.destroy(),
    };
  },
};

const MYSQL: Record<string, (url: string) => Promise<Connection>> = {
  mysql2: async (url) => {
    const client = createPool({ uri: url, connectionLimit: 8 });
    const command = (sql: string) => client.query(sql);
    return { client, dialect: 'mysql', command, close: () => client.end() };
  },
  'mysql2 with callbacks': async (url) => {
    const client = createCallbackPool({ uri: url, connectionLimit: 8 });
    const command = (sql: string) => client.promise().query(sql);
    return { client, dialect: 'mysql', command, close: () => client.promise().end() };
  },
  'mysql2 that counts changed rows only': async (url) => {
    const client = createPool({ uri: url, connectionLimit: 8, flags: ['-FOUND_ROWS'] });
    const command = (sql: string) => client.query(sql);
    return { client, dialect: 'mysql', command, close: () => client.end() };
  },
  'TypeORM on mysql2': async (url) => {
    const client = await new DataSource({ type: 'mariadb', url }).initialize();
    return {
      client,
      dialect: 'mysql',
      command: (sql) => client.query(sql),
      close: () => client.destroy(),
    };
  },
};

function behaves(name: string, connect: () => Promise<Connection>): void {
  describe(name, () => {
    let connection: Connection;
    const table = `sessions_${randomUUID().replaceAll('-', '')}`;
    beforeAll(async () => {
      connection = await connect();
    });
    afterAll(async () => {
      await connection.command(`DROP TABLE IF EXISTS ${table}`);
      await connection.close();
    });

    const newStore = (options: Partial<SqlStoreOptions> = {}) =>
      new SqlStore({
        client: connection.client,
        table,
        createTable: true,
        pruneInterval: 0,
        ...options,
      });

    storeContract<SqlStore>({
      name: 'SqlStore',
      create: newStore,
      dispose: (store) => store.clear(),
      capabilities: CAPABILITIES,
      corrupt: async (store, key) => {
        await store.set(key, { whole: true }, HOUR);
        await connection.command(
          `UPDATE ${table} SET record = '{"truncated":' WHERE id = '${key}'`,
        );
      },
    });

    it('prunes in batches until nothing expired is left', async () => {
      const store = newStore({ pruneBatch: 3 });
      for (let n = 0; n < 10; n++) await store.set(`old-${n}`, { n }, 1);
      await store.set('new', { n: 10 }, HOUR);
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await store.prune()).toBe(10);
      expect(await store.get('new')).toEqual({ n: 10 });
      await store.clear();
    });

    it('says that a touch to the same end of life met a record', async () => {
      const store = newStore();
      const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now());
      await store.set('a', { n: 1 }, HOUR);
      expect(await store.touch('a', HOUR)).toBe(true);
      clock.mockRestore();
      await store.clear();
    });

    it.each([[1_500.5], [1e300]])('takes %d for sessionMaxAge', async (sessionMaxAge) => {
      const store = newStore({ sessionMaxAge });
      await store.set('a', { n: 1 }, 'session');
      expect(await store.touch('a', 'session')).toBe(true);
      expect(await store.read('a', 'session', { touch: 'session' })).toMatchObject({
        record: { n: 1 },
      });
      await store.clear();
    });

    it('treats a key with a NUL as missing', async () => {
      const store = newStore();
      expect(await store.get('a\0b')).toBeUndefined();
      expect(await store.read('a\0b')).toBeUndefined();
      expect(await store.touch('a\0b', HOUR)).toBe(false);
      expect(await store.update('a\0b', 'v', {}, HOUR)).toEqual({ status: 'gone' });
      await store.destroy('a\0b');
    });

    it('answers with a StoreError when the table is not there', async () => {
      const store = newStore({ table: 'no_such_table', createTable: false });
      const error = await store.get('a').catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ kind: 'rejected', outcome: 'not-applied', status: 503 });
      await expect(store.set('a', {}, HOUR)).rejects.toMatchObject({ outcome: 'not-applied' });
    });

    it('has a table that several processes may create at the same time', async () => {
      const fresh = `${table}_fresh`;
      const stores = Array.from({ length: 6 }, () => newStore({ table: fresh }));
      await Promise.all(stores.map((store, n) => store.set(`k${n}`, { n }, HOUR)));
      expect(await stores[0]?.get('k5')).toEqual({ n: 5 });
      await connection.command(`DROP TABLE ${fresh}`);
    });
  });
}

describeWith('SqlStore on PostgreSQL', postgres, 'PostgreSQL', ({ url, stop }) => {
  afterAll(stop);
  for (const [name, connect] of Object.entries(POSTGRES)) behaves(name, () => connect(url));

  it('finds its table in another schema', async () => {
    const pool = new Pool({ connectionString: url });
    const schema = `s_${randomUUID().replaceAll('-', '')}`;
    await pool.query(`CREATE SCHEMA ${schema}`);
    const store = new SqlStore({
      client: pool,
      table: `${schema}.sessions`,
      createTable: true,
      pruneInterval: 0,
    });
    expect(await store.create('a', { n: 1 }, HOUR)).toBe(true);
    expect(await store.create('a', { n: 2 }, HOUR)).toBe(false);
    expect(await store.get('a')).toEqual({ n: 1 });
    await pool.query(`DROP SCHEMA ${schema} CASCADE`);
    await pool.end();
  });

  it.each([56, 60, 62, 63])('gives a table of %d letters both its indexes', async (length) => {
    const pool = new Pool({ connectionString: url });
    const table = `s_${randomUUID().replaceAll('-', '')}`.padEnd(length, '_');
    const store = new SqlStore({ client: pool, table, createTable: true, pruneInterval: 0 });
    await store.set('a', { n: 1 }, HOUR);
    const { rows } = await pool.query<{ indexdef: string }>(
      'SELECT indexdef FROM pg_indexes WHERE tablename = $1',
      [table],
    );
    const columns = rows.map(({ indexdef }) => /\((\w+)\)/.exec(indexdef)?.[1]);
    expect(columns.sort()).toEqual(['expires', 'id', 'owner']);
    await pool.query(`DROP TABLE ${table}`);
    await pool.end();
  });
});

describeWith('SqlStore on MySQL or MariaDB', mysql, 'MySQL or MariaDB', ({ url, stop }) => {
  afterAll(stop);
  for (const [name, connect] of Object.entries(MYSQL)) behaves(name, () => connect(url));
});

/** better-sqlite3 needs a compiler: another SQLite, as strict as it about who may ask for rows. */
function likeBetterSqlite3(database: InstanceType<typeof sqlite.Database>) {
  return {
    exec: (sql: string) => database.exec(sql),
    prepare: (sql: string) => {
      const reader = /^SELECT|RETURNING/.test(sql);
      const refuse = (reason: string) => () => {
        throw new TypeError(reason);
      };
      return {
        reader,
        all: reader
          ? (...values: (string | number | null)[]) => database.all(sql, values)
          : refuse('This statement does not return data. Use run() instead'),
        run: reader
          ? refuse('This statement returns data. Use get(), all(), or iterate() instead')
          : (...values: (string | number | null)[]) => database.run(sql, values),
      };
    },
  };
}

describe('SqlStore on SQLite', () => {
  behaves('node-sqlite3-wasm', async () => {
    const client = new sqlite.Database(':memory:');
    const command = async (sql: string) => client.exec(sql);
    return { client, dialect: 'sqlite', command, close: () => client.close() };
  });

  it('finds its table in an attached database', async () => {
    const client = new sqlite.Database(':memory:');
    client.exec("ATTACH DATABASE ':memory:' AS app");
    const store = new SqlStore({
      client,
      table: 'app.sessions',
      createTable: true,
      pruneInterval: 0,
    });
    expect(await store.create('a', { n: 1 }, HOUR)).toBe(true);
    expect(await store.create('a', { n: 2 }, HOUR)).toBe(false);
    expect(await store.get('a')).toEqual({ n: 1 });
    const names = client.all("SELECT name FROM app.sqlite_master WHERE sql LIKE 'CREATE INDEX%'");
    expect(names).toEqual([{ name: 'sessions_expires' }, { name: 'sessions_owner' }]);
    client.close();
  });

  behaves('the interface of better-sqlite3', async () => {
    const database = new sqlite.Database(':memory:');
    const command = async (sql: string) => database.exec(sql);
    const client = likeBetterSqlite3(database);
    return { client, dialect: 'sqlite', command, close: () => database.close() };
  });

  behaves('TypeORM on sql.js', async () => {
    const client = await new DataSource({ type: 'sqljs' }).initialize();
    return {
      client,
      dialect: 'sqlite',
      command: (sql) => client.query(sql),
      close: () => client.destroy(),
    };
  });

  const { DatabaseSync } = (nodeSqlite ?? {}) as { DatabaseSync?: new (path: string) => object };
  if (DatabaseSync === undefined) {
    it.skip('[skipped: node:sqlite needs Node 22.13]', () => undefined);
  } else {
    behaves('node:sqlite', async () => {
      const client = new DatabaseSync(':memory:') as { exec(sql: string): void; close(): void };
      const command = async (sql: string) => client.exec(sql);
      return { client, dialect: 'sqlite', command, close: () => client.close() };
    });
  }
});

describe('SqlStore', () => {
  const executor: SqlExecutor = { dialect: 'sqlite', run: async () => ({ rows: [] }) };

  it('prunes again and again at a jittered interval, until it is closed', async () => {
    jest.useFakeTimers();
    try {
      const statements: string[] = [];
      const run: SqlExecutor['run'] = async (sql) => {
        statements.push(sql);
        return { rows: [] };
      };
      const store = new SqlStore({ client: { dialect: 'sqlite', run }, pruneInterval: 60_000 });
      await jest.advanceTimersByTimeAsync(44_000);
      expect(statements).toHaveLength(0);
      await jest.advanceTimersByTimeAsync(10 * 75_000);
      expect(statements.length).toBeGreaterThanOrEqual(9);
      expect(statements[0]).toMatch(/^DELETE FROM "sessions" WHERE id IN/);
      await store.close();
      const { length } = statements;
      await jest.advanceTimersByTimeAsync(600_000);
      expect(statements).toHaveLength(length);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('goes on pruning after a failure, and tells it to onPruneError', async () => {
    jest.useFakeTimers();
    try {
      const errors: unknown[] = [];
      const run = () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }));
      const store = new SqlStore({
        client: { dialect: 'sqlite', run },
        pruneInterval: 1_000,
        onPruneError: (error) => errors.push(error),
      });
      await jest.advanceTimersByTimeAsync(3_000);
      await store.close();
      expect(errors.length).toBeGreaterThan(1);
      expect(errors[0]).toBeInstanceOf(StoreError);
    } finally {
      jest.useRealTimers();
    }
  });

  it('runs an operation again that the database undid because of a parallel one', async () => {
    let runs = 0;
    const run: SqlExecutor['run'] = async () => {
      if (++runs < 3) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
      return { rows: [{ done: 1 }] };
    };
    const store = new SqlStore({ client: { dialect: 'postgres', run }, pruneInterval: 0 });
    expect(await store.update('a', 'v', {}, HOUR)).toMatchObject({ status: 'ok' });
    expect(runs).toBe(3);
  });

  it('sends a named write once more when its answer was lost, and set not', async () => {
    let runs = 0;
    const run: SqlExecutor['run'] = async () => {
      runs++;
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    };
    const store = new SqlStore({ client: { dialect: 'postgres', run }, pruneInterval: 0 });
    const lost = { kind: 'unavailable', outcome: 'unknown' };
    await expect(store.update('a', 'v', {}, HOUR)).rejects.toMatchObject(lost);
    expect(runs).toBe(2);
    await expect(store.set('a', {}, HOUR)).rejects.toMatchObject(lost);
    expect(runs).toBe(3);
  });

  it.each(['postgres', 'mysql', 'sqlite'] as const)(
    'is documented with its table: %s',
    (dialect) => {
      const docs = readFileSync(new URL('../../../docs/stores.md', import.meta.url), 'utf8');
      expect(docs).toContain(`${SqlStore.schema(dialect).join(';\n')};`);
    },
  );

  it('shows the table as SQL for a migration', () => {
    expect(SqlStore.schema('postgres', 'app.sessions')).toEqual([
      expect.stringContaining('CREATE TABLE IF NOT EXISTS "app"."sessions"'),
      'CREATE INDEX IF NOT EXISTS "sessions_expires" ON "app"."sessions" (expires)',
      'CREATE INDEX IF NOT EXISTS "sessions_owner" ON "app"."sessions" (owner) WHERE owner IS NOT NULL',
    ]);
    expect(SqlStore.schema('mysql')).toEqual([
      expect.stringContaining('CREATE TABLE IF NOT EXISTS `sessions`'),
    ]);
  });

  it.each([
    [{}, 'client', /must be a pool of pg or mysql2.*got undefined/],
    [{ client: {} }, 'client', /got an object/],
    [{ client: executor, table: 'a; DROP TABLE b' }, 'table', /must be a table name/],
    [{ client: executor, pruneInterval: -1 }, 'pruneInterval', /0 or more, got number/],
    [{ client: executor, pruneBatch: 0 }, 'pruneBatch', /a whole number above 0/],
    [{ client: executor, createTable: 'yes' }, 'createTable', /must be true or false, got string/],
    [
      { client: { createQueryRunner: () => ({}), options: { type: 'oracle' } } },
      'client',
      /DataSource of a type that the store has no SQL for/,
    ],
  ])('refuses wrong options when it is built: %#', (options, option, message) => {
    const build = () => new SqlStore(options as unknown as SqlStoreOptions);
    expect(build).toThrow(SessionOptionsError);
    expect(build).toThrow(expect.objectContaining({ option }));
    expect(build).toThrow(message);
  });
});
