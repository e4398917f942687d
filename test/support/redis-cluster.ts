import { findProgram, run, startRedis, until } from './processes.js';
import type { OwnServer } from './processes.js';
import { createClient } from 'redis';

/** A Redis Cluster of three primaries and three replicas, all on this machine. */
export interface OwnCluster {
  nodes: { host: string; port: number }[];
  servers: OwnServer[];
  stop(): Promise<void>;
}

/** Starts a cluster; `undefined` when redis-server or redis-cli is not installed. */
export async function startCluster(): Promise<OwnCluster | undefined> {
  const cli = findProgram('redis-cli', 'valkey-cli');
  if (cli === undefined || findProgram('redis-server', 'valkey-server') === undefined) {
    return undefined;
  }
  const servers = await Promise.all(
    Array.from({ length: 6 }, () =>
      startRedis(['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']),
    ),
  );
  const nodes = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())));
  try {
    const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
    await run(cli, [
      '--cluster',
      'create',
      ...addresses,
      '--cluster-replicas',
      '1',
      '--cluster-yes',
    ]);
    for (const { port } of servers) await until(() => isReady(port), `node ${port} joined`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, servers, stop };
}

async function isReady(port: number): Promise<boolean> {
  const client = createClient({ url: `redis://127.0.0.1:${port}` }).on('error', () => undefined);
  await client.connect();
  const info = await client.sendCommand(['CLUSTER', 'INFO']);
  client.destroy();
  return String(info).includes('cluster_state:ok');
}
