import type {
  CapableStore,
  OwnedRecord,
  SessionRecord,
  StoreMaxAge,
  StoreReadOptions,
  StoreWriteOptions,
  UpdateResult,
  VersionedRecord,
} from '../session/store.js';
import {
  boolean,
  checkStoreOptions,
  count,
  func,
  milliseconds,
  positiveMilliseconds,
} from './internal/option-checks.js';
import {
  graceOf,
  isOver,
  lifetimeOf,
  ONE_DAY,
  ownerOf,
  recordFrom,
  recordText,
} from './internal/record-text.js';
import { PruneTimer } from './internal/prune-timer.js';
import { sqlExecutor } from './internal/sql-executor.js';
import type {
  SqlClient,
  SqlDialect,
  SqlExecutor,
  SqlResult,
  SqlValue,
} from './internal/sql-executor.js';
import { isDuplicate, isParallelCreation, sqlFailure } from './internal/sql-failure.js';
import { sqlSchema, sqlStatements } from './internal/sql-statements.js';
import type { SqlStatements } from './internal/sql-statements.js';
import { attempt } from './internal/store-failure.js';
import { versionFor } from './internal/version.js';

export type {
  SqlClient,
  SqlDialect,
  SqlExecutor,
  SqlResult,
  SqlValue,
} from './internal/sql-executor.js';

/**
 * Where a {@link SqlStore} keeps sessions.
 *
 * @publicApi
 */
export interface SqlStoreOptions {
  /** The database. The application connects and closes it. */
  client: SqlClient;
  /**
   * The table: letters, digits and underscores, after a schema and a dot if need be. Default:
   * `'sessions'`.
   */
  table?: string | undefined;
  /**
   * Whether the first operation creates the table if it is missing. Default: false, since an
   * application's account usually may not; see {@link SqlStore.schema}.
   */
  createTable?: boolean | undefined;
  /**
   * How often expired records are removed, milliseconds, give or take a quarter, so that several
   * processes do not do it at once. 0: never, somebody else calls `prune`. Default: 15 minutes.
   */
  pruneInterval?: number | undefined;
  /** How many records one statement removes at most. Default: 1,000. */
  pruneBatch?: number | undefined;
  /** Told when a removal that nobody waits for failed. Default: nobody; the next one tries again. */
  onPruneError?: ((error: unknown) => void) | undefined;
  /** How long a record of `maxAge: 'session'` is kept, milliseconds. Default: one day. */
  sessionMaxAge?: number | undefined;
}

const RULES = {
  client: () => undefined,
  table: (value: unknown) =>
    typeof value === 'string' && /^(?:[A-Za-z_]\w*\.)?[A-Za-z_]\w*$/.test(value)
      ? undefined
      : 'a table name of letters, digits and underscores, after a schema and a dot if need be',
  createTable: boolean,
  pruneInterval: milliseconds,
  pruneBatch: count,
  onPruneError: func,
  sessionMaxAge: positiveMilliseconds,
};

const DEFAULTS = {
  table: 'sessions',
  pruneInterval: 15 * 60_000,
  pruneBatch: 1_000,
  sessionMaxAge: ONE_DAY,
};

/** How often the sessions of an owner are removed to end them all. */
const OWNER_PASSES = 5;

/**
 * Sessions in PostgreSQL, MySQL, MariaDB or SQLite.
 *
 * A load is one statement by primary key, with the expiry renewed in the same one if asked (two in
 * MySQL); a commit is one `UPDATE ... WHERE version = ...`, and a second statement only to tell
 * "gone" from "conflict". No statement needs a transaction. Expired rows read as missing, and are
 * removed in batches.
 *
 * Lifetimes go by the clocks of the application's machines, which have to agree to within seconds.
 *
 * Failures are `StoreError`s. A read or a named write whose connection broke is sent once
 * more, and one that the database undid because of a parallel one a few times.
 *
 * @example
 * ```ts
 * import { Pool } from 'pg';
 *
 * const store = new SqlStore({ client: new Pool(), createTable: true });
 * app.use(createSession({ store }, app));
 * ```
 * @publicApi
 */
export class SqlStore implements CapableStore {
  readonly #executor: SqlExecutor;
  readonly #statements: SqlStatements;
  readonly #table: string;
  readonly #pruneBatch: number;
  readonly #sessionMaxAge: number;
  readonly #timer: PruneTimer;
  /** Settled once the table is there; `undefined` when nobody asked for it. */
  #tableReady: Promise<void> | undefined;
  #createTable: boolean;

  /** @throws SessionOptionsError when an option is wrong. */
  constructor(options: SqlStoreOptions) {
    checkStoreOptions('SqlStore', options, RULES);
    this.#executor = sqlExecutor(options.client);
    this.#table = options.table ?? DEFAULTS.table;
    this.#statements = sqlStatements(this.#executor.dialect, this.#table);
    this.#createTable = options.createTable ?? false;
    this.#pruneBatch = options.pruneBatch ?? DEFAULTS.pruneBatch;
    this.#sessionMaxAge = options.sessionMaxAge ?? DEFAULTS.sessionMaxAge;
    this.#timer = new PruneTimer(
      options.pruneInterval ?? DEFAULTS.pruneInterval,
      () => this.prune(),
      options.onPruneError,
    );
  }

  /**
   * The statements that create the table and its indexes, for a migration.
   *
   * @example
   * ```ts
   * for (const statement of SqlStore.schema('postgres')) await pool.query(statement);
   * ```
   */
  static schema(dialect: SqlDialect, table: string = DEFAULTS.table): string[] {
    return sqlSchema(dialect, table);
  }

  async get(key: string): Promise<SessionRecord | undefined> {
    return (await this.read(key))?.record;
  }

  async set(key: string, record: SessionRecord, maxAge?: StoreMaxAge): Promise<void> {
    const row = this.#row(versionFor(undefined), record, maxAge);
    // Not repeatable: sent twice, it could bring back what was destroyed in between.
    await this.#attempt('set', false, () => this.#run(this.#statements.set, [key, ...row]));
  }

  async destroy(key: string): Promise<void> {
    if (!isStorable(key)) return;
    await this.#attempt('destroy', true, () => this.#run(this.#statements.destroy, [key]));
  }

  async create(
    key: string,
    record: SessionRecord,
    maxAge?: StoreMaxAge,
    options?: StoreWriteOptions,
  ): Promise<boolean> {
    const version = versionFor(options?.writeId);
    const row = this.#row(version, record, maxAge);
    return this.#attempt('create', true, async () => {
      if (await this.#insert(key, row)) return true;
      const current = await this.#select(key);
      return current?.version === version;
    });
  }

  async read(
    key: string,
    _maxAge?: StoreMaxAge,
    options?: StoreReadOptions,
  ): Promise<VersionedRecord | undefined> {
    if (!isStorable(key)) return undefined;
    const touch = options?.touch;
    return this.#attempt('get', true, async () => {
      if (touch === undefined) return this.#select(key);
      const { readAndRenew, renew } = this.#statements;
      const now = Date.now();
      const expires = now + lifetimeOf(touch, this.#sessionMaxAge);
      if (readAndRenew !== undefined) {
        const { rows } = await this.#run(readAndRenew, [expires, now, expires, key, now]);
        return decode(rows[0]);
      }
      if (renew !== undefined) await this.#run(renew, [expires, key, now, expires, now]);
      return this.#select(key);
    });
  }

  async update(
    key: string,
    version: string | number,
    record: SessionRecord,
    maxAge?: StoreMaxAge,
    options?: StoreWriteOptions,
  ): Promise<UpdateResult> {
    if (!isStorable(key)) return { status: 'gone' };
    const next = versionFor(options?.writeId);
    const row = this.#row(next, record, maxAge);
    return this.#attempt('update', true, async () => {
      const values = [...row, key, String(version), Date.now()];
      if (done(await this.#run(this.#statements.update, values)) > 0) {
        return { status: 'ok', version: next };
      }
      const current = await this.#select(key);
      if (current === undefined) return { status: 'gone' };
      if (current.version === next) return { status: 'ok', version: next };
      return { status: 'conflict', ...current };
    });
  }

  async touch(key: string, maxAge?: StoreMaxAge): Promise<boolean> {
    if (!isStorable(key)) return false;
    return this.#attempt('touch', true, async () => {
      const now = Date.now();
      const expires = now + lifetimeOf(maxAge, this.#sessionMaxAge);
      if (done(await this.#run(this.#statements.touch, [expires, key, now, now])) > 0) return true;
      if (this.#executor.dialect !== 'mysql') return false;
      // MySQL may count only rows that changed, and the lifetime may be the same.
      const found = await this.#select(key);
      return found !== undefined && !isOver(found.record, now);
    });
  }

  async listByOwner(owner: string): Promise<OwnedRecord[]> {
    const { rows } = await this.#attempt('list', true, () =>
      this.#run(this.#statements.listByOwner, [owner, Date.now()]),
    );
    const owned: OwnedRecord[] = [];
    for (const row of rows) {
      const record = decode(row)?.record;
      if (record === undefined) continue;
      owned.push({ key: text(row['id']), record, expires: Number(row['expires']) });
    }
    return owned;
  }

  async destroyByOwner(owner: string, options?: { except?: readonly string[] }): Promise<number> {
    const kept = [...new Set(options?.except)].filter(isStorable);
    const statement = this.#statements.destroyByOwner(kept.length);
    let ended = 0;
    for (let pass = 0; pass < OWNER_PASSES; pass++) {
      const now = await this.#attempt('destroy', true, async () =>
        done(await this.#run(statement, [owner, Date.now(), ...kept])),
      );
      ended += now;
      // The first may have missed a session that was given another key while it ran.
      if (now === 0 && pass > 0) break;
    }
    return ended;
  }

  async clear(): Promise<void> {
    await this.#attempt('clear', true, () => this.#run(this.#statements.clear, []));
  }

  async prune(): Promise<number> {
    const statement = this.#statements.prune(this.#pruneBatch);
    const mentions = this.#executor.dialect === 'mysql' ? 1 : 2;
    let removed = 0;
    for (;;) {
      const now = Date.now();
      const batch = await this.#attempt('prune', true, async () =>
        done(await this.#run(statement, Array<number>(mentions).fill(now))),
      );
      removed += batch;
      if (batch < this.#pruneBatch) return removed;
    }
  }

  /** Stops removing expired records. The database stays open: it is the application's. */
  async close(): Promise<void> {
    this.#timer.stop();
  }

  /** Creates the table and its indexes if they are not there. */
  async createTable(): Promise<void> {
    for (const statement of sqlSchema(this.#executor.dialect, this.#table)) {
      await attempt('create table', sqlFailure, true, async () => {
        try {
          await this.#executor.run(statement, []);
        } catch (error) {
          // Two processes that start together: PostgreSQL lets one of them fail.
          if (!isParallelCreation(error)) throw error;
        }
      });
    }
  }

  async #select(key: string): Promise<VersionedRecord | undefined> {
    const { rows } = await this.#run(this.#statements.read, [key, Date.now()]);
    return decode(rows[0]);
  }

  /** Inserts a row, or takes over an expired one. */
  async #insert(key: string, row: SqlValue[]): Promise<boolean> {
    const { create, reuse } = this.#statements;
    if (reuse === undefined) {
      return done(await this.#run(create, [key, ...row, Date.now()])) > 0;
    }
    try {
      await this.#run(create, [key, ...row]);
      return true;
    } catch (error) {
      if (!isDuplicate(error)) throw error;
    }
    return done(await this.#run(reuse, [...row, key, Date.now()])) > 0;
  }

  #row(version: string, record: SessionRecord, maxAge: StoreMaxAge): SqlValue[] {
    const expires = Date.now() + lifetimeOf(maxAge, this.#sessionMaxAge);
    const grace = graceOf(record, expires) ?? null;
    return [recordText(record), version, ownerOf(record) ?? null, expires, grace];
  }

  async #run(sql: string, values: SqlValue[]): Promise<SqlResult> {
    if (this.#createTable) {
      this.#tableReady ??= this.createTable();
      try {
        await this.#tableReady;
      } catch (error) {
        this.#tableReady = undefined;
        throw error;
      }
      this.#createTable = false;
    }
    return this.#executor.run(sql, values);
  }

  #attempt<T>(operation: string, repeatable: boolean, work: () => Promise<T>): Promise<T> {
    return attempt(operation, sqlFailure, repeatable, work);
  }
}

/** How many rows a statement changed. */
function done({ rows, affected }: SqlResult): number {
  return rows.length > 0 ? rows.length : (affected ?? 0);
}

function decode(row: Record<string, unknown> | undefined): VersionedRecord | undefined {
  if (row === undefined) return undefined;
  const expires = Number(row['expires']);
  const record = recordFrom(text(row['record']));
  if (record === undefined) return undefined;
  // What touch moved: the end of life less the grace that the record had when it was written.
  if (row['grace'] !== null && typeof record['_expire'] === 'number') {
    record['_expire'] = expires - Number(row['grace']);
  }
  return { record, version: text(row['version']), expires };
}

/** Binary columns come as bytes. */
function text(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
}

/** PostgreSQL keeps no text with a NUL in it, so there cannot be a record under such a key. */
function isStorable(key: string): boolean {
  return !key.includes('\0');
}
