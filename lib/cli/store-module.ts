import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isClosableStore, isSessionStore, type SessionStore } from '../session/index.js';
import { UsageError } from './usage.js';

/** A store of the application, and how to let go of it. */
export interface LoadedStore {
  store: SessionStore;
  release(): Promise<void>;
}

/**
 * The store that a module exports, itself or as what an exported function makes.
 *
 * @throws UsageError when there is no such module, or no store in it.
 */
export async function loadStore(path: string, name: string): Promise<LoadedStore> {
  const url = pathToFileURL(resolve(path)).href;
  let loaded: Record<string, unknown>;
  try {
    loaded = (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    const { message } = cause as Error;
    throw new UsageError(`cannot import ${path}: ${message}`, { cause });
  }
  const exported = loaded[name];
  const store: unknown =
    typeof exported === 'function' ? await (exported as () => unknown)() : await exported;
  if (!isSessionStore(store)) {
    throw new UsageError(
      `the export "${name}" of ${path} is no session store, nor a function that makes one: name another with --export`,
    );
  }
  return {
    store,
    release: async () => {
      if (isClosableStore(store)) await store.close();
    },
  };
}
