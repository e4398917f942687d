import type { Context } from 'koa';

/** Koa's `Cookies`, by the types that Koa gives it. */
type Cookies = Context['cookies'];

/**
 * How to look behind `ctx.cookies` without making one: Koa's accessor builds a `Cookies` object
 * (and a Keygrip) on first use and keeps it on the context under a symbol.
 */
interface KoaAccessor {
  /** The symbol under which Koa keeps a context's `Cookies`. */
  readonly slot: symbol;
  /** The prototype of Koa's `Cookies`. */
  readonly prototype: object;
}

const accessors = new WeakMap<object, KoaAccessor | null>();

// Koa names neither the symbol nor the class in its exports, so a stand-in context is asked: what
// is put in by the setter shows the symbol, and what the getter makes shows the class.
function inspectAccessor(owner: object): KoaAccessor | null {
  const property = Object.getOwnPropertyDescriptor(owner, 'cookies');
  if (property?.get === undefined || property.set === undefined) return null;
  try {
    const marker = {};
    const filled: Record<symbol, unknown> = {};
    property.set.call(filled, marker);
    const [slot, ...others] = Object.getOwnPropertySymbols(filled);
    if (slot === undefined || others.length > 0 || filled[slot] !== marker) return null;

    const standIn = { req: {}, res: {}, app: {}, request: { secure: false } };
    const made = property.get.call(standIn) as Record<string, unknown>;
    const isKoas =
      made['request'] === standIn.req && made['response'] === standIn.res && !made['keys'];
    return isKoas ? { slot, prototype: Object.getPrototypeOf(made) as object } : null;
  } catch {
    return null;
  }
}

/** What Koa's contexts inherit from below `app.context`, and the accessor there: nobody has two Koas. */
let lastBelow: object | null = null;
let lastAccessor: KoaAccessor | null = null;

/** The accessor that a context has; `null` for one that is not Koa's own. */
function accessorOf(ctx: Context): KoaAccessor | null {
  if (Object.hasOwn(ctx, 'cookies')) return null;
  const above = Object.getPrototypeOf(ctx) as object | null;
  const { context } = ctx.app;
  if (above !== context || Object.hasOwn(context, 'cookies')) return search(above, context);
  const below = Object.getPrototypeOf(context) as object | null;
  if (below !== lastBelow) {
    lastAccessor = search(below, context);
    lastBelow = below;
  }
  return lastAccessor;
}

/** Koa defines `cookies` below `app.context`; what stands before it is the application's. */
function search(start: object | null, context: object): KoaAccessor | null {
  let owner = start;
  while (owner !== null && !Object.hasOwn(owner, 'cookies')) {
    owner = Object.getPrototypeOf(owner) as object | null;
  }
  if (owner === null || owner === context) return null;
  let accessor = accessors.get(owner);
  if (accessor === undefined) accessors.set(owner, (accessor = inspectAccessor(owner)));
  return accessor;
}

/**
 * What the application did to `ctx.cookies`:
 * - `'untouched'`: nothing, and Koa has not made one yet for this request;
 * - a `Cookies` object: Koa made it, or the application changed a field of it (`secure`, `keys`);
 * - `'replaced'`: it is not Koa's own, and whoever wants a cookie has to ask it.
 *
 * @internal
 */
export function cookiesOf(ctx: Context): 'untouched' | 'replaced' | Cookies {
  const accessor = accessorOf(ctx);
  if (accessor === null) return 'replaced';
  const made = (ctx as unknown as Record<symbol, object | undefined>)[accessor.slot];
  if (!made) return 'untouched';
  if (Object.getPrototypeOf(made) !== accessor.prototype) return 'replaced';
  if (Object.hasOwn(made, 'get') || Object.hasOwn(made, 'set')) return 'replaced';
  const cookies = made as Cookies;
  // Without a word on `secure`, `cookies` looks at the socket; leave that to it.
  return typeof cookies.secure === 'boolean' ? cookies : 'replaced';
}
