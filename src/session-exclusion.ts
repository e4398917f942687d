import type { Context } from 'koa';

/** Requests that a session is not for, by the Koa context. */
const excluded = new WeakMap<object, Set<string | undefined>>();

/** Keeps the session of this name from a request. @internal */
export function keepFrom(ctx: Context, name: string | undefined): void {
  const names = excluded.get(ctx) ?? new Set();
  excluded.set(ctx, names.add(name));
  // The engine would make an empty session here, which nothing would ever write.
  if (name === undefined)
    Object.defineProperty(ctx, 'session', { value: undefined, writable: true });
}

/** Whether a session's `forRoutes` and `exclude` keep it from a request. @internal */
export function isExcluded(ctx: Context, name: string | undefined): boolean {
  return excluded.get(ctx)?.has(name) === true;
}
