import { checkOptions } from './option-rules.js';
import type { ResolvedSessionOptions, SessionOptions } from './options.js';
import { resolveOptions } from './options.js';

/**
 * The caller's options object, followed live: koa-session's users change it at run time (they
 * take the store away, for instance), and it must count from the next request on.
 *
 * A request costs a comparison of the object's names and values with the last ones seen; the
 * defaults are merged again only after a change. Only an object that inherits options, which do not
 * count, has them merged for each request.
 *
 * @internal
 */
export class LiveOptions {
  readonly #source: SessionOptions;
  readonly #names: string[] = [];
  readonly #values: unknown[] = [];
  /** Whether a name that is no longer the object's own may still be found on it. */
  #inherits = false;
  #resolved: ResolvedSessionOptions;

  /** @throws SessionOptionsError when an option is wrong. */
  constructor(source: SessionOptions) {
    this.#source = source;
    this.#note();
    this.#resolved = resolveOptions(source);
    checkOptions(this.#resolved);
  }

  /** Whether `options` is the very object followed here, or says the same. */
  equals(options: SessionOptions): boolean {
    return options === this.#source || sameValues(options, this.#source);
  }

  get current(): ResolvedSessionOptions {
    if (this.#inherits || !this.#isAsSeen()) {
      this.#note();
      this.#resolved = resolveOptions(this.#source);
    }
    return this.#resolved;
  }

  #note(): void {
    const source = this.#source as Record<string, unknown>;
    this.#inherits = hasNames(Object.getPrototypeOf(source) as object | null);
    this.#names.length = 0;
    this.#values.length = 0;
    for (const name of Object.keys(source)) {
      this.#names.push(name);
      this.#values.push(source[name]);
    }
  }

  /** Other options in another order are compared in vain once, and noted. */
  #isAsSeen(): boolean {
    const source = this.#source as Record<string, unknown>;
    let at = 0;
    // Reads the values without looking up the names, and makes no list.
    for (const name in source) {
      if (name !== this.#names[at] || source[name] !== this.#values[at]) return false;
      at++;
    }
    return at === this.#names.length;
  }
}

function hasNames(object: object | null): boolean {
  for (const _name in object) return true;
  return false;
}

function sameValues(a: SessionOptions, b: SessionOptions): boolean {
  const names = Object.keys(a) as (keyof SessionOptions)[];
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  );
}
