import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import type { StoreError } from '../errors.js';
import type { Found } from './backing/backing.js';
import { CookieBacking } from './backing/cookie-backing.js';
import type { Draft } from './backing/draft.js';
import { KnownRecord } from './backing/known-record.js';
import type { Members } from './backing/members.js';
import { isDataKey, type RecordFields } from './backing/record.js';
import { Snapshot } from './backing/snapshot.js';
import { StoreBacking } from './backing/store-backing.js';
import { emitFor } from './events.js';
import type { CarrierHost } from './http/carrier.js';
import type { ResolvedSessionOptions } from './options.js';
import { type Marks, marksOf, NO_MARKS } from './rules/marks.js';
import { isMaxAge } from './rules/max-age.js';
import type { SaveState } from './save-plan.js';
import { RESERVED_KEYS, Session, type SessionHost, type SessionSettings } from './session.js';
import type { SessionRecord } from './store.js';

const CSRF_BYTES = 16;

/** Reserved names that are dropped without a word: a session's own, and one of those with `_`. */
const QUIET_KEYS: ReadonlySet<string> = new Set(['isNew', 'maxAge', '__proto__']);

/** Who has the session's state, and is told of what happens to it. @internal */
export interface StateHost extends SessionHost {
  /** There is a session that the headers of the answer must not leave without. */
  watchHeaders(): void;
}

/**
 * What one request knows of its session: its options, where it is kept, what is stored of it, the
 * object that handlers edit, and what they asked of it.
 *
 * All parts of the engine read it. It is changed by its methods, each of them one thing that
 * happens to a session, and by what a handler sets through the session ({@link SessionSettings}).
 *
 * @internal
 */
export class SessionState implements SessionSettings, SaveState, CarrierHost {
  readonly ctx: Context;
  /** The options of this request: shared until someone changes them for this request alone. */
  options: ResolvedSessionOptions;
  readonly backing: CookieBacking | StoreBacking;
  /** The object that handlers edit. `undefined`: nobody asked yet. `null`: removed. */
  session: Session | null | undefined;
  maxAge: number | 'session' | undefined;
  expire: number | undefined;
  requireSave = false;
  requireTouch = false;
  stored: Snapshot | undefined;
  marks: Marks = NO_MARKS;
  newMarks: Marks = NO_MARKS;
  /** The load has ended, with a record or without. */
  loaded = false;
  /** Why it could not be loaded, where the request must not go on without it. */
  failure: StoreError | undefined;
  /** The request goes on without its session: nothing more is written. */
  detached = false;
  written = false;
  /** Its end is written down. */
  removed = false;
  /** A record that is loaded and valid, until somebody asks for the session. */
  #found: Found | undefined;
  /** What `maxAge` was before any record told its own. */
  #initialMaxAge: number | 'session' | undefined;
  #optionsAreOwn = false;
  readonly #host: StateHost;

  constructor(ctx: Context, options: ResolvedSessionOptions, host: StateHost) {
    this.ctx = ctx;
    this.options = options;
    this.maxAge = this.#initialMaxAge = options.maxAge;
    this.#host = host;
    const store = options.ContextStore ? new options.ContextStore(ctx) : options.store;
    this.backing = store === undefined ? new CookieBacking(this) : new StoreBacking(this, store);
  }

  /** `ctx.sessionOptions`: a copy that a handler may change for this request. */
  get ownOptions(): ResolvedSessionOptions {
    if (!this.#optionsAreOwn) {
      this.options = Object.defineProperty({ ...this.options }, 'maxAge', {
        configurable: true,
        enumerable: true,
        get: () => this.maxAge,
        set: (value: number | 'session' | undefined) => {
          this.maxAge = this.#initialMaxAge = value;
        },
      });
      this.#optionsAreOwn = true;
    }
    return this.options;
  }

  get externalKey(): string | undefined {
    return this.backing.id;
  }

  get storeKey(): string | undefined {
    return this.backing.storeKey;
  }

  get owesId(): boolean {
    return this.backing.owesId;
  }

  /** Whether a record is loaded that nobody has asked for yet. */
  get isFound(): boolean {
    return this.#found !== undefined;
  }

  /** Whether the session was used, or is to be, before it is read: with `load: 'lazy'`. */
  get isUnread(): boolean {
    return !this.loaded && this.options.load === 'lazy';
  }

  /** A load begins: what was done to the session before it is dropped, as in koa-session. */
  beforeLoad(): void {
    if (this.options.load === 'lazy') return;
    this.session = undefined;
    this.requireSave = false;
    this.written = false;
    this.removed = false;
    this.stored = undefined;
    this.expire = undefined;
  }

  /** The load has ended: with a record that is good, or with none. */
  settle(found: Found | undefined): void {
    this.loaded = true;
    // A hook may have asked for the session while it was being loaded, and have got an empty one.
    if (this.options.load !== 'lazy') this.session = undefined;
    if (found === undefined) return;
    const record = found.record as SessionRecord;
    this.#found = found;
    this.#restoreFields(record);
    this.marks = marksOf(record);
    this.backing.adopt();
  }

  /** The load has failed. `undefined`: the request goes on without its session. */
  settleWithout(failure: StoreError | undefined): void {
    if (failure === undefined) this.detach();
    else this.failure = failure;
    this.loaded = true;
  }

  /** The session is to be loaded once more: what the request knew and did is forgotten. */
  forget(): void {
    this.session = undefined;
    this.#found = undefined;
    this.loaded = false;
    this.requireSave = false;
    this.requireTouch = false;
    this.maxAge = this.#initialMaxAge;
    this.stored = undefined;
  }

  /** The session object, made of what was loaded when it is first needed. */
  materialise(): Session {
    const found = this.#found;
    const session = new Session(this.#host, found === undefined);
    this.#found = undefined;
    if (found instanceof KnownRecord) {
      found.fill(session);
      this.stored = found.data;
    } else if (found !== undefined) {
      this.stored = Snapshot.of(this.#fill(session, found.record as SessionRecord));
    }
    this.session = session;
    return session;
  }

  /** `ctx.session = value`. */
  assign(value: unknown): void {
    // What is replaced counts as loaded, read or not: the commit compares with it.
    if (this.session === undefined && this.isFound) this.materialise();
    if (value === null) {
      this.session = null;
      this.requireSave = false;
    } else if (typeof value === 'object') {
      this.requireSave = false;
      this.claimId();
      this.expire = undefined;
      const session = new Session(this.#host, false);
      this.#restoreFields(value as SessionRecord);
      if (Object.hasOwn(value, 'maxAge')) session.maxAge = (value as { maxAge?: number }).maxAge;
      this.#fill(session, value as SessionRecord);
      this.session = session;
    } else {
      throw new Error('this.session can only be set as null or an object.');
    }
    this.removed = false;
  }

  /** koa-session asks `genid` as soon as there is a session, and applications see that. */
  claimId(): void {
    if (this.options.genid !== undefined) void this.backing.id;
  }

  /** @returns the data that the session got. */
  #fill(session: Session, record: SessionRecord): Members {
    const names = Object.keys(record);
    const values = new Array<unknown>(names.length);
    let count = 0;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      if (isDataKey(name)) {
        const value = record[name];
        (session as unknown as Record<string, unknown>)[name] = value;
        names[count] = name;
        values[count++] = value;
      } else if (RESERVED_KEYS.has(name) && !QUIET_KEYS.has(name)) {
        this.refuse('reserved-key');
      }
    }
    return { names, values, count };
  }

  #restoreFields({ _maxAge, _session, _expire }: SessionRecord & RecordFields): void {
    if (typeof _maxAge === 'number' && isMaxAge(_maxAge)) this.maxAge = _maxAge;
    if (_session !== undefined) this.maxAge = 'session';
    if (typeof _expire === 'number') this.expire = _expire;
  }

  refuse(reason: 'reserved-key'): void {
    emitFor(this, 'session:refused', { reason });
  }

  csrfBinding(make: boolean): string | undefined {
    const binding = this.newMarks._csrf ?? this.marks._csrf;
    if (binding !== undefined || !make) return binding;
    const made = randomBytes(CSRF_BYTES).toString('base64url');
    this.newMarks = { ...this.newMarks, _csrf: made };
    this.requireSave = true;
    return made;
  }

  /** What `draft` holds is stored. */
  wrote(draft: Draft): void {
    this.stored = draft.data;
    this.removed = false;
    this.requireSave = false;
    this.requireTouch = false;
    this.written = true;
    this.marks = draft.marks;
    this.newMarks = NO_MARKS;
    this.expire = draft.lifetime.fields._expire;
  }

  /** The session is about to be removed; nobody needs to do it again. */
  ending(): void {
    this.removed = true;
  }

  /** Nothing is stored of the session any more. */
  ended(): void {
    this.stored = undefined;
    this.marks = NO_MARKS;
    this.newMarks = NO_MARKS;
  }

  /** A session begins that has nothing of the one before. */
  restart(): void {
    this.newMarks = NO_MARKS;
    this.written = false;
    this.requireSave = false;
    this.requireTouch = false;
    this.expire = undefined;
    this.maxAge = this.#initialMaxAge;
    this.session = new Session(this.#host, true);
    this.#host.watchHeaders();
  }

  /** The request goes on without its session. */
  detach(): void {
    this.detached = true;
  }
}
