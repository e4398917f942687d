import type { CapableStore } from '../../session/store.js';

/** The methods of the store contract. @internal */
export const STORE_METHODS = [
  'get',
  'set',
  'destroy',
  'create',
  'read',
  'update',
  'touch',
  'listByOwner',
  'destroyByOwner',
  'clear',
  'prune',
  'close',
] as const satisfies readonly (keyof CapableStore)[];

/** @internal */
export type StoreMethod = (typeof STORE_METHODS)[number];

/**
 * What a wrapper offers of the store it wraps: the methods of the store contract that the store
 * has, no others. So a wrapped store has the same powers.
 *
 * @publicApi
 */
export type Wrapped<Store> = Pick<Store, Extract<keyof Store, StoreMethod>>;

/**
 * A store with the methods of `store`, each of which goes through `wrap`.
 *
 * @internal
 */
export function wrapStore<Store extends object>(
  store: Store,
  wrap: (
    method: StoreMethod,
    call: (...args: unknown[]) => unknown,
  ) => (...args: never[]) => unknown,
): Wrapped<Store> {
  const wrapped: Partial<Record<StoreMethod, (...args: never[]) => unknown>> = {};
  for (const method of STORE_METHODS) {
    const own = (store as Partial<Record<StoreMethod, unknown>>)[method];
    if (typeof own !== 'function') continue;
    wrapped[method] = wrap(method, (...args) => own.apply(store, args) as unknown);
  }
  return wrapped as Wrapped<Store>;
}

/** @internal */
export function isStoreObject(value: unknown): value is object {
  const { get, set, destroy } = (value ?? {}) as Partial<Record<StoreMethod, unknown>>;
  return [get, set, destroy].every((method) => typeof method === 'function');
}
