import { jest } from '@jest/globals';
import type { merge } from '../../../lib/session/backing/merge.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { storeContract } from '../../../lib/testing/index.js';
import type { ContractRunner, StoreContractOptions } from '../../../lib/testing/index.js';
import type { SessionRecord, SessionStore, StoreMaxAge } from '../../../lib/session/store.js';

const MERGE = '../../../lib/session/backing/merge.js';

type Write = Parameters<MemoryStore['update']>;
type Read = Parameters<MemoryStore['read']>;

/** Every power of the memory store. */
const ALL = ['create', 'version', 'touch', 'owner', 'clear', 'prune', 'close'] as const;

/** Collects the suite's tests, runs them, and tells which failed. */
async function failures(
  options: Omit<StoreContractOptions, 'runner' | 'name'>,
  contract: typeof storeContract = storeContract,
): Promise<string[]> {
  const tests: [string, () => Promise<void>][] = [];
  const runner: ContractRunner = {
    describe: (_name, body) => body(),
    it: (name, body) => tests.push([name, body]),
  };
  let skipped = 0;
  const realNow = Date.now;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => realNow() + skipped);
  const pass = (milliseconds: number) => (skipped += milliseconds);
  contract({ pass, ...options, name: 'broken', runner });
  const failed: string[] = [];
  for (const [name, body] of tests) await body().catch(() => failed.push(name));
  clock.mockRestore();
  return failed;
}

/** Gives a record whose `_expire` is over another one. */
async function broughtBack(store: MemoryStore, key: string, maxAge: StoreMaxAge): Promise<boolean> {
  const record = store.get(key);
  if (!((record?.['_expire'] as number) <= Date.now())) return false;
  store.set(key, { ...record, _expire: Date.now() + 60_000 }, maxAge);
  return true;
}

/** The memory store with one promise broken. */
const MUTANTS: Record<string, { store: () => MemoryStore; caughtBy: RegExp }> = {
  'the version check is switched off': {
    store: () =>
      new (class extends MemoryStore {
        override async update(...[key, , record, maxAge]: Write) {
          if (this.get(key) === undefined) return { status: 'gone' as const };
          this.set(key, record, maxAge);
          return { status: 'ok' as const, version: (await this.read(key))?.version ?? 0 };
        }
      })(),
    caughtBy: /of 100 parallel updates of one version, exactly one succeeds/,
  },
  'the existence check is switched off': {
    store: () =>
      new (class extends MemoryStore {
        override async update(...[key, version, record, maxAge, options]: Write) {
          const result = await super.update(key, version, record, maxAge, options);
          if (result.status !== 'gone') return result;
          this.set(key, record, maxAge);
          return { status: 'ok' as const, version };
        }
      })(),
    caughtBy: /whichever of a parallel update and destroy comes first, the record is gone/,
  },
  'the version check and the write are not one step': {
    store: () =>
      new (class extends MemoryStore {
        override async update(...[key, version, record, maxAge]: Write) {
          const current = await this.read(key);
          if (current === undefined) return { status: 'gone' as const };
          if (current.version !== version) return { status: 'conflict' as const, ...current };
          this.set(key, record, maxAge);
          return { status: 'ok' as const, version: (await this.read(key))?.version ?? 0 };
        }
      })(),
    caughtBy: /20 parallel writers that try again on a conflict lose no write/,
  },
  'versions are counted from 1 for each record': {
    store: () => new RecountingStore(),
    caughtBy: /a version does not come back with a key that is destroyed and made anew/,
  },
  'create overwrites': {
    store: () =>
      new (class extends MemoryStore {
        override async create(...[key, record, maxAge]: Parameters<MemoryStore['create']>) {
          this.set(key, record, maxAge);
          return true;
        }
      })(),
    caughtBy: /of 100 parallel creations of one key, exactly one succeeds/,
  },
  'create forgets the write id': {
    store: () =>
      new (class extends MemoryStore {
        override create(...[key, record, maxAge]: Parameters<MemoryStore['create']>) {
          return super.create(key, record, maxAge);
        }
      })(),
    caughtBy: /a creation sent twice with one write id/,
  },
  'update forgets the write id': {
    store: () =>
      new (class extends MemoryStore {
        override update(...[key, version, record, maxAge]: Write) {
          return super.update(key, version, record, maxAge);
        }
      })(),
    caughtBy: /an update sent twice with one write id is no conflict/,
  },
  'touch creates': {
    store: () =>
      new (class extends MemoryStore {
        override async touch(key: string, maxAge: StoreMaxAge) {
          if (this.get(key) === undefined) this.set(key, {}, maxAge);
          return super.touch(key, maxAge);
        }
      })(),
    caughtBy: /touch of a missing key is false and creates nothing/,
  },
  'touch rewrites the record from an old copy': {
    store: () =>
      new (class extends MemoryStore {
        override async touch(key: string, maxAge: StoreMaxAge) {
          const record = this.get(key);
          if (record === undefined) return false;
          this.set(key, record, maxAge);
          return true;
        }
      })(),
    caughtBy: /touch changes no data and no version/,
  },
  'touch does nothing': {
    store: () =>
      new (class extends MemoryStore {
        override async touch(key: string) {
          return this.get(key) !== undefined;
        }
      })(),
    caughtBy: /touch prolongs the life of a record/,
  },
  'touch brings back what is over': {
    store: () =>
      new (class extends MemoryStore {
        override async touch(key: string, maxAge: StoreMaxAge) {
          return (await super.touch(key, maxAge)) || broughtBack(this, key, maxAge);
        }
      })(),
    caughtBy: /touch of a record whose _expire is over is false, and does not bring it back/,
  },
  'read with touch shortens': {
    store: () =>
      new (class extends MemoryStore {
        override async read(...[key, maxAge, options]: Read) {
          if (options?.touch !== undefined) await this.touch(key, options.touch);
          return super.read(key, maxAge);
        }
      })(),
    caughtBy: /read with touch never shortens the life of a record/,
  },
  'read with touch brings back what is over': {
    store: () =>
      new (class extends MemoryStore {
        override async read(...[key, maxAge, options]: Read) {
          const found = await super.read(key, maxAge, options);
          if (options?.touch !== undefined) await broughtBack(this, key, options.touch);
          return found && super.read(key, maxAge);
        }
      })(),
    caughtBy: /read with touch does not bring back a record whose _expire is over/,
  },
  'read with touch renews nothing': {
    store: () =>
      new (class extends MemoryStore {
        override async read(...[key, maxAge]: Read) {
          return super.read(key, maxAge);
        }
      })(),
    caughtBy: /read with touch prolongs the life of a record/,
  },
  'a conflict says what was read, not what is stored': {
    store: () =>
      new (class extends MemoryStore {
        readonly #read = new Map<string, SessionRecord>();
        override async read(...args: Read) {
          const found = await super.read(...args);
          if (found !== undefined) this.#read.set(args[0], structuredClone(found.record));
          return found;
        }
        override async update(...args: Write) {
          const result = await super.update(...args);
          const record = this.#read.get(args[0]);
          return result.status === 'conflict' && record ? { ...result, record } : result;
        }
      })(),
    caughtBy: /parallel requests of one session all keep what they wrote/,
  },
  'records are shared, not copied': {
    store: () => new AliasingStore(),
    caughtBy: /get hands out a copy/,
  },
  'set forgets the lifetime': {
    store: () =>
      new (class extends MemoryStore {
        override set(key: string, record: SessionRecord) {
          super.set(key, record, 3_600_000);
        }
      })(),
    caughtBy: /a record whose lifetime is over is missing/,
  },
  'keys ignore letter case': {
    store: () =>
      new (class extends MemoryStore {
        override get(key: string) {
          return super.get(key.toLowerCase());
        }
        override set(key: string, record: SessionRecord, maxAge: StoreMaxAge) {
          super.set(key.toLowerCase(), record, maxAge);
        }
      })(),
    caughtBy: /keys are apart by every character/,
  },
  'destroyByOwner ends the exceptions too': {
    store: () =>
      new (class extends MemoryStore {
        override destroyByOwner(owner: string) {
          return super.destroyByOwner(owner);
        }
      })(),
    caughtBy: /the sessions listed as exceptions stay/,
  },
  'prune removes live records': {
    store: () =>
      new (class extends MemoryStore {
        override async prune() {
          await this.clear();
          return 0;
        }
      })(),
    caughtBy: /prune removes expired records, says how many, and leaves the others/,
  },
};

/** Gives each record versions of its own, as a column `version = version + 1` does. */
class RecountingStore extends MemoryStore {
  readonly #writes = new Map<string, number>();

  override set(key: string, record: SessionRecord, maxAge: StoreMaxAge) {
    super.set(key, record, maxAge);
    this.#writes.set(key, (this.#writes.get(key) ?? 0) + 1);
  }

  override destroy(key: string) {
    super.destroy(key);
    this.#writes.delete(key);
  }

  override async read(...args: Parameters<MemoryStore['read']>) {
    const found = await super.read(...args);
    return found && { ...found, version: this.#writes.get(args[0]) ?? 0 };
  }

  override async update(...[key, version, record, maxAge, options]: Write) {
    const current = await super.read(key);
    if (current === undefined) return { status: 'gone' as const };
    const count = this.#writes.get(key) ?? 0;
    if (count !== version) return { status: 'conflict' as const, ...current, version: count };
    this.#writes.set(key, count + 1);
    await super.update(key, current.version, record, maxAge, options);
    return { status: 'ok' as const, version: count + 1 };
  }
}

class AliasingStore extends MemoryStore {
  readonly #records = new Map<string, SessionRecord>();

  override set(key: string, record: SessionRecord, maxAge: StoreMaxAge) {
    super.set(key, record, maxAge);
    this.#records.set(key, record);
  }

  override get(key: string) {
    return super.get(key) && this.#records.get(key);
  }
}

describe('storeContract', () => {
  it('passes on the memory store', async () => {
    expect(await failures({ create: () => new MemoryStore(), capabilities: ALL })).toEqual([]);
  });

  it.each(Object.entries(MUTANTS))('fails when %s', async (_name, { store, caughtBy }) => {
    const failed = await failures({ create: store, capabilities: ALL });
    expect(failed).toContainEqual(expect.stringMatching(caughtBy));
  });

  it.each([
    ['what this request holds goes over what is stored', (_base, mine) => mine],
    ['what is stored stays', (_base, _mine, theirs) => theirs],
    ['the base is left out of account', (_base, mine, theirs) => ({ ...theirs, ...mine })],
  ] satisfies [string, typeof merge][])(
    'fails when the merge of the engine is switched off: %s',
    async (_, switchedOff) => {
      jest.resetModules();
      jest.unstable_mockModule(MERGE, () => ({ merge: switchedOff }));
      const mutated = await import('../../../lib/testing/index.js');
      const store = { create: () => new MemoryStore(), capabilities: ALL };
      const failed = await failures(store, mutated.storeContract);
      expect(failed).toContainEqual(expect.stringMatching(/^parallel requests of one session/));
    },
  );

  it('passes on a plain koa-session store without capabilities', async () => {
    const plain = (): SessionStore => {
      const inner = new MemoryStore();
      return {
        get: (key) => inner.get(key),
        set: (key, record, maxAge) => inner.set(key, record, maxAge),
        destroy: (key) => inner.destroy(key),
      };
    };
    expect(await failures({ create: plain, capabilities: [] })).toEqual([]);
  });

  it('fails when a power is there but not declared, or declared but not there', async () => {
    const create = () => new MemoryStore();
    const claim = 'the store has the powers it declares, and no others';
    expect(await failures({ create, capabilities: ['version'] })).toContain(claim);
    const plain = { get: () => undefined, set: () => undefined, destroy: () => undefined };
    expect(await failures({ create: () => plain, capabilities: ['clear'] })).toContain(claim);
  });

  it('names the reason of a skipped claim in the report, and does not run it', async () => {
    const names: string[] = [];
    storeContract({
      name: 'skipping',
      create: () => new MemoryStore(),
      capabilities: ALL,
      skip: [{ test: 'touch shortens the life of a record', reason: 'the backend cannot' }],
      runner: { describe: (_name, body) => body(), it: (name) => names.push(name) },
    });
    expect(names).toContain('touch shortens the life of a record [skipped: the backend cannot]');
    expect(names).not.toContain('touch shortens the life of a record');
  });

  it('refuses to skip a claim it does not have', () => {
    const skip = [{ test: 'no such claim', reason: 'a typing error' }];
    const runner: ContractRunner = { describe: (_name, body) => body(), it: () => undefined };
    const build = () =>
      storeContract({ name: 'x', create: () => new MemoryStore(), capabilities: [], skip, runner });
    expect(build).toThrow(/skip names claims that do not run: no such claim/);
  });
});
