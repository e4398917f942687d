import { SessionOptionsError, typeName } from '../../errors.js';
import type { RedisScript } from './redis-scripts.js';

/**
 * What the store needs of a node-redis client: `createClient`, `createClientPool`,
 * `createSentinel` or `createCluster`, version 5 or 6.
 *
 * @publicApi
 */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/**
 * What the store needs of an ioredis client: `Redis` (single or Sentinel) or `Cluster`, version 5
 * or 6, or a fork such as iovalkey.
 *
 * @publicApi
 */
export interface IoRedisClient {
  evalsha(sha: string, keys: number, ...args: string[]): Promise<unknown>;
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
}

type Method = (...args: unknown[]) => Promise<unknown>;
type Methods = Partial<Record<string, Method>> & { options?: { keyPrefix?: unknown } };

/** The commands the store sends, whichever library sends them. @internal */
export interface RedisPort {
  /** Runs a script on one key; sends its source only if the server does not know it. */
  run(script: RedisScript, key: string, ...args: string[]): Promise<unknown>;
  set(key: string, value: string, lifetime: number): Promise<unknown>;
  /** The members of a sorted set. */
  members(key: string): Promise<string[]>;
  removeMembers(key: string, members: string[]): Promise<unknown>;
  /** Removes each key that matches, a batch at a time, on every server that holds some. */
  removeMatching(pattern: string): Promise<void>;
}

/** @throws SessionOptionsError when `client` is neither a node-redis nor an ioredis client. */
export function redisPort(client: unknown): RedisPort {
  const methods = client as Methods | null | undefined;
  if (typeof methods?.['evalSha'] === 'function') return new NodeRedisPort(methods);
  if (typeof methods?.['evalsha'] === 'function') return new IoRedisPort(methods);
  throw new SessionOptionsError(
    'client',
    `"client" option of RedisStore must be a client of node-redis 5 or 6 or of ioredis 5 or 6, got ${typeName(client)}`,
  );
}

/** How many keys one `SCAN` is asked for. */
const SCAN_COUNT = 500;

abstract class ScriptPort {
  constructor(protected readonly client: Methods) {}

  protected call(method: string, ...args: unknown[]): Promise<unknown> {
    return this.#callOn(this.client, method, args);
  }

  #callOn(client: Methods, method: string, args: unknown[]): Promise<unknown> {
    const command = client[method];
    if (typeof command !== 'function') {
      return Promise.reject(new TypeError(`the Redis client has no method "${method}"`));
    }
    return command.apply(client, args);
  }

  protected abstract evaluate(
    method: 'sha' | 'source',
    script: RedisScript,
    key: string,
    args: string[],
  ): Promise<unknown>;

  /** The clients of the servers that hold keys. */
  protected abstract primaries(): Promise<Methods[]>;
  protected abstract scan(
    client: Methods,
    cursor: string,
    pattern: string,
  ): Promise<{ cursor: string; keys: string[] }>;

  async run(script: RedisScript, key: string, ...args: string[]): Promise<unknown> {
    try {
      return await this.evaluate('sha', script, key, args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.evaluate('source', script, key, args);
    }
  }

  async removeMatching(pattern: string): Promise<void> {
    const given = this.client.options?.keyPrefix;
    const keyPrefix = typeof given === 'string' ? given : '';
    for (const server of await this.primaries()) {
      let cursor = '0';
      do {
        const page = await this.scan(server, cursor, escapeGlob(keyPrefix) + pattern);
        await Promise.all(page.keys.map((key) => this.call('del', key.slice(keyPrefix.length))));
        cursor = page.cursor;
      } while (cursor !== '0');
    }
  }
}

class NodeRedisPort extends ScriptPort implements RedisPort {
  protected evaluate(
    method: 'sha' | 'source',
    script: RedisScript,
    key: string,
    args: string[],
  ): Promise<unknown> {
    const options = { keys: [key], arguments: args };
    return method === 'sha'
      ? this.call('evalSha', script.sha, options)
      : this.call('eval', script.source, options);
  }

  set(key: string, value: string, lifetime: number): Promise<unknown> {
    return this.call('set', key, value, { PX: lifetime });
  }

  async members(key: string): Promise<string[]> {
    return (await this.call('zRange', key, 0, -1)) as string[];
  }

  removeMembers(key: string, members: string[]): Promise<unknown> {
    return this.call('zRem', key, members);
  }

  protected async primaries(): Promise<Methods[]> {
    const { masters } = this.client as { masters?: unknown };
    if (!Array.isArray(masters)) return [this.client];
    return (await Promise.all(masters.map((node) => this.call('nodeClient', node)))) as Methods[];
  }

  protected async scan(client: Methods, cursor: string, pattern: string) {
    const options = { MATCH: pattern, COUNT: SCAN_COUNT };
    const reply = await client['scan']?.(cursor, options);
    const page = reply as { cursor: string | number; keys: string[] };
    return { cursor: String(page.cursor), keys: page.keys };
  }
}

class IoRedisPort extends ScriptPort implements RedisPort {
  protected evaluate(
    method: 'sha' | 'source',
    script: RedisScript,
    key: string,
    args: string[],
  ): Promise<unknown> {
    return method === 'sha'
      ? this.call('evalsha', script.sha, 1, key, ...args)
      : this.call('eval', script.source, 1, key, ...args);
  }

  set(key: string, value: string, lifetime: number): Promise<unknown> {
    return this.call('set', key, value, 'PX', lifetime);
  }

  async members(key: string): Promise<string[]> {
    return (await this.call('zrange', key, 0, -1)) as string[];
  }

  removeMembers(key: string, members: string[]): Promise<unknown> {
    return this.call('zrem', key, ...members);
  }

  protected async primaries(): Promise<Methods[]> {
    const { isCluster, nodes } = this.client as { isCluster?: unknown; nodes?: unknown };
    if (isCluster !== true || typeof nodes !== 'function') return [this.client];
    return nodes.call(this.client, 'master') as Methods[];
  }

  protected async scan(client: Methods, cursor: string, pattern: string) {
    const reply = await client['scan']?.(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    const [next, keys] = reply as [string, string[]];
    return { cursor: next, keys };
  }
}

/** `text` as a pattern that matches only itself. @internal */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\^-]/g, '\\$&');
}
