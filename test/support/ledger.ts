import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../lib/errors.js';
import type {
  CreatingStore,
  SessionStore,
  UpdateResult,
  VersionedStore,
} from '../../lib/session/store.js';

export type LedgerStore = SessionStore & CreatingStore & VersionedStore;

const HOUR = 3_600_000;

/** One session that one writer counts up in. */
interface Account {
  key: string;
  /** What the store acknowledged last. */
  acknowledged: number;
  /** How many writes since then may or may not have been done. */
  unknown: number;
}

/**
 * Writers that count up in sessions of their own, and keep book of what the store acknowledged.
 * Whatever happens to the store: an acknowledged count is never lost, and no count appears that
 * nobody wrote.
 */
export class Ledger {
  readonly #store: LedgerStore;
  readonly #accounts: Account[];
  #running = false;
  #work: Promise<void>[] = [];
  readonly violations: string[] = [];
  readonly errors: StoreError[] = [];
  acknowledged = 0;

  constructor(store: LedgerStore, writers = 8) {
    this.#store = store;
    this.#accounts = Array.from({ length: writers }, () => ({
      key: `ledger-${randomUUID()}`,
      acknowledged: 0,
      unknown: 0,
    }));
  }

  async open(): Promise<void> {
    for (const { key } of this.#accounts) {
      if (!(await this.#store.create(key, { n: 0 }, HOUR, {}))) throw new Error('key is taken');
    }
  }

  start(): void {
    this.#running = true;
    this.#work = this.#accounts.map((account) => this.#count(account));
  }

  /** Lets the writers count until they have been acknowledged `more` times. */
  async progress(more: number, timeout = 20_000): Promise<void> {
    const [goal, end] = [this.acknowledged + more, Date.now() + timeout];
    while (this.acknowledged < goal) {
      if (Date.now() > end) throw new Error(`no progress in ${timeout} ms`);
      await sleep(5);
    }
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#work);
  }

  /** Reads every count once more. */
  async audit(): Promise<void> {
    for (const account of this.#accounts) await this.#read(account);
  }

  async #count(account: Account): Promise<void> {
    while (this.#running) {
      try {
        const current = await this.#read(account);
        if (current === undefined) return;
        const n = current.n + 1;
        const result = await this.#write(account, n, current.version);
        if (result.status === 'ok') {
          account.acknowledged = n;
          account.unknown = 0;
          this.acknowledged++;
        } else if (result.status === 'gone') {
          this.violations.push('a session was gone that nobody destroyed');
          return;
        } else if (account.unknown < 2) {
          this.violations.push('a conflict with a write that nobody made');
        }
      } catch (error) {
        if (!(error instanceof StoreError)) {
          this.violations.push(`no StoreError but ${String(error)}`);
          return;
        }
        this.errors.push(error);
        await sleep(10);
      }
    }
  }

  async #write(account: Account, n: number, version: string | number): Promise<UpdateResult> {
    const { key } = account;
    account.unknown++;
    try {
      const settings = { changed: true, writeId: randomUUID() };
      return await this.#store.update(key, version, { n }, HOUR, settings);
    } catch (error) {
      if (error instanceof StoreError && error.outcome === 'not-applied') account.unknown--;
      throw error;
    }
  }

  async #read(account: Account): Promise<{ n: number; version: string | number } | undefined> {
    const found = await this.#store.read(account.key, HOUR, {});
    if (found === undefined) {
      this.violations.push('a session was missing that nobody destroyed');
      return undefined;
    }
    const n = found.record['n'] as number;
    if (n < account.acknowledged) {
      this.violations.push(`an acknowledged write was lost: ${n} after ${account.acknowledged}`);
    }
    if (n > account.acknowledged + account.unknown) {
      this.violations.push(`a write appeared that nobody made: ${n}`);
    }
    return { n, version: found.version };
  }
}
