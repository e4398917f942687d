import { hashId, isGeneratedId, isWellFormedId } from '../crypto/id.js';
import type { ResolvedSessionOptions } from '../options.js';

/** The key under which a store has the record of an id: the id itself, unless ids are hashed. @internal */
export function storeKeyOf(id: string, { hashIds }: ResolvedSessionOptions): string {
  return hashIds === undefined ? id : hasher(hashIds)(id);
}

/**
 * Whether what the client sent may reach the store. A carrier of the application's own may use any
 * text.
 *
 * @internal
 */
export function isPlausibleId(id: unknown, options: ResolvedSessionOptions): id is string {
  const { externalKey, genid, idBytes, prefix } = options;
  if (externalKey !== undefined) return typeof id === 'string';
  if (idBytes !== undefined && genid === undefined) return isGeneratedId(id, prefix);
  return isWellFormedId(id);
}

type HashIds = NonNullable<ResolvedSessionOptions['hashIds']>;

const HASHERS = new WeakMap<HashIds, (id: string) => string>();

/** A key derivation costs more than a hash: it is made once for an options object. */
function hasher(options: HashIds): (id: string) => string {
  let hash = HASHERS.get(options);
  if (hash === undefined) HASHERS.set(options, (hash = hashId(options.key)));
  return hash;
}
