/** A value, or a promise of it. @internal */
export type Awaitable<T> = T | PromiseLike<T>;

/**
 * What is to be done with a value, in the very turn in which it is there. Handed down to where the
 * value comes from, it costs no promise of its own.
 *
 * @internal
 */
export type Step<T, R> = (value: T) => R | Promise<R>;

/** The {@link Step} of whoever wants the value itself. @internal */
export function asItIs<T>(value: T): T {
  return value;
}

/** @internal */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * Goes on with a value, at once where it is there: a step that has nothing to wait for costs no
 * turn of the event loop, and no promise.
 *
 * @internal
 */
export function after<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): R | Promise<R> {
  return (isThenable(value) ? Promise.resolve(value).then(next) : next(value)) as R | Promise<R>;
}
