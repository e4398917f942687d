import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { isClosableStore } from '../../session/store.js';
import type { CapableStore, SessionRecord, SessionStore } from '../../session/store.js';
import type { StoreContractOptions } from './options.js';

/** The claims of one capability: what the store promises, and the test that shows it. @internal */
export type Claims = Readonly<Record<string, (bench: ContractBench) => Promise<void>>>;

/** A lifetime that no test outlives, milliseconds. @internal */
export const LONG = 600_000;

let keys = 0;

/**
 * What one test of the suite works with: an empty store, and time.
 *
 * @internal
 */
export class ContractBench {
  /** A lifetime that a test can wait for, milliseconds. */
  readonly short: number;

  private constructor(
    /**
     * The store, seen as if it had every power: a claim only calls what its capability declares.
     */
    readonly store: CapableStore,
    private readonly options: StoreContractOptions,
  ) {
    this.short = Math.max(60, 2 * (options.ttlGranularity ?? 1));
  }

  /** Runs one test on a store of its own. */
  static async run<S extends SessionStore>(
    options: StoreContractOptions<S>,
    body: (bench: ContractBench) => Promise<void>,
  ): Promise<void> {
    const store = await options.create();
    try {
      await body(
        new ContractBench(
          store as unknown as CapableStore,
          options as unknown as StoreContractOptions,
        ),
      );
    } finally {
      if (options.dispose !== undefined) await options.dispose(store);
      else if (isClosableStore(store)) await store.close();
    }
  }

  /** A key that no other test uses, like the ids that the engine makes. */
  key(): string {
    return `contract-${process.pid}-${Date.now().toString(36)}-${++keys}`;
  }

  /** Lets `milliseconds` pass, and a step of the store's clock more. */
  async pass(milliseconds: number): Promise<void> {
    const time = milliseconds + (this.options.ttlGranularity ?? 1) + 20;
    await (this.options.pass === undefined ? sleep(time) : this.options.pass(time));
  }

  /**
   * Runs `body` with a short lifetime, again with longer ones if the machine was too slow to get
   * through before the lifetime was over.
   *
   * @returns the lifetime it took.
   */
  async within(body: (lifetime: number) => Promise<void>): Promise<number> {
    for (let lifetime = this.short; ; lifetime *= 4) {
      const start = Date.now();
      const error = await body(lifetime).then(
        () => undefined,
        (reason: unknown) => reason ?? new Error('rejected without a reason'),
      );
      const inTime = Date.now() - start < lifetime;
      if (error === undefined && inTime) return lifetime;
      if (error !== undefined && (inTime || lifetime > 10_000)) throw error;
    }
  }

  /** Puts something that is no record under `key`. */
  async corrupt(key: string): Promise<void> {
    await this.options.corrupt?.(this.store, key);
  }

  get(key: string): Promise<SessionRecord | null | undefined> {
    return Promise.resolve(this.store.get(key, LONG, {}));
  }

  async set(key: string, record: SessionRecord, lifetime: number = LONG): Promise<void> {
    await this.store.set(key, record, lifetime, { changed: true, rolling: false });
  }

  async create(key: string, record: SessionRecord, lifetime: number = LONG): Promise<boolean> {
    return this.store.create(key, record, lifetime, {});
  }

  /** The record under `key` with its version; fails the test when there is none. */
  async read(key: string): Promise<{ record: SessionRecord; version: string | number }> {
    const found = await this.store.read(key, LONG, {});
    assert.ok(found, 'read found no record');
    return found;
  }

  async assertMissing(key: string, why: string): Promise<void> {
    assert.equal((await this.get(key)) ?? undefined, undefined, why);
  }
}

/** `0` to `length - 1`. @internal */
export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
