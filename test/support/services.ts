import { findProgram, isListening, startPostgres, startRedis } from './processes.js';

/** A backend that tests run against. */
export interface Service {
  url: string;
  /** Ends it if the tests started it. */
  stop(): Promise<void>;
}

interface ServicePlan {
  /** The environment variable that names the service to use. */
  variable: string;
  /** Where the service usually is on a developer's machine. */
  url: string;
  /** Starts one, if the program is installed. */
  start?: () => Promise<Service> | undefined;
}

const PLANS = {
  Redis: {
    variable: 'REDIS_URL',
    url: 'redis://127.0.0.1:6379',
    start: () => {
      if (findProgram('redis-server', 'valkey-server') === undefined) return undefined;
      return startRedis().then(({ port, stop }) => ({ url: `redis://127.0.0.1:${port}`, stop }));
    },
  },
  PostgreSQL: {
    variable: 'POSTGRES_URL',
    url: 'postgres://postgres@127.0.0.1:5432/test',
    start: () => {
      if (!findProgram('initdb') || !findProgram('pg_isready')) return undefined;
      return startPostgres().then(({ port, stop }) => ({
        url: `postgres://postgres@127.0.0.1:${port}/postgres`,
        stop,
      }));
    },
  },
  MySQL: { variable: 'MYSQL_URL', url: 'mysql://root@127.0.0.1:3306/test' },
} satisfies Record<string, ServicePlan>;

/** @see service */
export type ServiceName = keyof typeof PLANS;

/**
 * The backend under its environment variable; else the one on its usual local port; else one that
 * is started for the tests, from the program on the PATH; else `undefined`.
 *
 * @throws with REQUIRE_SERVICES=1, instead of `undefined`: in CI nothing may go untested silently.
 */
export async function service(name: ServiceName): Promise<Service | undefined> {
  const plan: ServicePlan = PLANS[name];
  const given = process.env[plan.variable];
  const url = new URL(given ?? plan.url);
  if (await isListening(url.hostname, Number(url.port))) {
    return { url: url.href, stop: () => Promise.resolve() };
  }
  const started = given === undefined ? await plan.start?.() : undefined;
  if (started === undefined) require(`${name}: set ${plan.variable}, or install the server`);
  return started;
}

/** Registers tests that need something, or one skipped test that names what is missing. */
export function describeWith<T>(
  title: string,
  needed: T | undefined,
  missing: string,
  body: (needed: T) => void,
): void {
  if (needed !== undefined) {
    describe(title, () => body(needed));
    return;
  }
  require(missing);
  describe(title, () => it.skip(`[skipped: no ${missing}]`, () => undefined));
}

function require(missing: string): void {
  if (process.env['REQUIRE_SERVICES'] === '1') {
    throw new Error(`REQUIRE_SERVICES=1, but there is no ${missing}`);
  }
}
