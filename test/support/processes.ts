import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, chownSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server of the tests' own, with a directory of its own. */
export interface OwnServer {
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  signal(name: NodeJS.Signals): void;
  /** Starts it again on the same port with the same directory. */
  restart(): Promise<void>;
  /** Ends it without a warning. */
  kill(): Promise<void>;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
}

/** Where a program is on the PATH; `undefined` when it is not installed. */
export function findProgram(...names: string[]): string | undefined {
  for (const name of names) {
    for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(directory, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue;
      }
    }
  }
  return undefined;
}

/** A port nobody listens on, `above` others of which are below 65,536 too. */
export async function freePort(above = 0): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    if (port + above < 65_536) return port;
  }
}

/** Whether somebody accepts connections there. */
export async function isListening(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(2_000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** Waits until `condition` holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeout = 20_000,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${timeout} ms: ${what}`);
    await sleep(20);
  }
}

interface Launch {
  command: string;
  args(directory: string, port: number): string[];
  prepare?(directory: string, user: { uid: number; gid: number } | undefined): Promise<void>;
  /** Whether it serves; default: whether it accepts connections. */
  ready?(port: number): Promise<boolean>;
  /** Default: one that is free. */
  port?: number | undefined;
  /** Whether the program refuses to run as root. */
  unprivileged?: boolean;
}

/** What other accounts on Unix systems are called that a server may run as. */
const NOBODY = { uid: 65_534, gid: 65_534 };

async function launch({
  command,
  args,
  prepare,
  unprivileged,
  port: wanted,
  ready = (port) => isListening('127.0.0.1', port),
}: Launch): Promise<OwnServer> {
  const port = wanted ?? (await freePort(10_000));
  const directory = mkdtempSync(join(tmpdir(), 'session-server-'));
  const user = unprivileged && process.getuid?.() === 0 ? NOBODY : undefined;
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  await prepare?.(directory, user);
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(command, args(directory, port), { cwd: directory, stdio: 'ignore', ...user });
    let failed = false;
    child.once('error', () => (failed = true));
    await until(() => failed || ready(port), `${command} is ready`);
    if (failed) throw new Error(`${command} does not start`);
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const stop = async (): Promise<void> => {
    await kill();
    process.off('exit', endWithTests);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const endWithTests = (): void => void child?.kill('SIGKILL');
  process.once('exit', endWithTests);
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    directory,
    get pid() {
      return child?.pid ?? 0;
    },
    signal: (name) => void child?.kill(name),
    restart: start,
    kill,
    stop,
  };
}

/** A redis-server of the tests' own; throws when it is not installed. */
export function startRedis(options: string[] = [], port?: number): Promise<OwnServer> {
  const command = findProgram('redis-server', 'valkey-server');
  if (command === undefined) throw new Error('redis-server is not on the PATH');
  return launch({
    command,
    port,
    args: (directory, at) => [
      ...['--port', String(at), '--bind', '127.0.0.1', '--dir', directory, '--save', ''],
      ...options,
    ],
  });
}

/** A Sentinel that watches one primary, under the name `main`. */
export function startSentinel(primary: number): Promise<OwnServer> {
  const command = findProgram('redis-server', 'valkey-server');
  if (command === undefined) throw new Error('redis-server is not on the PATH');
  return launch({
    command,
    prepare: async (directory) =>
      writeFileSync(
        join(directory, 'sentinel.conf'),
        [
          `sentinel monitor main 127.0.0.1 ${primary} 1`,
          'sentinel down-after-milliseconds main 500',
          'sentinel failover-timeout main 3000',
        ].join('\n'),
      ),
    args: (directory, at) => [
      join(directory, 'sentinel.conf'),
      ...['--sentinel', '--port', String(at), '--bind', '127.0.0.1', '--dir', directory],
    ],
  });
}

/** A PostgreSQL server of the tests' own: user `postgres`, database `postgres`, no password. */
export function startPostgres(options: string[] = [], port?: number): Promise<OwnServer> {
  const [initdb, postgres] = [findProgram('initdb'), findProgram('postgres')];
  const isReady = findProgram('pg_isready');
  if (initdb === undefined || postgres === undefined || isReady === undefined) {
    throw new Error('initdb, postgres and pg_isready are not on the PATH');
  }
  return launch({
    command: postgres,
    port,
    unprivileged: true,
    ready: (at) =>
      run(isReady, ['-h', '127.0.0.1', '-p', String(at)]).then(
        () => true,
        () => false,
      ),
    prepare: (directory, user) =>
      run(initdb, ['-D', join(directory, 'data'), '-U', 'postgres', '-A', 'trust', '-N'], user),
    args: (directory, at) => [
      ...['-D', join(directory, 'data'), '-p', String(at), '-h', '127.0.0.1', '-k', ''],
      ...options,
    ],
  });
}

/** Runs a program to its end. */
export async function run(
  command: string,
  args: string[],
  options: { uid?: number; gid?: number } = {},
): Promise<void> {
  const child = spawn(command, args, { stdio: 'ignore', ...options });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}
