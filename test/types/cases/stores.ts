// What a configuration may leave unset may be handed on as it is: `undefined` is the default.
import { circuitBreaker } from '../../../lib/stores/circuit-breaker.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import type { ExpressSessionStoreOptions } from '../../../lib/stores/express-session.js';
import type { KeyvStoreOptions } from '../../../lib/stores/keyv.js';
import type { RedisStoreOptions } from '../../../lib/stores/redis.js';
import type { SqlStoreOptions } from '../../../lib/stores/sql.js';
import { twoTier } from '../../../lib/stores/two-tier.js';

declare const number: number | undefined;
declare const text: string | undefined;
declare const listener: ((what: unknown) => void) | undefined;

const memory = new MemoryStore({ maxRecords: number, maxBytes: number, sessionMaxAge: number });
export const wrapped = [
  twoTier(memory, { maxStale: number, maxRecords: number, maxBytes: number }),
  circuitBreaker(memory, { failures: number, resetAfter: number, timeout: number }),
  circuitBreaker(memory, { onStateChange: listener }),
];
export const redis: Omit<RedisStoreOptions, 'client'> = {
  prefix: text,
  ownerPrefix: text,
  sessionMaxAge: number,
};
export const sql: Omit<SqlStoreOptions, 'client'> = {
  table: text,
  createTable: text === undefined ? undefined : true,
  pruneInterval: number,
  pruneBatch: number,
  onPruneError: listener,
  sessionMaxAge: number,
};
export const keyv: Omit<KeyvStoreOptions, 'keyv'> = { sessionMaxAge: number };
export const express: Omit<ExpressSessionStoreOptions, 'store'> = { sessionMaxAge: number };
