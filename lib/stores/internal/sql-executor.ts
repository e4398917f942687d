import { SessionOptionsError, typeName } from '../../errors.js';

/** The SQL that a database speaks. @publicApi */
export type SqlDialect = 'postgres' | 'mysql' | 'sqlite';

/** What a statement is given. @publicApi */
export type SqlValue = string | number | null;

/** What a statement gave: rows, and how many it changed. @publicApi */
export interface SqlResult {
  /** The rows that a `SELECT`, or a `RETURNING`, gave. */
  rows: readonly Record<string, unknown>[];
  /** MySQL only: how many rows the statement inserted, updated or deleted. */
  affected?: number;
}

/**
 * All that the store needs of a database, for drivers that it does not know by itself.
 *
 * @example
 * ```ts
 * const executor: SqlExecutor = {
 *   dialect: 'postgres',
 *   run: async (sql, values) => ({ rows: await myDriver.query(sql, values) }),
 * };
 * ```
 * @publicApi
 */
export interface SqlExecutor {
  readonly dialect: SqlDialect;
  /**
   * Runs one statement, by itself and not in a transaction of somebody else. Placeholders are
   * `$1`, `$2`, ... in PostgreSQL and `?` elsewhere. Rejects with the driver's own error.
   */
  run(sql: string, values: SqlValue[]): Promise<SqlResult>;
}

/**
 * A database as the application has it: a `Pool` of `pg`, a pool of `mysql2` (with callbacks or
 * promises), a TypeORM `DataSource` of type postgres, mysql, mariadb, better-sqlite3 or sqljs, a
 * SQLite database of `node:sqlite`, `better-sqlite3` or `node-sqlite3-wasm`, or a
 * {@link SqlExecutor}.
 *
 * @publicApi
 */
export type SqlClient = object;

type Client = Partial<Record<string, (...args: unknown[]) => unknown>>;

/** @throws SessionOptionsError when no driver has a client like this. @internal */
export function sqlExecutor(client: unknown): SqlExecutor {
  if (typeof client === 'object' && client !== null) {
    const methods = client as Client;
    const has = (name: string): boolean => typeof methods[name] === 'function';
    if (has('run') && 'dialect' in client) return client as SqlExecutor;
    if (has('createQueryRunner')) return new TypeOrmExecutor(client as unknown as DataSource);
    if (has('execute')) return mysqlExecutor(methods);
    if (has('prepare')) return new SqliteExecutor(methods);
    if (has('query')) return postgresExecutor(methods);
  }
  throw new SessionOptionsError(
    'client',
    `"client" option of SqlStore must be a pool of pg or mysql2, a SQLite database, a TypeORM DataSource or an executor, got ${typeName(client)}`,
  );
}

function postgresExecutor(pool: Client): SqlExecutor {
  return {
    dialect: 'postgres',
    async run(sql, values) {
      const { rows } = (await pool['query']?.(sql, values)) as SqlResult;
      return { rows };
    },
  };
}

function mysqlExecutor(pool: Client): SqlExecutor {
  const promising = (typeof pool['promise'] === 'function' ? pool['promise']() : pool) as Client;
  return {
    dialect: 'mysql',
    async run(sql, values) {
      const [result] = (await promising['execute']?.(sql, values)) as [unknown];
      if (Array.isArray(result)) return { rows: result as Record<string, unknown>[] };
      return { rows: [], affected: (result as { affectedRows: number }).affectedRows };
    },
  };
}

interface Statement {
  all(...values: unknown[]): readonly Record<string, unknown>[];
  run(...values: unknown[]): unknown;
  /** better-sqlite3 only: whether the statement gives rows. */
  reader?: boolean;
}

/** How many prepared statements are kept; the store has fewer that do not vary. */
const KEPT_STATEMENTS = 32;

/**
 * SQLite in this process. Its drivers are synchronous; every statement of the store is a short
 * one, by primary key or index.
 */
class SqliteExecutor implements SqlExecutor {
  readonly dialect = 'sqlite';
  readonly #database: Client;
  readonly #statements = new Map<string, Statement>();

  constructor(database: Client) {
    this.#database = database;
  }

  async run(sql: string, values: SqlValue[]): Promise<SqlResult> {
    const database = this.#database;
    if (sql.startsWith('CREATE')) {
      database['exec']?.(sql);
      return { rows: [] };
    }
    // node-sqlite3-wasm: its statements have to be finalized, so it is let to do that itself.
    if (typeof database['all'] === 'function') {
      return { rows: database['all'](sql, values) as Record<string, unknown>[] };
    }
    const statement = this.#prepared(sql);
    // better-sqlite3 refuses to ask for the rows of a statement that gives none.
    if (statement.reader === false) {
      statement.run(...values);
      return { rows: [] };
    }
    return { rows: statement.all(...values) };
  }

  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#statements.size >= KEPT_STATEMENTS) this.#statements.clear();
    const statement = this.#database['prepare']?.(sql) as Statement;
    this.#statements.set(sql, statement);
    return statement;
  }
}

interface DataSource {
  options: { type: string };
  createQueryRunner(): {
    query(
      sql: string,
      values: unknown[],
      structured: true,
    ): Promise<{ records?: Record<string, unknown>[]; affected?: number }>;
    release(): Promise<void>;
  };
}

const TYPEORM_DIALECTS: Readonly<Record<string, SqlDialect>> = {
  postgres: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  'better-sqlite3': 'sqlite',
  sqljs: 'sqlite',
};

class TypeOrmExecutor implements SqlExecutor {
  readonly dialect: SqlDialect;
  readonly #source: DataSource;

  constructor(source: DataSource) {
    const dialect = TYPEORM_DIALECTS[source.options.type];
    if (dialect === undefined) {
      throw new SessionOptionsError(
        'client',
        `"client" option of SqlStore is a DataSource of a type that the store has no SQL for: use one of ${Object.keys(TYPEORM_DIALECTS).join(', ')}`,
      );
    }
    this.dialect = dialect;
    this.#source = source;
  }

  async run(sql: string, values: SqlValue[]): Promise<SqlResult> {
    const runner = this.#source.createQueryRunner();
    try {
      const { records = [], affected } = await runner.query(sql, values, true);
      // Some drivers count the rows of an earlier statement where this one has changed none.
      if (this.dialect !== 'mysql' || affected === undefined) return { rows: records };
      return { rows: records, affected };
    } finally {
      await runner.release();
    }
  }
}
