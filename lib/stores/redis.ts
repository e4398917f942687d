import { createHash } from 'node:crypto';
import { SessionOptionsError } from '../errors.js';
import type {
  ClearableStore,
  CreatingStore,
  OwnedRecord,
  OwnedStore,
  SessionRecord,
  SessionStore,
  StoreMaxAge,
  StoreReadOptions,
  StoreWriteOptions,
  TouchingStore,
  UpdateResult,
  VersionedRecord,
  VersionedStore,
} from '../session/store.js';
import { checkStoreOptions, positiveMilliseconds, string } from './internal/option-checks.js';
import { OwnerIndex } from './internal/redis-owner-index.js';
import { escapeGlob, redisPort } from './internal/redis-client.js';
import type { IoRedisClient, NodeRedisClient, RedisPort } from './internal/redis-client.js';
import { redisFailure } from './internal/redis-failure.js';
import { CREATE, DESTROY, DESTROY_OWNED, READ, TOUCH, UPDATE } from './internal/redis-scripts.js';
import {
  graceOf,
  lifetimeOf,
  moveExpire,
  ONE_DAY,
  ownerOf,
  recordFrom,
  recordText,
} from './internal/record-text.js';
import { attempt } from './internal/store-failure.js';
import { versionFor } from './internal/version.js';

export type { IoRedisClient, NodeRedisClient } from './internal/redis-client.js';

/**
 * Where a {@link RedisStore} keeps sessions.
 *
 * @publicApi
 */
export interface RedisStoreOptions {
  /**
   * A client of node-redis 5 or 6 or of ioredis 5 or 6, for a single server, Sentinel or Cluster,
   * Redis 6.2 or later or Valkey. The store sends commands on it and leaves connecting, closing
   * and its errors events to the application.
   */
  client: NodeRedisClient | IoRedisClient;
  /** What the names of the records' keys begin with. Default: `'session:'`. */
  prefix?: string | undefined;
  /**
   * What the names of the owners' index keys begin with. It must not begin with `prefix`, so that
   * no external key can name an index. Default: `'owner@'` and the prefix.
   */
  ownerPrefix?: string | undefined;
  /** How long a record of `maxAge: 'session'` is kept, milliseconds. Default: one day. */
  sessionMaxAge?: number | undefined;
}

const RULES = {
  client: () => undefined,
  prefix: string,
  ownerPrefix: string,
  sessionMaxAge: positiveMilliseconds,
};

/** Smaller differences between two clocks' ideas of a record's end are no touch. */
const CLOCK_NOISE = 1_000;

/** How many records of one owner are asked for at a time. */
const OWNER_BATCH = 500;

/** How often the sessions of an owner are listed to end them all. */
const OWNER_PASSES = 5;

/**
 * Sessions in Redis or Valkey.
 *
 * A load is one round trip, with the expiry renewed in the same one if asked; a commit is one, by
 * scripts that the server caches and that are sent again when it forgot them. Each record is one
 * string key that Redis itself expires. Plain JSON strings that other koa-session stores wrote
 * under the same prefix are read, and become this store's own with the next write.
 *
 * The sessions of an owner are indexed in a sorted set, which is updated together with the record
 * but may lie on another server of a cluster. An entry is no promise: each is checked against its
 * record, and dropped at the latest when twice the session's lifetime has passed.
 *
 * Failures are `StoreError`s. A read or a named write whose connection broke is sent once
 * more; the name makes that harmless.
 *
 * @example
 * ```ts
 * import { createClient } from 'redis';
 *
 * const client = await createClient({ url: process.env.REDIS_URL }).on('error', log).connect();
 * app.use(createSession({ store: new RedisStore({ client }) }, app));
 * ```
 * @publicApi
 */
export class RedisStore
  implements SessionStore, CreatingStore, VersionedStore, TouchingStore, OwnedStore, ClearableStore
{
  readonly #redis: RedisPort;
  readonly #prefix: string;
  readonly #ownerPrefix: string;
  readonly #sessionMaxAge: number;
  readonly #owners: OwnerIndex;

  /** @throws SessionOptionsError when an option is wrong. */
  constructor(options: RedisStoreOptions) {
    checkStoreOptions('RedisStore', options, RULES);
    this.#redis = redisPort(options.client);
    this.#prefix = options.prefix ?? 'session:';
    this.#ownerPrefix = options.ownerPrefix ?? `owner@${this.#prefix}`;
    this.#sessionMaxAge = options.sessionMaxAge ?? ONE_DAY;
    if (this.#prefix !== '' && this.#ownerPrefix.startsWith(this.#prefix)) {
      throw new SessionOptionsError(
        'ownerPrefix',
        '"ownerPrefix" option of RedisStore must not begin with "prefix": name it differently',
      );
    }
    this.#owners = new OwnerIndex(this.#redis, this.#ownerPrefix);
  }

  async get(key: string): Promise<SessionRecord | undefined> {
    return (await this.read(key))?.record;
  }

  async set(key: string, record: SessionRecord, maxAge?: StoreMaxAge): Promise<void> {
    const { text, lifetime, owner } = this.#value(versionFor(undefined), record, maxAge);
    // Not repeatable: sent twice, it could bring back what was destroyed in between.
    await this.#attempt('set', false, () =>
      Promise.all([
        this.#redis.set(this.#name(key), text, lifetime),
        this.#owners.add(owner, key, lifetime),
      ]),
    );
  }

  async destroy(key: string): Promise<void> {
    const head = await this.#attempt('destroy', true, () =>
      this.#redis.run(DESTROY, this.#name(key)),
    );
    const owner = headOwner(head);
    if (owner === undefined) return;
    // The session has ended; an index entry that stays behind harms nobody.
    await this.#owners.remove(owner, [key]).catch(() => undefined);
  }

  async create(
    key: string,
    record: SessionRecord,
    maxAge?: StoreMaxAge,
    options?: StoreWriteOptions,
  ): Promise<boolean> {
    const version = versionFor(options?.writeId);
    const { text, lifetime, owner } = this.#value(version, record, maxAge);
    const [created] = await this.#attempt('create', true, () =>
      Promise.all([
        this.#redis.run(CREATE, this.#name(key), version, text, String(lifetime)),
        this.#owners.add(owner, key, lifetime),
      ]),
    );
    return created === 1;
  }

  async read(
    key: string,
    _maxAge?: StoreMaxAge,
    options?: StoreReadOptions,
  ): Promise<VersionedRecord | undefined> {
    const touch = options?.touch;
    const lifetime = touch === undefined ? undefined : lifetimeOf(touch, this.#sessionMaxAge);
    const reply = await this.#attempt('get', true, () =>
      this.#redis.run(READ, this.#name(key), lifetime === undefined ? '' : String(lifetime)),
    );
    const found = decode(reply);
    if (found !== undefined && lifetime !== undefined) {
      const owner = ownerOf(found.record);
      await this.#attempt('get', true, () => this.#owners.keep(owner, key, lifetime));
    }
    return found;
  }

  async update(
    key: string,
    version: string | number,
    record: SessionRecord,
    maxAge?: StoreMaxAge,
    options?: StoreWriteOptions,
  ): Promise<UpdateResult> {
    const next = versionFor(options?.writeId);
    const { text, lifetime, owner } = this.#value(next, record, maxAge);
    const [reply] = await this.#attempt('update', true, () =>
      Promise.all([
        this.#redis.run(UPDATE, this.#name(key), String(version), next, text, String(lifetime)),
        this.#owners.keep(owner, key, lifetime),
      ]),
    );
    if (reply === 1) return { status: 'ok', version: next };
    const current = decode(reply);
    return current === undefined ? { status: 'gone' } : { status: 'conflict', ...current };
  }

  async touch(key: string, maxAge?: StoreMaxAge): Promise<boolean> {
    const lifetime = lifetimeOf(maxAge, this.#sessionMaxAge);
    const head = await this.#attempt('touch', true, () =>
      this.#redis.run(TOUCH, this.#name(key), String(lifetime)),
    );
    if (typeof head !== 'string') return false;
    await this.#attempt('touch', true, () => this.#owners.keep(headOwner(head), key, lifetime));
    return true;
  }

  async listByOwner(owner: string): Promise<OwnedRecord[]> {
    const keys = await this.#attempt('list', true, () => this.#owners.keys(owner));
    const owned: OwnedRecord[] = [];
    for (const batch of batches(keys)) {
      const found = await Promise.all(batch.map((key) => this.read(key)));
      for (const [n, entry] of found.entries()) {
        if (entry === undefined || ownerOf(entry.record) !== owner) continue;
        const { record, expires } = entry;
        const key = batch[n] as string;
        owned.push(expires === undefined ? { key, record } : { key, record, expires });
      }
    }
    return owned;
  }

  async destroyByOwner(owner: string, options?: { except?: readonly string[] }): Promise<number> {
    const done = new Set(options?.except);
    let ended = 0;
    // A session may be given another key while this runs: it is in the next list.
    for (let pass = 0; pass < OWNER_PASSES; pass++) {
      const keys = await this.#attempt('destroy', true, () => this.#owners.keys(owner));
      const left = keys.filter((key) => !done.has(key));
      if (left.length === 0) break;
      for (const batch of batches(left)) ended += await this.#destroyOwned(owner, batch);
      for (const key of left) done.add(key);
    }
    return ended;
  }

  #destroyOwned(owner: string, keys: string[]): Promise<number> {
    const name = encodeOwner(owner);
    return this.#attempt('destroy', true, async () => {
      const replies = await Promise.all(
        keys.map((key) => this.#redis.run(DESTROY_OWNED, this.#name(key), name)),
      );
      const gone = keys.filter((_, n) => replies[n] === 1);
      if (gone.length > 0) await this.#owners.remove(owner, gone);
      return gone.length;
    });
  }

  /**
   * Ends every session under the prefix. The server is scanned in steps that block nobody; a
   * session that begins meanwhile may outlive it.
   */
  async clear(): Promise<void> {
    this.#owners.forget();
    await this.#attempt('clear', true, async () => {
      await this.#redis.removeMatching(`${escapeGlob(this.#prefix)}*`);
      await this.#redis.removeMatching(`${escapeGlob(this.#ownerPrefix)}*`);
    });
  }

  #name(key: string): string {
    return this.#prefix + key;
  }

  #value(version: string, record: SessionRecord, maxAge: StoreMaxAge) {
    const lifetime = lifetimeOf(maxAge, this.#sessionMaxAge);
    const owner = ownerOf(record);
    const expires = Date.now() + lifetime;
    const name = owner === undefined ? '' : encodeOwner(owner);
    const grace = Math.max(0, graceOf(record, expires) ?? 0);
    const head = `${version} ${expires} ${name} ${grace}`;
    return { text: `${head}\n${recordText(record)}`, lifetime, owner };
  }

  #attempt<T>(operation: string, repeatable: boolean, work: () => Promise<T>): Promise<T> {
    return attempt(operation, redisFailure, repeatable, work);
  }
}

/** The record in what {@link READ} and {@link UPDATE} answer: a value and its lifetime. */
function decode(reply: unknown): VersionedRecord | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [value, lifetime] = reply as [unknown, unknown];
  const parts = typeof value === 'string' ? split(value) : undefined;
  if (parts === undefined) return undefined;
  const { record, version, written } = parts;
  const lives = typeof lifetime === 'number' && lifetime >= 0;
  const expires = lives ? Date.now() + lifetime : written;
  if (expires === undefined) return { record, version };
  const moved = written === undefined ? 0 : expires - written;
  if (Math.abs(moved) > CLOCK_NOISE) moveExpire(record, moved);
  return { record, version, expires };
}

interface Parts {
  record: SessionRecord;
  version: string;
  /** When the record was to end as it was written; unknown where another library wrote it. */
  written: number | undefined;
}

function split(value: string): Parts | undefined {
  if (value.startsWith('{')) {
    const record = recordFrom(value);
    if (record === undefined) return undefined;
    const version = createHash('sha1').update(value).digest('hex');
    return { record, version, written: undefined };
  }
  const head = /^(\S+) (\d+) \S* \d+\n/.exec(value);
  if (head === null) return undefined;
  const [{ length }, version, written] = head as unknown as [string, string, string];
  const record = recordFrom(value.slice(length));
  return record && { record, version, written: Number(written) };
}

function encodeOwner(owner: string): string {
  return Buffer.from(owner).toString('base64url');
}

function headOwner(head: unknown): string | undefined {
  const owner = typeof head === 'string' ? head.split(' ')[2] : undefined;
  return owner ? Buffer.from(owner, 'base64url').toString() : undefined;
}

function* batches(keys: readonly string[]): Generator<string[]> {
  for (let at = 0; at < keys.length; at += OWNER_BATCH) yield keys.slice(at, at + OWNER_BATCH);
}
