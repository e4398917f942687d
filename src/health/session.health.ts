import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { DEFAULTS, StoreError } from '../../lib/session/index.js';
import type { NamedSession } from '../interfaces/session-selection.interface.js';
import { detachedContext } from '../handshake.context.js';
import { SessionRegistry } from '../session.registry.js';

/** Which session's store to ask, and for how long. @publicApi */
export interface SessionHealthOptions extends NamedSession {
  /** The longest wait for the store, in milliseconds. Default: the option `storeTimeout`. */
  timeout?: number | undefined;
}

/** The state of a session's store, in the shape of `@nestjs/terminus`. @publicApi */
export type SessionHealth<Key extends string> = Record<
  Key,
  { status: 'up'; latency?: number } | { status: 'down'; latency?: number; message: string }
>;

/**
 * Tells `@nestjs/terminus` whether the session store answers, and how fast. In cookie mode it is
 * always up.
 *
 * @example
 * ```ts
 * @Get()
 * @HealthCheck()
 * check() {
 *   return this.health.check([() => this.sessions.isHealthy('sessions')]);
 * }
 * ```
 * @publicApi
 */
@Injectable()
export class SessionHealthIndicator {
  readonly #registry: SessionRegistry;

  constructor(@Inject(SessionRegistry) registry: SessionRegistry) {
    this.#registry = registry;
  }

  /**
   * Reads a record that does not exist.
   *
   * @param key the name in the health report.
   * @returns `latency` in milliseconds; a store that fails is `down`, and nothing is thrown.
   */
  async isHealthy<const Key extends string>(
    key: Key,
    options: SessionHealthOptions = {},
  ): Promise<SessionHealth<Key>> {
    const { store, options: settings } = this.#registry.get(options.name);
    if (store === undefined) return { [key]: { status: 'up' } } as SessionHealth<Key>;
    const timeout = options.timeout ?? settings.storeTimeout ?? DEFAULTS.storeTimeout;
    const start = performance.now();
    const latency = () => Math.round(performance.now() - start);
    try {
      // A request-scoped store is made for a context. Some stores answer any well-formed id; none
      // has this one.
      const { koa } = this.#registry;
      const call = koa === undefined ? {} : { ctx: detachedContext(koa) };
      await withTimeout(timeout, async () => store.get(`health-${randomUUID()}`, 1000, call));
      return { [key]: { status: 'up', latency: latency() } } as SessionHealth<Key>;
    } catch (error) {
      const message = error instanceof StoreError ? error.kind : 'unavailable';
      return { [key]: { status: 'down', latency: latency(), message } } as SessionHealth<Key>;
    }
  }
}

async function withTimeout(timeout: number, ask: () => Promise<unknown>): Promise<void> {
  if (timeout === 0) {
    await ask();
    return;
  }
  const controller = new AbortController();
  const late = delay(timeout, undefined, { signal: controller.signal }).then(() => {
    throw new StoreError('get', { kind: 'timeout' });
  });
  try {
    await Promise.race([ask(), late]);
  } finally {
    controller.abort();
    late.catch(() => undefined);
  }
}
