import Keyv from 'keyv';
import { SessionOptionsError } from '../../../lib/errors.js';
import { KeyvStore } from '../../../lib/stores/keyv.js';
import type { KeyvStoreOptions } from '../../../lib/stores/keyv.js';
import { storeContract } from '../../../lib/testing/index.js';

storeContract<KeyvStore>({
  name: 'KeyvStore',
  create: () => new KeyvStore({ keyv: new Keyv({ throwOnErrors: true }) }),
  capabilities: ['clear'],
});

const HOUR = 3_600_000;

/** A Keyv adapter whose backend is down. */
class DeadAdapter extends Map<string, string> {
  override get(): never {
    throw new Error('connect ECONNREFUSED');
  }
  override set(): never {
    throw new Error('connect ECONNREFUSED');
  }
  override delete(): never {
    throw new Error('connect ECONNREFUSED');
  }
}

describe('KeyvStore', () => {
  it('fails when the backend is down, and does not say "missing"', async () => {
    const keyv = new Keyv({ store: new DeadAdapter(), throwOnErrors: true });
    const store = new KeyvStore({ keyv });
    await expect(store.get('a')).rejects.toMatchObject({
      code: 'ERR_STORE',
      kind: 'unavailable',
      outcome: 'not-applied',
    });
    await expect(store.set('a', {}, HOUR)).rejects.toMatchObject({ outcome: 'unknown' });
    await expect(store.destroy('a')).rejects.toMatchObject({ outcome: 'unknown' });
  });

  it('fails when an adapter swallows its error and only emits it', async () => {
    const keyv = new Keyv({ throwOnErrors: true });
    const swallow = async () => {
      keyv.emit('error', new Error('socket closed'));
      return undefined;
    };
    Object.assign(keyv, { get: swallow, set: async () => false });
    const store = new KeyvStore({ keyv });
    await expect(store.get('a')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(store.set('a', {}, HOUR)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('reads a record that another koa-session store wrote as an object', async () => {
    const keyv = new Keyv({ throwOnErrors: true });
    await keyv.set('a', { user: 1 });
    await keyv.set('b', ['no', 'record']);
    const store = new KeyvStore({ keyv });
    const first = await store.get('a');
    expect(first).toEqual({ user: 1 });
    expect(await store.get('b')).toBeUndefined();
  });

  it('refuses an instance that hides errors, and what is no Keyv', () => {
    const build = (options: object) => () => new KeyvStore(options as KeyvStoreOptions);
    expect(build({ keyv: new Keyv() })).toThrow(SessionOptionsError);
    expect(build({ keyv: new Keyv() })).toThrow(/throwOnErrors: true/);
    expect(build({ keyv: new Map() })).toThrow(/must be a Keyv instance, got an instance of Map/);
  });
});
