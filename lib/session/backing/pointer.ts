import type { SessionRecord } from '../store.js';

/** The field of a record that only points to the key its session moved to. */
const MOVED = '_moved';

/** Until when a pointer may be followed. */
const UNTIL = '_until';

/** The shortest life of a pointer, milliseconds: a logout follows it when its grace time is over. */
const SHORTEST_LIFE = 60_000;

/** A time that is over by every clock, those of other processes included; koa-session takes 0 for none. */
const LONG_AGO = 1;

/** Where the pointer leads that a session leaves which is ended: no key is empty. @internal */
export const NOWHERE = '';

/** A record to leave in the place of a session that moved, and how long it is kept. @internal */
export interface Pointer {
  readonly record: SessionRecord;
  /** Milliseconds. */
  readonly maxAge: number;
}

/**
 * A pointer to the key that a session moved to.
 *
 * @param grace how long it leads readers there, in milliseconds. With 0 it leads only logouts.
 * @internal
 */
export function pointerTo(key: string, grace: number): Pointer {
  const until = grace > 0 ? Date.now() + grace : LONG_AGO;
  return {
    // Over by its `_expire`, so that no store prolongs it, and no `touch` takes it for a session.
    record: { [MOVED]: key, [UNTIL]: until, _expire: LONG_AGO },
    maxAge: Math.max(grace, SHORTEST_LIFE),
  };
}

/** Where a pointer leads; `undefined` for a record. @internal */
export function movedTo(record: SessionRecord | null | undefined): string | undefined {
  const moved: unknown = record?.[MOVED];
  return typeof moved === 'string' ? moved : undefined;
}

/** The same while the pointer's grace time lasts: one without a grace time leads nowhere. @internal */
export function movedNow(record: SessionRecord): string | undefined {
  const until = record[UNTIL];
  return typeof until === 'number' && until > Date.now() ? movedTo(record) : undefined;
}
