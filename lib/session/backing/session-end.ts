import { StoreError } from '../../errors.js';
import type { Awaitable } from '../awaitable.js';
import { isVersionedStore, type SessionStore, type UpdateResult } from '../store.js';
import { movedTo, NOWHERE, pointerTo } from './pointer.js';
import { storeCall } from './store-call.js';
import { newWriteId } from './write-id.js';

type Version = string | number;

/** A version that no record has: an update with it tells what is stored. @internal */
export const NEVER = '';

/** What is asked of a store to end a session in it. @internal */
export interface EndableRecords {
  /** Whether two requests that write at once are told apart. */
  readonly isVersioned: boolean;
  /** Leaves a pointer to the key `successor` in place of a record. */
  point(key: string, version: Version, successor: string, grace: number): Awaitable<UpdateResult>;
  destroy(key: string): Awaitable<void>;
}

/** A session in a store, as far as its end has to do with it. @internal */
export interface EndableSession {
  readonly key: string;
  /** The version that the record was last known to have. */
  readonly version?: Version | undefined;
  /** Where the session lies if it was moved there from its plain id. */
  readonly hashedKey?: string | undefined;
}

/**
 * Removes a session's record. A parallel request may be about to move the session, or have moved
 * it: it must not live on under its new id. So the record is first made to lead nowhere; a store
 * that takes no write removes it all the same.
 *
 * @param attempts how many parallel writes it may meet.
 * @internal
 */
export async function endSession(
  records: EndableRecords,
  session: EndableSession,
  attempts: number,
): Promise<void> {
  let { key } = session;
  if (records.isVersioned) {
    let version = session.version ?? NEVER;
    try {
      for (let tries = 0; tries <= attempts; tries++) {
        const result = await records.point(key, version, NOWHERE, 0);
        if (result.status === 'ok') break;
        if (result.status === 'conflict' && movedTo(result.record) === undefined) {
          version = result.version;
          continue;
        }
        const hashed = key === session.key ? session.hashedKey : undefined;
        const moved = result.status === 'gone' ? hashed : movedTo(result.record);
        if (moved === undefined || moved === NOWHERE) break;
        key = moved;
        version = NEVER;
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
  await records.destroy(key);
}

/**
 * A store's records, for somebody who ends another one's sessions: no request of theirs is behind it.
 *
 * @param timeout milliseconds for each call; 0 for no limit.
 * @internal
 */
export function recordsToEnd(store: SessionStore, timeout: number): EndableRecords {
  return {
    isVersioned: isVersionedStore(store),
    point(key, version, successor, grace) {
      if (!isVersionedStore(store)) throw new TypeError('the store has no "update"');
      const { record, maxAge } = pointerTo(successor, grace);
      const settings = { changed: true, writeId: newWriteId() };
      return storeCall('update', timeout, () =>
        store.update(key, version, record, maxAge, settings),
      );
    },
    destroy: async (key) => {
      await storeCall('destroy', timeout, () => store.destroy(key, {}));
    },
  };
}
