import type { SessionRecord, StoreMaxAge } from '../../session/store.js';

/** One day in milliseconds: koa-session's default lifetime. @internal */
export const ONE_DAY = 86_400_000;

/** Longer than any deployment, and still exact as a number of milliseconds in every backend. */
const LONGEST_LIFETIME = 100 * 365 * ONE_DAY;

/**
 * The lifetime a store gives a record: whole milliseconds, at least 1. A lifetime that is over
 * before it begins (0 or less) ends with the current millisecond, so no backend has to treat it
 * apart (Redis refuses `PX 0`).
 *
 * @param sessionMaxAge what `'session'` stands for.
 * @internal
 */
export function lifetimeOf(maxAge: StoreMaxAge, sessionMaxAge: number): number {
  const asked = maxAge === 'session' ? sessionMaxAge : maxAge;
  if (typeof asked !== 'number' || Number.isNaN(asked)) return ONE_DAY;
  if (asked <= 1) return 1;
  return asked >= LONGEST_LIFETIME ? LONGEST_LIFETIME : Math.ceil(asked);
}

/** The text a store keeps for `record`. @internal */
export function recordText(record: SessionRecord): string {
  return JSON.stringify(record);
}

/**
 * The record in a stored text, a fresh copy each time; `undefined` when the text is corrupt, that
 * is, not the JSON of an object.
 *
 * @internal
 */
export function recordFrom(text: unknown): SessionRecord | undefined {
  if (typeof text !== 'string') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as SessionRecord;
}

/**
 * Moves a record's `_expire` with the end of its life, for a reader that goes by `_expire`.
 *
 * @param by milliseconds.
 * @internal
 */
export function moveExpire(record: SessionRecord, by: number): void {
  if (typeof record['_expire'] === 'number') record['_expire'] += by;
}

/**
 * How much longer than its `_expire` a record lives that ends at `expires`, milliseconds; `undefined`
 * when its life is not bounded by `_expire`.
 *
 * @internal
 */
export function graceOf(record: SessionRecord, expires: number): number | undefined {
  const expire = record['_expire'];
  return typeof expire === 'number' ? Math.round(expires - expire) : undefined;
}

/** Whether a record's time is over by its own account. @internal */
export function isOver(record: SessionRecord, now: number): boolean {
  const expire = record['_expire'];
  return typeof expire === 'number' && expire <= now;
}

/** The owner a record belongs to, if any. @internal */
export function ownerOf(record: SessionRecord): string | undefined {
  const owner = record['_owner'];
  return typeof owner === 'string' && owner !== '' ? owner : undefined;
}
