import { createHash } from 'node:crypto';
import type { SqlDialect } from './sql-executor.js';

/** The SQL of one store: its statements in one dialect, on one table. @internal */
export interface SqlStatements {
  /** Values: id, now. */
  read: string;
  /** Values: expires, now, expires, id, now. Not in MySQL, which cannot return what it updates. */
  readAndRenew: string | undefined;
  /** MySQL only. Values: expires, id, now, expires, now. */
  renew: string | undefined;
  /** Values: id, record, version, owner, expires, grace, and now where an expired row is reused. */
  create: string;
  /** MySQL only. Values: record, version, owner, expires, grace, id, now. */
  reuse: string | undefined;
  /** Values: id, record, version, owner, expires, grace. */
  set: string;
  /** Values: record, version, owner, expires, grace, id, expected version, now. */
  update: string;
  /** Values: expires, id, now. */
  touch: string;
  /** Values: id. */
  destroy: string;
  /** Values: owner, now. */
  listByOwner: string;
  /** Values: owner, now, and the ids to keep. */
  destroyByOwner(kept: number): string;
  /** Values: now. */
  prune(batch: number): string;
  clear: string;
}

const COLUMNS = 'id, record, version, owner, expires, grace';

/** @internal */
export function sqlStatements(dialect: SqlDialect, table: string): SqlStatements {
  const name = quoted(dialect, table);
  // PostgreSQL and SQLite say with RETURNING what a statement did; MySQL counts rows.
  const returning = dialect === 'mysql' ? '' : ' RETURNING 1 AS done';
  const fields = 'record = ?, version = ?, owner = ?, expires = ?, grace = ?';
  const insert = `INSERT INTO ${name} (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`;
  const replace = COLUMNS.split(', ')
    .slice(1)
    .map(
      (column) => `${column} = ${dialect === 'mysql' ? `VALUES(${column})` : `excluded.${column}`}`,
    )
    .join(', ');
  const live = 'id = ? AND expires > ?';
  // What is over by its own account is not brought back; a renewal shortens no life either.
  const isGoing = '(grace IS NULL OR expires - grace > ?)';
  const isRenewable = `expires < ? AND ${isGoing}`;
  const q = (sql: string): string => (dialect === 'postgres' ? numbered(sql) : sql);
  return {
    read: q(`SELECT record, version, expires, grace FROM ${name} WHERE ${live}`),
    readAndRenew:
      dialect === 'mysql'
        ? undefined
        : q(
            `UPDATE ${name} SET expires = CASE WHEN ${isRenewable} THEN ? ELSE expires END WHERE ${live} RETURNING record, version, expires, grace`,
          ),
    renew:
      dialect === 'mysql'
        ? `UPDATE ${name} SET expires = ? WHERE ${live} AND ${isRenewable}`
        : undefined,
    create:
      dialect === 'mysql'
        ? insert
        : q(
            `${insert} ON CONFLICT (id) DO UPDATE SET ${replace} WHERE ${name}.expires <= ?${returning}`,
          ),
    reuse:
      dialect === 'mysql'
        ? `UPDATE ${name} SET ${fields} WHERE id = ? AND expires <= ?`
        : undefined,
    set:
      dialect === 'mysql'
        ? `${insert} ON DUPLICATE KEY UPDATE ${replace}`
        : q(`${insert} ON CONFLICT (id) DO UPDATE SET ${replace}${returning}`),
    update: q(
      `UPDATE ${name} SET ${fields} WHERE id = ? AND version = ? AND expires > ?${returning}`,
    ),
    touch: q(`UPDATE ${name} SET expires = ? WHERE ${live} AND ${isGoing}${returning}`),
    destroy: q(`DELETE FROM ${name} WHERE id = ?${returning}`),
    listByOwner: q(
      `SELECT id, record, version, expires, grace FROM ${name} WHERE owner = ? AND expires > ?`,
    ),
    destroyByOwner: (kept) => {
      const except = kept === 0 ? '' : ` AND id NOT IN (${Array(kept).fill('?').join(', ')})`;
      return q(`DELETE FROM ${name} WHERE owner = ? AND expires > ?${except}${returning}`);
    },
    prune: (batch) =>
      dialect === 'mysql'
        ? `DELETE FROM ${name} WHERE expires <= ? LIMIT ${batch}`
        : q(
            `DELETE FROM ${name} WHERE id IN (SELECT id FROM ${name} WHERE expires <= ? LIMIT ${batch}) AND expires <= ?${returning}`,
          ),
    clear: `DELETE FROM ${name}`,
  };
}

/**
 * The statements that create the table and its indexes if they are not there.
 *
 * Ids, versions and owners are compared byte by byte: a collation that ignores letter case would
 * mix up sessions.
 *
 * @internal
 */
export function sqlSchema(dialect: SqlDialect, table: string): string[] {
  const name = quoted(dialect, table);
  if (dialect === 'mysql') {
    return [
      [
        `CREATE TABLE IF NOT EXISTS ${name} (`,
        '  id VARBINARY(255) NOT NULL PRIMARY KEY,',
        '  record MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL,',
        '  version VARBINARY(64) NOT NULL,',
        '  owner VARBINARY(255) NULL,',
        '  expires BIGINT NOT NULL,',
        '  grace BIGINT NULL,',
        '  INDEX (expires),',
        '  INDEX (owner)',
        ') ENGINE = InnoDB',
      ].join('\n'),
    ];
  }
  const bytewise = dialect === 'postgres' ? ' COLLATE "C"' : '';
  const bare = table.split('.').at(-1) ?? table;
  const index = (column: string): string => {
    // Index and table are in the same schema; PostgreSQL wants to read it at the table, SQLite at
    // the index, and neither takes it at both.
    const [label, on] =
      dialect === 'postgres'
        ? [postgresName(`${bare}_${column}`), table]
        : [`${table}_${column}`, bare];
    return `CREATE INDEX IF NOT EXISTS ${quoted(dialect, label)} ON ${quoted(dialect, on)} (${column})`;
  };
  return [
    [
      `CREATE TABLE IF NOT EXISTS ${name} (`,
      `  id TEXT${bytewise} PRIMARY KEY,`,
      '  record TEXT NOT NULL,',
      '  version TEXT NOT NULL,',
      `  owner TEXT${bytewise},`,
      '  expires BIGINT NOT NULL,',
      '  grace BIGINT',
      ')',
    ].join('\n'),
    index('expires'),
    `${index('owner')} WHERE owner IS NOT NULL`,
  ];
}

/**
 * PostgreSQL cuts longer names by itself: then two indexes may have one, and `IF NOT EXISTS` leaves
 * the second out without a word.
 */
const LONGEST_POSTGRES_NAME = 63;

function postgresName(name: string): string {
  if (name.length <= LONGEST_POSTGRES_NAME) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${name.slice(0, LONGEST_POSTGRES_NAME - digest.length - 1)}_${digest}`;
}

function quoted(dialect: SqlDialect, table: string): string {
  const quote = dialect === 'mysql' ? '`' : '"';
  return table
    .split('.')
    .map((part) => `${quote}${part}${quote}`)
    .join('.');
}

function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => `$${++count}`);
}
