import { randomUUID } from 'node:crypto';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis';
import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis-6';
import * as redis5 from 'redis';
import * as redis6 from 'redis-6';
import { SessionOptionsError } from '../../../lib/errors.js';
import { RedisStore } from '../../../lib/stores/redis.js';
import type { RedisStoreOptions } from '../../../lib/stores/redis.js';
import { storeContract } from '../../../lib/testing/index.js';
import { describeWith, service } from '../../support/services.js';
import { startCluster } from '../../support/redis-cluster.js';

const redis = await service('Redis');
const cluster = await startCluster();

const CAPABILITIES = ['create', 'version', 'touch', 'owner', 'clear'] as const;

/** A connected client of one library, and how to send it any command. */
interface Connection {
  client: RedisStoreOptions['client'];
  command(key: string, ...args: string[]): Promise<unknown>;
  close(): unknown;
}

const quiet = () => undefined;

const SINGLE: Record<string, (url: string) => Promise<Connection>> = {
  'node-redis 5': async (url) => {
    const client = await redis5.createClient({ url }).on('error', quiet).connect();
    const command = (_key: string, ...args: string[]) => client.sendCommand(args);
    return { client, command, close: () => client.destroy() };
  },
  'node-redis 6': async (url) => {
    const client = await redis6.createClient({ url }).on('error', quiet).connect();
    const command = (_key: string, ...args: string[]) => client.sendCommand(args);
    return { client, command, close: () => client.destroy() };
  },
  'node-redis 6 pool': async (url) => {
    const client = redis6.createClientPool({ url }).on('error', quiet);
    await client.connect();
    const command = (_key: string, ...args: string[]) => client.sendCommand(args);
    return { client, command, close: () => client.destroy() };
  },
  'ioredis 5': async (url) => ioredis(new Redis5(url)),
  'ioredis 6': async (url) => ioredis(new Redis6(url)),
};

type Nodes = { host: string; port: number }[];

const CLUSTER: Record<string, (nodes: Nodes) => Promise<Connection>> = {
  'node-redis 5 cluster': async (nodes) => {
    const client = redis5.createCluster({ rootNodes: nodes.map(nodeUrl) }).on('error', quiet);
    await client.connect();
    const command = (key: string, ...args: string[]) => client.sendCommand(key, false, args);
    return { client, command, close: () => client.destroy() };
  },
  'node-redis 6 cluster': async (nodes) => {
    const client = redis6.createCluster({ rootNodes: nodes.map(nodeUrl) }).on('error', quiet);
    await client.connect();
    const command = (key: string, ...args: string[]) => client.sendCommand(key, false, args);
    return { client, command, close: () => client.destroy() };
  },
  'ioredis 5 cluster': async (nodes) => ioredis(new Cluster5(nodes)),
  'ioredis 6 cluster': async (nodes) => ioredis(new Cluster6(nodes)),
};

type AnyIoRedis = Redis5 | Redis6 | Cluster5 | Cluster6;

function ioredis(client: AnyIoRedis): Connection {
  (client as { on(event: string, listener: () => void): unknown }).on('error', quiet);
  const call = client.call.bind(client) as (...args: string[]) => Promise<unknown>;
  return {
    client,
    command: (_key, ...args) => call(...args),
    close: () => client.disconnect(),
  };
}

function nodeUrl({ host, port }: { host: string; port: number }) {
  return { url: `redis://${host}:${port}` };
}

const HOUR = 3_600_000;

function behaves(name: string, connect: () => Promise<Connection>): void {
  describe(name, () => {
    let connection: Connection;
    let prefix: string;
    beforeAll(async () => {
      connection = await connect();
    });
    beforeEach(() => {
      prefix = `test-${randomUUID()}:`;
    });
    afterAll(() => connection.close());

    const newStore = () => new RedisStore({ client: connection.client, prefix });
    const command = (...args: string[]) => connection.command(args[1] ?? '', ...args);

    storeContract<RedisStore>({
      name: 'RedisStore',
      create: newStore,
      dispose: (store) => store.clear(),
      capabilities: CAPABILITIES,
      corrupt: (_store, key) => command('SET', prefix + key, '{"truncated":'),
    });

    it('treats a key of another type, or text without a head, as no record', async () => {
      const store = newStore();
      await command('LPUSH', `${prefix}list`, 'x');
      await command('SET', `${prefix}text`, 'hello world');
      for (const key of ['list', 'text']) {
        expect(await store.get(key)).toBeUndefined();
        expect(await store.update(key, 'any', { n: 1 }, HOUR)).toEqual({ status: 'gone' });
        expect(await store.create(key, { n: 1 }, HOUR)).toBe(false);
        await store.destroy(key);
        expect(await store.create(key, { n: 1 }, HOUR)).toBe(true);
      }
      await store.clear();
    });

    it.each([[1_500.5], [1e300]])('takes %d for sessionMaxAge', async (sessionMaxAge) => {
      const store = new RedisStore({ client: connection.client, prefix, sessionMaxAge });
      await store.set('a', { n: 1 }, 'session');
      expect(await store.touch('a', 'session')).toBe(true);
      expect(await store.read('a', 'session', { touch: 'session' })).toMatchObject({
        record: { n: 1 },
      });
      await store.clear();
    });

    it('goes on after the server forgot its scripts', async () => {
      const store = newStore();
      await store.create('a', { n: 1 }, HOUR);
      const read = await store.read('a');
      await command('SCRIPT', 'FLUSH');
      expect(await store.update('a', read?.version ?? '', { n: 2 }, HOUR)).toMatchObject({
        status: 'ok',
      });
      await command('SCRIPT', 'FLUSH');
      expect(await store.get('a')).toEqual({ n: 2 });
      await command('SCRIPT', 'FLUSH');
      await store.destroy('a');
      expect(await store.get('a')).toBeUndefined();
    });

    it('reads plain JSON that another koa-session store wrote, and updates it', async () => {
      const store = newStore();
      await command('SET', `${prefix}old`, '{"user":1,"_expire":99,"_maxAge":9}', 'PX', '60000');
      const read = await store.read('old');
      expect(read?.record).toEqual({ user: 1, _expire: 99, _maxAge: 9 });
      const stale = await store.update('old', 'another', { user: 2 }, HOUR);
      expect(stale).toMatchObject({ status: 'conflict', version: read?.version });
      const written = await store.update('old', read?.version ?? '', { user: 2 }, HOUR);
      expect(written.status).toBe('ok');
      expect(await store.get('old')).toEqual({ user: 2 });
      await store.destroy('old');
    });

    it('leaves no key behind when sessions and their owners end', async () => {
      const store = newStore();
      await store.create('a', { _owner: 'alice' }, HOUR);
      await store.create('b', { _owner: 'alice' }, HOUR);
      await store.destroy('a');
      await store.destroyByOwner('alice');
      const left = await Promise.all([
        ...['a', 'b'].map((key) => command('EXISTS', prefix + key)),
        command('EXISTS', `owner@${prefix}alice`),
      ]);
      expect(left).toEqual([0, 0, 0]);
    });

    it('keeps an index entry no longer than twice the lifetime of its session', async () => {
      const store = newStore();
      await store.create('a', { _owner: 'alice' }, HOUR);
      const life = await command('PTTL', `owner@${prefix}alice`);
      expect(life).toBeLessThanOrEqual(2 * HOUR);
      expect(life).toBeGreaterThan(2 * HOUR - 60_000);
      await store.clear();
    });

    it('lists a session again that another process indexed and the index lost', async () => {
      const store = newStore();
      await store.create('a', { _owner: 'alice' }, HOUR);
      await command('DEL', `owner@${prefix}alice`);
      expect(await newStore().touch('a', HOUR)).toBe(true);
      expect(await store.listByOwner('alice')).toMatchObject([{ key: 'a' }]);
      await store.clear();
    });

    it('clears its own prefix only, whatever characters are in it', async () => {
      const odd = new RedisStore({ client: connection.client, prefix: `${prefix}[x]*?\\:` });
      const other = new RedisStore({ client: connection.client, prefix: `${prefix}x-yz:` });
      await odd.set('a', { n: 1 }, HOUR);
      await other.set('a', { n: 2 }, HOUR);
      await odd.clear();
      expect(await odd.get('a')).toBeUndefined();
      expect(await other.get('a')).toEqual({ n: 2 });
      await other.clear();
    });
  });
}

describeWith('RedisStore on a server', redis, 'Redis', ({ url, stop }) => {
  afterAll(stop);
  for (const [name, connect] of Object.entries(SINGLE)) behaves(name, () => connect(url));
});

describeWith('RedisStore on a cluster', cluster, 'redis-server', ({ nodes, stop }) => {
  afterAll(stop);
  for (const [name, connect] of Object.entries(CLUSTER)) behaves(name, () => connect(nodes));
});

describe('RedisStore', () => {
  const client = { evalsha: async () => null, eval: async () => null };

  it.each([
    [{}, 'client', /must be a client of node-redis 5 or 6 or of ioredis 5 or 6, got undefined/],
    [{ client: {} }, 'client', /got an object/],
    [{ client, prefix: 1 }, 'prefix', /must be a string, got number/],
    [{ client, ownerPrefix: 'session:o' }, 'ownerPrefix', /must not begin with "prefix"/],
    [{ client, sessionMaxAge: 0 }, 'sessionMaxAge', /must be a number of milliseconds above 0/],
    [{ client, ttl: 5 }, 'ttl', /has no option "ttl"/],
  ])('refuses wrong options when it is built: %#', (options, option, message) => {
    const build = () => new RedisStore(options as unknown as RedisStoreOptions);
    expect(build).toThrow(SessionOptionsError);
    expect(build).toThrow(expect.objectContaining({ option }));
    expect(build).toThrow(message);
  });
});
