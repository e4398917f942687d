import { SessionCommitError } from '../../errors.js';
import type { Backing } from '../backing/backing.js';
import type { Draft } from '../backing/draft.js';
import type { ResolvedSessionOptions } from '../options.js';
import type { Marks } from './marks.js';
import { endSession, recordsToEnd } from '../backing/session-end.js';
import { storeCall } from '../backing/store-call.js';
import { isOwnedStore, type OwnedRecord, type OwnedStore, type SessionStore } from '../store.js';

/** What keeps an owner within the number of sessions allowed. @internal */
export interface SessionLimit {
  /** Before the write. @throws SessionCommitError ERR_SESSION_LIMIT */
  before(): Promise<unknown>;
  /**
   * After the write, for those who were let in at the same moment.
   *
   * @returns how many older sessions were ended.
   * @throws SessionCommitError ERR_SESSION_LIMIT: the one just written is to end.
   */
  after(): Promise<number>;
}

/**
 * The limit that a write must keep: when it gives a session to an owner who did not have it.
 *
 * @internal
 */
export function sessionLimit(
  options: ResolvedSessionOptions,
  backing: Backing & { readonly store?: SessionStore },
  draft: Draft,
  before: Marks,
): SessionLimit | undefined {
  const { maxSessionsPerOwner: max } = options;
  const owner = draft.marks._owner;
  const { store } = backing;
  if (max === undefined || owner === undefined || owner === before._owner) return undefined;
  if (store === undefined || !isOwnedStore(store)) return undefined;
  const list = () => storeCall('list', options.storeTimeout, () => store.listByOwner(owner));
  if (options.onSessionLimit === 'refuse-new') {
    return {
      before: async () => refuseBeyond(max - 1, max, await list()),
      after: async () => refuseBeyond(max, max, await list()),
    };
  }
  return {
    before: async () => undefined,
    after: async () => endOldest(store, options, max, await list()),
  };
}

function refuseBeyond(allowed: number, max: number, sessions: OwnedRecord[]): number {
  if (sessions.length <= allowed) return 0;
  const error = new SessionCommitError(
    'ERR_SESSION_LIMIT',
    `the owner has ${max} sessions already, as many as "maxSessionsPerOwner" allows: end one first`,
  );
  error.status = 409;
  error.expose = true;
  throw error;
}

async function endOldest(
  store: SessionStore & OwnedStore,
  options: ResolvedSessionOptions,
  max: number,
  sessions: OwnedRecord[],
): Promise<number> {
  // Sessions of one millisecond have an order too: two requests must not end each other's.
  const oldestFirst = sessions.toSorted(
    (a, b) => createdAt(a) - createdAt(b) || (a.key < b.key ? -1 : 1),
  );
  const ended = oldestFirst.slice(0, Math.max(0, sessions.length - max));
  const records = recordsToEnd(store, options.storeTimeout);
  for (const { key } of ended) await endSession(records, { key }, options.maxMergeAttempts);
  return ended.length;
}

function createdAt({ record }: OwnedRecord): number {
  return typeof record._created === 'number' ? record._created : 0;
}
