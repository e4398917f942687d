import { jest } from '@jest/globals';
import { SessionOptionsError } from '../../../lib/errors.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { twoTier } from '../../../lib/stores/two-tier.js';
import { isVersionedStore } from '../../../lib/session/store.js';
import type { SessionStore } from '../../../lib/session/store.js';
import { storeContract } from '../../../lib/testing/index.js';

storeContract({
  name: 'twoTier(MemoryStore)',
  create: () => twoTier(new MemoryStore()),
  capabilities: ['create', 'version', 'touch', 'owner', 'clear', 'prune', 'close'],
});

storeContract<SessionStore>({
  name: 'twoTier(a plain store)',
  create: () => twoTier(plain(new MemoryStore())),
  capabilities: [],
});

const HOUR = 3_600_000;

function plain(inner: MemoryStore): SessionStore {
  return {
    get: (key) => inner.get(key),
    set: (key, record, maxAge) => inner.set(key, record, maxAge),
    destroy: (key) => inner.destroy(key),
  };
}

/** A memory store that counts its reads, and can be made to hold one back. */
class SlowStore extends MemoryStore {
  reads = 0;
  gate: Promise<void> | undefined;

  override async read(...args: Parameters<MemoryStore['read']>) {
    this.reads++;
    const found = await super.read(...args);
    await this.gate;
    return found;
  }
}

describe('twoTier', () => {
  it('asks the store once within maxStale, and again after it', async () => {
    jest.useFakeTimers();
    try {
      const store = new SlowStore();
      const cached = twoTier(store, { maxStale: 1_000 });
      await store.create('a', { n: 1 }, HOUR);
      for (let n = 0; n < 5; n++) {
        expect((await cached.read('a', HOUR, {}))?.record).toEqual({ n: 1 });
      }
      expect(store.reads).toBe(1);
      store.set('a', { n: 2 }, HOUR);
      jest.advanceTimersByTime(999);
      expect((await cached.read('a', HOUR, {}))?.record).toEqual({ n: 1 });
      jest.advanceTimersByTime(1);
      expect((await cached.read('a', HOUR, {}))?.record).toEqual({ n: 2 });
      expect(store.reads).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it('counts staleness from when the store was asked, not from when it answered', async () => {
    jest.useFakeTimers();
    try {
      const store = new SlowStore();
      const cached = twoTier(store, { maxStale: 1_000 });
      await store.create('a', { n: 1 }, HOUR);
      store.gate = new Promise((resolve) => setTimeout(resolve, 900));
      const slow = cached.read('a', HOUR, {});
      await jest.advanceTimersByTimeAsync(900);
      await slow;
      store.set('a', { n: 2 }, HOUR);
      jest.advanceTimersByTime(100);
      expect((await cached.read('a', HOUR, {}))?.record).toEqual({ n: 2 });
    } finally {
      jest.useRealTimers();
    }
  });

  it('never keeps an answer that is older than a write of this process', async () => {
    const store = new SlowStore();
    const cached = twoTier(store, { maxStale: HOUR });
    await store.create('a', { user: 1 }, HOUR);
    let open: () => void = () => undefined;
    store.gate = new Promise((resolve) => (open = resolve));
    const slow = cached.read('a', HOUR, {});
    await cached.destroy('a');
    open();
    expect((await slow)?.record).toEqual({ user: 1 });
    expect(await cached.read('a', HOUR, {})).toBeUndefined();
  });

  it('forgets a record although its write failed', async () => {
    class LossyStore extends MemoryStore {
      override async update(...args: Parameters<MemoryStore['update']>): Promise<never> {
        await super.update(...args);
        throw new Error('the answer was lost');
      }
    }
    const cached = twoTier(new LossyStore(), { maxStale: HOUR });
    await cached.create('a', { n: 1 }, HOUR);
    const read = await cached.read('a', HOUR, {});
    const update = cached.update('a', read?.version ?? 0, { n: 2 }, HOUR, {});
    await expect(update).rejects.toThrow('the answer was lost');
    expect((await cached.read('a', HOUR, {}))?.record).toEqual({ n: 2 });
  });

  it('lets a stale read lose no write: the update meets a conflict', async () => {
    const store = new MemoryStore();
    const [here, there] = [twoTier(store), twoTier(store)];
    await here.create('a', { n: 1 }, HOUR, {});
    const mine = await here.read('a', HOUR, {});
    await there.read('a', HOUR, {});
    await there.update('a', mine?.version ?? 0, { n: 2 }, HOUR, {});
    const stale = await here.read('a', HOUR, {});
    expect(stale?.record).toEqual({ n: 1 });
    const result = await here.update('a', stale?.version ?? 0, { n: 3 }, HOUR, {});
    expect(result).toMatchObject({ status: 'conflict', record: { n: 2 } });
  });

  it('sends a read that prolongs to the store once within maxStale', async () => {
    const store = new SlowStore();
    const cached = twoTier(store, { maxStale: HOUR });
    await store.create('a', { n: 1 }, HOUR);
    await cached.read('a', HOUR, {});
    await cached.read('a', HOUR, { touch: 2 * HOUR });
    await cached.read('a', HOUR, { touch: 2 * HOUR });
    expect(store.reads).toBe(2);
    const expires = (await store.read('a'))?.expires;
    expect(expires).toBeGreaterThan(Date.now() + HOUR);
  });

  it('answers nothing about the sessions of an owner who was logged out here', async () => {
    const cached = twoTier(new MemoryStore(), { maxStale: HOUR });
    await cached.create('a', { _owner: 'alice' }, HOUR, {});
    await cached.read('a', HOUR, {});
    await cached.destroyByOwner('alice');
    expect(await cached.read('a', HOUR, {})).toBeUndefined();
  });

  it('reads a record that is too large for the cache from the store', async () => {
    const cached = twoTier(new MemoryStore(), { maxBytes: 1_000 });
    await cached.create('a', { text: 'x'.repeat(5_000) }, HOUR, {});
    for (let n = 0; n < 2; n++) {
      expect((await cached.read('a', HOUR, {}))?.record['text']).toHaveLength(5_000);
    }
  });

  it('has the powers of the store it wraps, and no others', () => {
    expect(isVersionedStore(twoTier(plain(new MemoryStore())))).toBe(false);
    expect(isVersionedStore(twoTier(new MemoryStore()))).toBe(true);
  });

  it('refuses wrong options and what is no store', () => {
    expect(() => twoTier(new MemoryStore(), { maxStale: 0 })).toThrow(SessionOptionsError);
    expect(() => twoTier({} as SessionStore)).toThrow(/takes a store with get, set and destroy/);
  });
});
