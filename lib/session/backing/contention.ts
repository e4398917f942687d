import { setTimeout as delay } from 'node:timers/promises';
import { SessionCommitError } from '../../errors.js';
import { asItIs } from '../awaitable.js';
import { GONE } from './backing.js';
import type { Draft } from './draft.js';
import { type KeyedRecord, type RecordStore, underKey } from './record-store.js';
import type { VersionedRecord } from '../store.js';
import { takeTurn } from './turns.js';

/** The longest a write waits, in milliseconds, before it tries again after a conflict. */
const MAX_BACKOFF = 50;

/**
 * How a write ended that met others, and where the session lies. `rotate`: what was merged makes a
 * new id due, and nothing is written yet.
 *
 * @internal
 */
export type Contended =
  | { status: 'gone' }
  | { status: 'rotate'; key: string; version: string | number }
  | { status: 'written'; key: string; version: string | number; merges: number };

/**
 * The way of a write that met another: what is stored is merged with, and it is tried again.
 *
 * @param met what the first try met; `undefined` before any, where no version is known.
 * @param attempts how many conflicts it may meet.
 * @throws SessionCommitError ERR_SESSION_CONFLICT when it met more.
 * @internal
 */
export async function contend(
  records: RecordStore,
  draft: Draft,
  firstKey: string,
  met: VersionedRecord | undefined,
  attempts: number,
): Promise<Contended> {
  const due = draft.regenerate;
  let endTurn: (() => void) | undefined;
  try {
    let conflict = met;
    let target = met === undefined ? await latest(records, draft, firstKey) : undefined;
    let key = firstKey;
    for (let merges = met === undefined ? 0 : 1; merges <= attempts; merges++) {
      if (conflict !== undefined) {
        endTurn ??= await takeTurn(records.store, key);
        target = await records.successor(underKey(key, conflict));
        if (target !== undefined) await draft.rebase(target.record);
        // With the turn, only other processes are left to meet.
        if (merges > 2) await delay(Math.random() * Math.min(merges - 1, MAX_BACKOFF));
      }
      if (target === undefined) return GONE;
      key = target.key;
      const { version } = target;
      if (draft.regenerate !== due) return { status: 'rotate', key, version };
      const result = await records.update(key, version, draft);
      if (result.status === 'gone') return GONE;
      if (result.status === 'ok')
        return { status: 'written', key, version: result.version, merges };
      conflict = result;
    }
    throw tooManyConflicts(attempts);
  } finally {
    endTurn?.();
  }
}

/** What is stored now, for a write after `create`: that told no version, and others may have written. */
async function latest(
  records: RecordStore,
  draft: Draft,
  key: string,
): Promise<KeyedRecord | undefined> {
  const read = await records.read(key, asItIs);
  const found = read && (await records.successor(read));
  if (found !== undefined) await draft.rebase(found.record);
  return found;
}

/** @internal */
export function tooManyConflicts(attempts: number): SessionCommitError {
  return new SessionCommitError(
    'ERR_SESSION_CONFLICT',
    `parallel requests changed the session more than ${attempts} times while it was written: write less often, or raise "maxMergeAttempts"`,
  );
}
