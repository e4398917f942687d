import { checkOptions } from './option-rules.js';
import type { ResolvedSessionOptions, SessionOptions } from './options.js';
import { resolveOptions } from './options.js';

/**
 * The caller's options object, followed live: koa-session's users change it at run time (they
 * take the store away, for instance), and it must count from the next request on.
 *
 * A request costs one comparison of the object's values with the last ones seen; the defaults are
 * merged again only after a change.
 *
 * @internal
 */
export class LiveOptions {
  readonly #source: SessionOptions;
  #seen: Record<string, unknown>;
  #resolved: ResolvedSessionOptions;

  /** @throws SessionOptionsError when an option is wrong. */
  constructor(source: SessionOptions) {
    this.#source = source;
    this.#seen = { ...source };
    this.#resolved = resolveOptions(source);
    checkOptions(this.#resolved);
  }

  /** Whether `options` is the very object followed here, or says the same. */
  equals(options: SessionOptions): boolean {
    return options === this.#source || sameValues({ ...options }, { ...this.#source });
  }

  get current(): ResolvedSessionOptions {
    if (!sameValues(this.#source as Record<string, unknown>, this.#seen)) {
      this.#seen = { ...this.#source };
      this.#resolved = resolveOptions(this.#source);
    }
    return this.#resolved;
  }
}

function sameValues(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  let count = 0;
  for (const name in a) {
    if (a[name] !== b[name]) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}
