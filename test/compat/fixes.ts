import type { Context } from 'koa';
import type { DifferenceId } from './differences.js';

type Data = Record<string, unknown>;
type Genid = (ctx: Context) => string;
type Store = Record<'get' | 'set' | 'destroy', (...args: unknown[]) => Promise<unknown>>;
type TheirSession = Data & { toJSON(): Data; readonly externalKey?: string };

/** What the fixes touch of koa-session's `ContextSession` (its src/context.ts). */
interface TheirContextSession {
  readonly ctx: Context;
  readonly opts: Data & {
    key: string;
    maxAge?: number | 'session' | undefined;
    genid: Genid;
    encode(record: object): string;
    externalKey?: { set(ctx: Context, key: string): void };
  };
  store: Store | undefined;
  session: TheirSession | false | undefined;
  externalKey: string | undefined;
  prevHash: number | undefined;
  initFromExternal(): Promise<void>;
  emit(event: string, data: { key?: string }): void;
  commit(options?: { save?: boolean; regenerate?: boolean }): Promise<void>;
  _shouldSaveSession(): string;
  save(changed: boolean): Promise<void>;
  remove(): Promise<void>;
}

type Use = (id: DifferenceId) => void;
type Fix = (theirs: TheirContextSession, use: Use, handler: Handler) => void;

/**
 * Turns one request's koa-session into what this package does where the two differ on purpose.
 * Each fix is one entry of `differences.ts`, and touches as little as it can: together they are the
 * proof that nothing else differs.
 */
export function applyFixes(
  theirs: TheirContextSession,
  handler: Handler,
  used: (id: string) => void,
): void {
  for (const fix of FIXES) fix(theirs, used, handler);
}

/** What the fixes need to know of the handler behind the session. */
export interface Handler {
  failed: boolean;
}

/** `save()` counts: what it wrote is what the end of the request compares with. */
const noSecondWrite: Fix = (theirs, use) => {
  let written: string | undefined;
  const { _shouldSaveSession: decide, initFromExternal, save, remove } = theirs;
  theirs.initFromExternal = async () => {
    written = undefined;
    await initFromExternal.call(theirs);
  };
  theirs.save = async (changed) => {
    await save.call(theirs, changed);
    (theirs.session as Data)._requireSave = false;
    written = dataOf(theirs);
  };
  theirs.remove = async () => {
    await remove.call(theirs);
    written = undefined;
  };
  theirs._shouldSaveSession = () => {
    const reason = decide.call(theirs);
    if (written === undefined) return reason;
    const fixed = dataOf(theirs) === written ? '' : 'changed';
    if (fixed !== reason) use('no-second-write');
    return fixed;
  };
};

/** What is removed is gone: it is removed once, and nothing is compared with it afterwards. */
const removedOnce: Fix = (theirs, use) => {
  const { remove } = theirs;
  let removed = false;
  let regenerating = false;
  const { commit, initFromExternal } = theirs;
  theirs.initFromExternal = async () => {
    removed = false;
    await initFromExternal.call(theirs);
  };
  theirs.commit = async (options = {}) => {
    regenerating = options.regenerate === true && Boolean(theirs.session);
    await commit.call(theirs, options);
    regenerating = false;
    if (theirs.session) removed = false;
  };
  theirs.remove = async () => {
    if (regenerating) return remove.call(theirs);
    if (removed) return use('removed-once');
    removed = true;
    await remove.call(theirs);
    theirs.prevHash = undefined;
  };
};

/** `maxAge: 'session'` holds beyond the first save of a request. */
const sessionMaxAgeHolds: Fix = (theirs, use) => {
  const { save } = theirs;
  theirs.save = async (changed) => {
    const isSession = theirs.opts.maxAge === 'session';
    await save.call(theirs, changed).finally(() => {
      if (!isSession) return;
      theirs.opts.maxAge = 'session';
      use('session-max-age-holds');
    });
  };
};

/**
 * The new record is written, then the old one destroyed. The new id is made with the record, after
 * `beforeSave`, and the session knows it at once.
 */
const regenerateSafely: Fix = (theirs, use) => {
  const { commit, remove, save } = theirs;
  let regenerating = false;
  let putOff: { store: Store | undefined; id: string | undefined; genid: Genid } | undefined;
  theirs.remove = async () => {
    if (!regenerating) return remove.call(theirs);
    putOff = { store: theirs.store, id: theirs.externalKey, genid: theirs.opts.genid };
    theirs.opts.genid = () => '';
  };
  theirs.save = async (changed) => {
    if (putOff === undefined) return save.call(theirs, changed);
    const { store, id, genid } = putOff;
    const { encode } = theirs.opts;
    putOff = undefined;
    theirs.opts.genid = genid;
    use('regenerate-writes-first');
    if (store === undefined) {
      theirs.opts.encode = (record) => {
        const text = encode(record);
        // Without a store it is done at once, and what it throws the new cookie throws as well.
        remove.call(theirs).catch(() => undefined);
        return text;
      };
      await save.call(theirs, changed).finally(() => {
        theirs.opts.encode = encode;
      });
      return;
    }
    const next = genid(theirs.ctx);
    theirs.externalKey = next;
    theirs.store = {
      ...bound(store),
      async set(...args) {
        await store.set(...args);
        theirs.externalKey = id;
        await remove.call(theirs).finally(() => {
          theirs.externalKey = next;
        });
      },
    };
    await save.call(theirs, changed).finally(() => {
      theirs.store = store;
    });
  };
  theirs.commit = async (options = {}) => {
    regenerating = options.regenerate === true;
    try {
      await commit.call(theirs, options);
    } finally {
      regenerating = false;
    }
    if (!options.regenerate || !theirs.session) return;
    const { session, externalKey } = theirs;
    if (session.externalKey === externalKey) return;
    use('regenerate-shows-new-id');
    Object.defineProperty(session, 'externalKey', { value: externalKey, configurable: true });
  };
};

/** A record that is expired, or that `valid` refuses, is destroyed. */
const deadRecordsDestroyed: Fix = (theirs, use) => {
  const { initFromExternal, emit } = theirs;
  let dead: string | undefined;
  theirs.emit = (event, data) => {
    if (event !== 'missed') dead = data.key;
    emit.call(theirs, event, data);
  };
  theirs.initFromExternal = async () => {
    await initFromExternal.call(theirs);
    if (dead === undefined) return;
    use('dead-records-destroyed');
    await theirs.store?.destroy(dead, { ctx: theirs.ctx });
  };
};

/** A commit that fails after the handler failed does not hide the handler's error. */
const handlerErrorSurvives: Fix = (theirs, use, handler) => {
  const { commit } = theirs;
  theirs.commit = async (options) => {
    try {
      await commit.call(theirs, options);
    } catch (error) {
      if (!handler.failed) throw error;
      use('handler-error-survives');
    }
  };
};

/** What Koa drops of the session's cookie with all other headers, the answer brings all the same. */
const cookieSurvivesErrors: Fix = (theirs, use) => {
  const { ctx, opts } = theirs;
  const { onerror } = ctx;
  const set = (): string[] => [(ctx.res.getHeader('set-cookie') ?? []) as string[]].flat();
  ctx.onerror = function (error) {
    const dropped = set();
    const { writeHead } = ctx.res;
    ctx.res.writeHead = function (this: typeof ctx.res, status: number) {
      const isOwn = (cookie: string): boolean => cookie.startsWith(`${opts.key}=`);
      if (dropped.some(isOwn) && !set().some(isOwn)) {
        use('cookie-survives-errors');
        const isSignature = (cookie: string): boolean => cookie.startsWith(`${opts.key}.sig=`);
        const own = dropped.filter((cookie) => isOwn(cookie) || isSignature(cookie));
        ctx.res.setHeader('set-cookie', [...set(), ...own]);
      }
      return writeHead.call(this, status);
    } as typeof writeHead;
    onerror.call(this, error);
  };
};

/** With an external key, its carrier is told of a removal, and no cookie is deleted. */
const carrierTold: Fix = (theirs, use) => {
  const { externalKey } = theirs.opts;
  if (externalKey === undefined || theirs.store === undefined) return;
  const { remove } = theirs;
  const { cookies } = theirs.ctx;
  theirs.remove = async () => {
    const set = cookies.set;
    cookies.set = () => cookies;
    await remove.call(theirs);
    cookies.set = set;
    use('carrier-told-of-removal');
    if (theirs.session === false) externalKey.set(theirs.ctx, '');
  };
};

/** A signature renewed with a newer key keeps the attributes of the session's cookie. */
const renewedSignatureKeepsAttributes: Fix = (theirs, use) => {
  const { cookies } = theirs.ctx;
  const { set } = cookies;
  const { key } = theirs.opts;
  cookies.set = function (name, value, options) {
    if (name !== `${key}.sig` || value === null) return set.call(this, name, value, options);
    const { maxAge, ...attributes } = theirs.opts;
    if (attributes.secure && !theirs.ctx.secure) return cookies;
    use('renewed-signature-keeps-attributes');
    return set.call(this, name, value, {
      ...(attributes as object),
      ...(typeof maxAge === 'number' ? { maxAge } : {}),
      signed: false,
    });
  };
};

// The first is the innermost.
const FIXES: readonly Fix[] = [
  renewedSignatureKeepsAttributes,
  sessionMaxAgeHolds,
  noSecondWrite,
  carrierTold,
  regenerateSafely,
  removedOnce,
  deadRecordsDestroyed,
  handlerErrorSurvives,
  cookieSurvivesErrors,
];

function bound(store: Store): Store {
  return {
    get: (...args) => store.get(...args),
    set: (...args) => store.set(...args),
    destroy: (...args) => store.destroy(...args),
  };
}

function dataOf(theirs: TheirContextSession): string {
  return JSON.stringify((theirs.session as TheirSession).toJSON());
}
