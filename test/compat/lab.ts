import Koa from 'koa';
import type { Middleware } from 'koa';
import type { DifferenceId } from './differences.js';
import type { Engine } from './engines.js';
import type { Host } from './host.js';
import { PLAIN, type Setup, World } from './world.js';

/** One line of the table: what is done, and where the two engines differ, what each of them does. */
export interface Scenario {
  name: string;
  /** Does the same with either engine, and says what came of it. */
  run(lab: Lab): unknown;
  /** The permitted difference that this scenario shows. Absent: the engines must agree. */
  differs?: { id: DifferenceId; koaSession: unknown; here: unknown };
}

/** Where a scenario runs: one engine, and worlds to use it in. */
export class Lab {
  constructor(
    readonly engine: Engine,
    readonly host: Host,
  ) {}

  /** An application with the engine, and a client. */
  world(setup: Partial<Setup> = {}): World {
    return new World(this.engine, { ...PLAIN, ...setup }, this.host);
  }

  /** The engine's middleware, for an application that has one already. */
  install(app: Koa, options: object): Middleware[] {
    return this.engine.install(app, options).session;
  }

  /** What happens when an application starts with these options. */
  start(options: unknown, app: Koa = new Koa()): string {
    try {
      this.engine.install(app, options as object);
      return 'starts';
    } catch (error) {
      return summary(error);
    }
  }
}

/** An error by its class and its first line, or the option that a list of problems names. */
export function summary(error: unknown): string {
  const { name, message, code, option, issues } = error as Error & {
    code?: string;
    option?: string;
    issues?: { path: string[] }[];
  };
  if (issues !== undefined) return `${name}: ${issues.map(({ path }) => path.join('.')).join()}`;
  return option === undefined ? `${name}: ${message}` : `${name} ${code}: ${option}`;
}
