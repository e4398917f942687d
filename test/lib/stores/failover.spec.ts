import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis as IoRedis } from 'ioredis-6';
import { createClient, createCluster, createSentinel } from 'redis-6';
import { circuitBreaker } from '../../../lib/stores/circuit-breaker.js';
import { RedisStore } from '../../../lib/stores/redis.js';
import type { RedisStoreOptions } from '../../../lib/stores/redis.js';
import { storeContract } from '../../../lib/testing/index.js';
import { Ledger } from '../../support/ledger.js';
import { findProgram, startRedis, startSentinel, until } from '../../support/processes.js';
import type { OwnServer } from '../../support/processes.js';
import { startCluster } from '../../support/redis-cluster.js';
import { describeWith } from '../../support/services.js';

const quiet = () => undefined;

interface Connected {
  client: RedisStoreOptions['client'];
  close(): unknown;
}

/** What one server says to a command. */
async function ask(port: number, ...args: string[]): Promise<string> {
  const client = createClient({ url: `redis://127.0.0.1:${port}` }).on('error', quiet);
  await client.connect();
  try {
    return JSON.stringify(await client.sendCommand(args));
  } finally {
    client.destroy();
  }
}

const program = findProgram('redis-server', 'valkey-server');

describeWith('RedisStore behind Sentinel', program, 'redis-server', () => {
  const CLIENTS: Record<string, (port: number) => Promise<Connected>> = {
    'node-redis': async (port) => {
      const sentinelRootNodes = [{ host: '127.0.0.1', port }];
      const client = createSentinel({ name: 'main', sentinelRootNodes }).on('error', quiet);
      await client.connect();
      return { client, close: () => client.destroy() };
    },
    ioredis: async (port) => {
      const sentinels = [{ host: '127.0.0.1', port }];
      const client = new IoRedis({ name: 'main', sentinels, sentinelRetryStrategy: () => 100 });
      client.on('error', quiet);
      return { client, close: () => client.disconnect() };
    },
  };

  describe.each(Object.entries(CLIENTS))('with %s', (_name, connect) => {
    let servers: OwnServer[] = [];
    let connected: Connected;

    beforeAll(async () => {
      const primary = await startRedis();
      servers = [primary];
      const replica = await startRedis(['--replicaof', '127.0.0.1', String(primary.port)]);
      servers.push(replica);
      const isLinked = async () =>
        (await ask(replica.port, 'INFO', 'replication')).includes('master_link_status:up');
      await until(isLinked, 'the replica is linked');
      const sentinel = await startSentinel(primary.port);
      servers.push(sentinel);
      const knowsReplica = async () =>
        (await ask(sentinel.port, 'SENTINEL', 'REPLICAS', 'main')).includes(String(replica.port));
      await until(knowsReplica, 'the sentinel knows the replica');
      connected = await connect(sentinel.port);
    });
    afterAll(async () => {
      await connected?.close();
      await Promise.all(servers.map((server) => server.stop()));
    });

    storeContract<RedisStore>({
      name: 'RedisStore',
      create: () => new RedisStore({ client: connected.client }),
      dispose: (store) => store.clear(),
      capabilities: ['create', 'version', 'touch', 'owner', 'clear'],
    });

    it('works with the new primary when the old one is killed', async () => {
      const store = circuitBreaker(new RedisStore({ client: connected.client }), {
        timeout: 500,
        resetAfter: 100,
      });
      await store.create('a', { n: 1 }, 3_600_000, {});
      await sleep(200);
      await servers[0]?.kill();
      const works = () =>
        store.set('b', { n: 2 }, 3_600_000).then(
          () => true,
          () => false,
        );
      expect(await works()).toBe(false);
      await until(works, 'the new primary takes writes', 25_000);
      expect(await store.get('a')).toEqual({ n: 1 });
    });
  });
});

const cluster = await startCluster();

describeWith('RedisStore on a cluster', cluster, 'redis-server', ({ nodes, servers, stop }) => {
  afterAll(stop);

  const CLIENTS: Record<string, () => Promise<Connected>> = {
    'node-redis': async () => {
      const rootNodes = nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` }));
      const client = createCluster({ rootNodes }).on('error', quiet);
      await client.connect();
      return { client, close: () => client.destroy() };
    },
    ioredis: async () => {
      const client = new Cluster(nodes).on('error', quiet);
      return { client, close: () => client.disconnect() };
    },
  };

  it.each(Object.entries(CLIENTS))(
    'loses no acknowledged write when its primaries hand over to their replicas, with %s',
    async (_name, connect) => {
      const { client, close } = await connect();
      const store = circuitBreaker(new RedisStore({ client }), { timeout: 1_000, resetAfter: 100 });
      const ledger = new Ledger(store);
      await ledger.open();
      ledger.start();
      for (const { port } of servers) {
        if (!(await ask(port, 'INFO', 'replication')).includes('role:slave')) continue;
        await ledger.progress(20);
        const takesOver = async () => {
          if ((await ask(port, 'INFO', 'replication')).includes('role:master')) return true;
          // A replica that is not yet in step gives up after a while, so it is asked again.
          await ask(port, 'CLUSTER', 'FAILOVER').catch(quiet);
          await sleep(500);
          return false;
        };
        await until(takesOver, 'the replica took over');
      }
      await ledger.progress(50);
      await ledger.stop();
      await ledger.audit();
      await close();
      expect(ledger.violations).toEqual([]);
    },
  );
});
