import type { RedisPort } from './redis-client.js';
import { INDEX } from './redis-scripts.js';

/** How many sessions this process remembers to have indexed. */
const REMEMBERED = 10_000;

/**
 * The sessions of each owner, in one sorted set an owner: the members are keys, the scores say
 * until when an entry counts.
 *
 * An entry counts for twice the lifetime of its session, so a session that is prolonged again and
 * again is indexed anew only about once a lifetime, not with each request. Entries are not taken
 * away because their record is missing: its creation may be on its way.
 *
 * @internal
 */
export class OwnerIndex {
  readonly #redis: RedisPort;
  readonly #prefix: string;
  /** For the keys indexed last: the owner, and until when the entry counts. */
  readonly #known = new Map<string, { owner: string; until: number }>();

  constructor(redis: RedisPort, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /** Indexes a session that is written as new. */
  async add(owner: string | undefined, key: string, lifetime: number): Promise<void> {
    if (owner === undefined) {
      this.#known.delete(key);
      return;
    }
    const now = Date.now();
    const until = now + 2 * lifetime;
    await this.#redis.run(INDEX, this.#prefix + owner, key, String(now), String(until));
    this.#known.delete(key);
    this.#known.set(key, { owner, until });
    if (this.#known.size <= REMEMBERED) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }

  /** Sees to it that a session that exists is indexed for its new lifetime. */
  async keep(owner: string | undefined, key: string, lifetime: number): Promise<void> {
    const known = this.#known.get(key);
    if (known !== undefined && known.owner === owner && known.until >= Date.now() + lifetime)
      return;
    await this.add(owner, key, lifetime);
  }

  keys(owner: string): Promise<string[]> {
    return this.#redis.members(this.#prefix + owner);
  }

  async remove(owner: string, keys: string[]): Promise<void> {
    for (const key of keys) this.#known.delete(key);
    await this.#redis.removeMembers(this.#prefix + owner, keys);
  }

  forget(): void {
    this.#known.clear();
  }
}
