import type { SessionStore } from '../../session/store.js';

/**
 * A power a store may have beyond koa-session's three methods; each is an interface of the store
 * contract: `create` CreatingStore, `version` VersionedStore, `touch` TouchingStore, `owner`
 * OwnedStore, `clear` ClearableStore, `prune` PrunableStore, `close` ClosableStore.
 *
 * @publicApi
 */
export type StoreCapability =
  'create' | 'version' | 'touch' | 'owner' | 'clear' | 'prune' | 'close';

/**
 * The part of a test runner that the suite needs; Jest, Vitest, Mocha and `node:test` have it.
 *
 * @publicApi
 */
export interface ContractRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/**
 * A claim of the suite that a store does not keep, and why. The reason becomes part of the test's
 * name, so that a report shows it.
 *
 * @publicApi
 */
export interface StoreContractSkip {
  /** The claim, word for word as the suite names it. A claim the suite does not have is refused. */
  test: string;
  reason: string;
}

/** Which store is tested, and what it claims to be able to do. @publicApi */
export interface StoreContractOptions<S extends SessionStore = SessionStore> {
  /** What the report calls the store. */
  name: string;
  /** Makes an empty store. Called before every test. */
  create: () => S | Promise<S>;
  /** What the store can do beyond `get`, `set` and `destroy`; the suite tests just that. */
  capabilities: readonly StoreCapability[];
  /** Called after every test. Default: the store's own `close`, if it has one. */
  dispose?: (store: S) => unknown;
  /**
   * The coarsest step of the store's clock, milliseconds: 1,000 for a backend that expires by the
   * second. Default: 1.
   */
  ttlGranularity?: number;
  /**
   * Lets time pass: advances a fake clock, or waits. Default: waits.
   */
  pass?: (milliseconds: number) => unknown;
  /**
   * Writes something under the key, behind the store's back, that is no record. Without it the
   * claims about corrupt records do not run.
   */
  corrupt?: (store: S, key: string) => unknown;
  /** Claims that the store does not keep. Default: none. */
  skip?: readonly StoreContractSkip[];
  /** Default: the global `describe` and `it` of Jest, Vitest with globals, or Mocha. */
  runner?: ContractRunner;
}
