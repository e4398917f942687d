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
  if (maxAge === 'session') return sessionMaxAge;
  if (typeof maxAge !== 'number' || Number.isNaN(maxAge)) return ONE_DAY;
  if (maxAge <= 1) return 1;
  return maxAge >= LONGEST_LIFETIME ? LONGEST_LIFETIME : Math.ceil(maxAge);
}

/** The text a store keeps for `record`. @internal */
export function recordText(record: SessionRecord): string {
  return JSON.stringify(record);
}

/**
 * The record in a stored text, a fresh copy each time; `undefined` when the text is corrupt, that
 * is, not the JSON of an object.
 *
 * @param shift milliseconds that the record's `_expire` has moved since it was written, because
 * the record was touched.
 * @internal
 */
export function recordFrom(text: unknown, shift = 0): SessionRecord | undefined {
  if (typeof text !== 'string') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const record = value as SessionRecord;
  if (shift !== 0 && typeof record['_expire'] === 'number') record['_expire'] += shift;
  return record;
}

/** The owner a record belongs to, if any. @internal */
export function ownerOf(record: SessionRecord): string | undefined {
  const owner = record['_owner'];
  return typeof owner === 'string' && owner !== '' ? owner : undefined;
}
