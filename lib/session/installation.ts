import type Koa from 'koa';
import type { Context } from 'koa';
import { SessionOptionsError } from '../errors.js';
import { ContextSession } from './context-session.js';
import { LiveOptions } from './live-options.js';
import type { ResolvedSessionOptions, SessionOptions } from './options.js';
import type { Session } from './session.js';
import { noticeRisks } from './unsafe-notice.js';

/** The sessions of an application, by the option `key`. On `app.context`. */
const INSTALLATIONS = Symbol('sessions');

type Slots = Record<symbol, ContextSession | typeof AT_WORK | undefined>;

/** In a context's slot: the middleware is at work, and nobody has asked for the session yet. */
const AT_WORK = Symbol('session middleware at work');

function installationsOn(context: object): Map<string, Installation> | undefined {
  return (context as { [INSTALLATIONS]?: Map<string, Installation> })[INSTALLATIONS];
}

/**
 * One session of one application: its options, and each request's {@link ContextSession}.
 *
 * @internal
 */
export class Installation {
  readonly key: string;
  readonly #options: LiveOptions;
  /** Where a context keeps this installation's session. */
  readonly #slot = Symbol('session');
  /** The options that {@link #loadsFirst} was worked out for. */
  #judged: ResolvedSessionOptions | undefined;
  #loadsFirst = false;

  constructor(key: string, options: LiveOptions) {
    this.key = key;
    this.#options = options;
  }

  sameOptions(options: SessionOptions): boolean {
    return this.#options.equals(options);
  }

  get options(): ResolvedSessionOptions {
    return this.#options.current;
  }

  /** The request's session, made when it is first needed. */
  of(ctx: Context): ContextSession {
    const slots = ctx as unknown as Slots;
    const held = slots[this.#slot];
    return typeof held === 'object' ? held : this.#make(ctx, this.#options.current);
  }

  #make(ctx: Context, options: ResolvedSessionOptions): ContextSession {
    const slots = ctx as unknown as Slots;
    const session = new ContextSession(ctx, options);
    session.isAtWork = slots[this.#slot] === AT_WORK;
    slots[this.#slot] = session;
    return session;
  }

  /** Loads what is to be loaded before the next middleware runs. Without a store that is nothing. */
  begin(ctx: Context): Promise<void> | undefined {
    const slots = ctx as unknown as Slots;
    const held = slots[this.#slot];
    if (typeof held === 'object') held.isAtWork = true;
    else slots[this.#slot] = AT_WORK;
    const options = this.#options.current;
    if (options !== this.#judged) {
      this.#judged = options;
      this.#loadsFirst = loadsFirst(options);
    }
    if (!this.#loadsFirst) return undefined;
    return (typeof held === 'object' ? held : this.#make(ctx, options)).load();
  }

  /** Writes the session, if the request had one. */
  finish(ctx: Context): Promise<void> | undefined {
    const slots = ctx as unknown as Slots;
    const held = slots[this.#slot];
    if (typeof held !== 'object') {
      slots[this.#slot] = undefined;
      return undefined;
    }
    held.isAtWork = false;
    return held.finish(this.#options.current.autoCommit);
  }
}

/** Whether the session is to be there before the next middleware runs. */
function loadsFirst(options: ResolvedSessionOptions): boolean {
  if (options.load === 'lazy') return false;
  return (
    options.store !== undefined ||
    options.ContextStore !== undefined ||
    options.load === 'eager' ||
    isAsync(options.valid) ||
    isAsync(options.decode)
  );
}

function isAsync(hook: unknown): boolean {
  return typeof hook === 'function' && hook.constructor.name === 'AsyncFunction';
}

/**
 * Puts a session on an application's contexts: `ctx.session` and `ctx.sessionOptions` for the
 * first, `ctx.sessions[key]` for each.
 *
 * @throws SessionOptionsError
 * @internal
 */
export function install(app: Koa, options: SessionOptions): Installation {
  warnOfOldName(options);
  const live = new LiveOptions(options);
  const { key, keys } = live.current;
  const first = !Object.hasOwn(app.context, INSTALLATIONS);
  const installations = installationsOn(app.context) ?? addContextMembers(app);
  const existing = installations.get(key);
  if (existing !== undefined) {
    if (existing.sameOptions(options)) return existing;
    throw new SessionOptionsError(
      'key',
      `this application already has a session "${key}" with other options: give the second one a "key" of its own, or use the first`,
      'ERR_SESSION_ALREADY_INSTALLED',
    );
  }
  noticeRisks(live.current);
  const installation = new Installation(key, live);
  installations.set(key, installation);
  if (first) addSession(app, installation);
  if (keys !== undefined) setKeys(app, keys);
  return installation;
}

/**
 * A request's session by its `key`; without one, the application's first.
 *
 * @internal
 */
export function contextSession(ctx: Context, key?: string): ContextSession | undefined {
  const installations = installationsOn(ctx);
  if (installations === undefined) return undefined;
  const installation =
    key === undefined ? installations.values().next().value : installations.get(key);
  return installation?.of(ctx);
}

function setKeys(app: Koa, keys: readonly (string | Buffer)[]): void {
  const present: unknown = app.keys;
  const same =
    Array.isArray(present) &&
    present.length === keys.length &&
    keys.every((key, i) => Buffer.from(key as string).equals(Buffer.from(present[i] as string)));
  if (same) return;
  if (present !== undefined && present !== null) {
    throw new SessionOptionsError(
      'keys',
      'this application signs its cookies with other keys already (app.keys): leave "keys" out, or set the same ones',
    );
  }
  // Koa's types know string keys only; `cookies` and Node's HMAC take buffers as well.
  app.keys = [...keys] as string[];
}

function addContextMembers(app: Koa): Map<string, Installation> {
  const installations = new Map<string, Installation>();
  Object.defineProperty(app.context, INSTALLATIONS, { value: installations });
  Object.defineProperty(app.context, 'sessions', {
    configurable: true,
    get(this: Context) {
      return sessionsOf(this, installations);
    },
  });
  return installations;
}

/** koa-session's members of the context; `session` is configurable so that tests can replace it. */
function addSession(app: Koa, installation: Installation): void {
  Object.defineProperties(app.context, {
    session: {
      configurable: true,
      get(this: Context): Session | null {
        return installation.of(this).get();
      },
      set(this: Context, value: unknown) {
        installation.of(this).set(value);
      },
    },
    sessionOptions: {
      configurable: true,
      get(this: Context) {
        return installation.of(this).state.ownOptions;
      },
    },
  });
}

function sessionsOf(ctx: Context, installations: Map<string, Installation>): object {
  const sessions = Object.create(null) as object;
  for (const [key, installation] of installations) {
    Object.defineProperty(sessions, key, {
      enumerable: true,
      get: () => installation.of(ctx).get(),
      set: (value: unknown) => {
        installation.of(ctx).set(value);
      },
    });
  }
  return sessions;
}

function warnOfOldName(options: SessionOptions): void {
  if ('maxAge' in options || !('maxage' in options)) return;
  if (process.env.NODE_ENV === 'production') return;
  // eslint-disable-next-line no-console -- koa-session's warning, word for word
  console.warn('[koa-session] DeprecationWarning: `maxage` option has been renamed to `maxAge`');
}
