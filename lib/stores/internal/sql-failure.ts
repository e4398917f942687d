import { COLLIDED, LOST, REJECTED, socketFailure, TIMED_OUT, UNREACHED } from './store-failure.js';
import type { Failure } from './store-failure.js';

/** The server ended the work, and says so, because it took too long. */
const CANCELLED: Failure = { kind: 'timeout', outcome: 'not-applied' };

/** SQLSTATEs of PostgreSQL, MySQL's symbols and SQLite's, by what they mean. */
const CODES: Readonly<Record<string, Failure>> = {
  '40001': COLLIDED,
  '40P01': COLLIDED,
  ER_LOCK_DEADLOCK: COLLIDED,
  ER_LOCK_WAIT_TIMEOUT: COLLIDED,
  ER_CHECKREAD: COLLIDED,
  '57P01': LOST,
  '57P02': LOST,
  PROTOCOL_CONNECTION_LOST: LOST,
  ER_SERVER_SHUTDOWN: LOST,
  ER_CONNECTION_KILLED: LOST,
  '57P03': UNREACHED,
  '53300': UNREACHED,
  ER_CON_COUNT_ERROR: UNREACHED,
  POOL_CLOSED: UNREACHED,
  POOL_NOCONNECTIONS: UNREACHED,
  '57014': CANCELLED,
  ER_QUERY_INTERRUPTED: CANCELLED,
  ER_QUERY_TIMEOUT: CANCELLED,
  ER_STATEMENT_TIMEOUT: CANCELLED,
  PROTOCOL_SEQUENCE_TIMEOUT: TIMED_OUT,
  SQLITE_BUSY: UNREACHED,
};

/** Errors that the drivers make themselves and give no code. */
const MESSAGES: readonly [RegExp, Failure][] = [
  [/connection terminated due to connection timeout|timeout exceeded when trying/i, UNREACHED],
  [/read timeout/i, TIMED_OUT],
  [/not queryable|after calling end|pool is closed|closed state|queue limit/i, UNREACHED],
  [
    /not established|not initialized|database is not open|database (?:table )?is locked/i,
    UNREACHED,
  ],
  [/connection (?:terminated|lost|ended|closed)|server closed the connection/i, LOST],
];

/**
 * What an error of a SQL driver means. TypeORM's are looked into.
 *
 * @internal
 */
export function sqlFailure(error: unknown): Failure {
  const cause = driverError(error);
  const socket = socketFailure(cause);
  if (socket !== undefined) return socket;
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string') {
    const known = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
    if (known !== undefined) return known;
    // Class 08 of the SQL standard: connection exceptions.
    if (/^08\w{3}$/.test(code)) return LOST;
  }
  const text = String(message);
  return MESSAGES.find(([pattern]) => pattern.test(text))?.[1] ?? REJECTED;
}

/** Whether a row under the same primary key kept the statement from inserting one. @internal */
export function isDuplicate(error: unknown): boolean {
  return (driverError(error) as { code?: unknown } | undefined)?.code === 'ER_DUP_ENTRY';
}

/** Whether two processes created the table at the same time. @internal */
export function isParallelCreation(error: unknown): boolean {
  const { code } = (driverError(error) ?? {}) as { code?: unknown };
  // The row of the table, of its type, or of its name's index: whichever came second.
  return code === '23505' || code === '42P07' || code === '42710';
}

function driverError(error: unknown): unknown {
  return (error as { driverError?: unknown } | null | undefined)?.driverError ?? error;
}
