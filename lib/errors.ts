/**
 * Every error code of the package. A code keeps its meaning for a whole major version.
 *
 * @publicApi
 */
export type SessionErrorCode =
  | 'ERR_SESSION_OPTION'
  | 'ERR_SESSION_KEYS_MISSING'
  | 'ERR_SESSION_STORE_INVALID'
  | 'ERR_SESSION_ALREADY_INSTALLED'
  | 'ERR_SESSION_NOT_INSTALLED'
  | 'ERR_SESSION_NOT_LOADED'
  | 'ERR_SESSION_ASYNC_HOOK'
  | 'ERR_SESSION_UNSUPPORTED'
  | 'ERR_SESSION_COOKIE_TOO_LARGE'
  | 'ERR_SESSION_GONE'
  | 'ERR_SESSION_CONFLICT'
  | 'ERR_SESSION_LIMIT'
  | 'ERR_STORE'
  | 'ERR_STORE_TIMEOUT'
  | 'ERR_STORE_CIRCUIT_OPEN'
  | 'ERR_PEER_MISSING'
  | 'ERR_ADAPTER';

/**
 * The base of every error this package throws, so that one `instanceof` (or one look at `code`)
 * tells them from an application's own errors.
 *
 * Messages name the option or the operation, what was received (its type, never its value) and
 * the fix. They hold no id, cookie value, key or session data.
 *
 * @example
 * ```ts
 * try {
 *   await ctx.session.save();
 * } catch (error) {
 *   if (error instanceof SessionError && error.code === 'ERR_STORE_TIMEOUT') retryLater();
 *   else throw error;
 * }
 * ```
 * @publicApi
 */
export class SessionError extends Error {
  /** What went wrong, for programs. */
  readonly code: SessionErrorCode;
  /** The HTTP status an answer gets when nobody catches the error. Default: 500. */
  status = 500;
  /** Whether the message may be shown to the client. Default: false. */
  expose = false;

  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }

  /** The same as {@link status}, under the name that Nest's exception filter reads. */
  get statusCode(): number {
    return this.status;
  }
}

/**
 * An option is missing, of the wrong type, or does not go together with another. Thrown at
 * start-up only, never while a request is served.
 *
 * @publicApi
 */
export class SessionOptionsError extends SessionError {
  /** The option's name as the caller writes it, for instance `externalKey.get`. */
  readonly option: string;

  constructor(
    option: string,
    message: string,
    code: Extract<
      SessionErrorCode,
      | 'ERR_SESSION_OPTION'
      | 'ERR_SESSION_KEYS_MISSING'
      | 'ERR_SESSION_STORE_INVALID'
      | 'ERR_SESSION_ALREADY_INSTALLED'
    > = 'ERR_SESSION_OPTION',
  ) {
    super(code, message);
    this.option = option;
  }
}

/**
 * The session was used in a way its present state does not allow: read before it was loaded,
 * asked for on an application that has none, or given an asynchronous hook where nothing awaits it.
 *
 * @publicApi
 */
export class SessionStateError extends SessionError {}

/**
 * The session could not be written with this response: its cookie is too large for browsers
 * (RFC 6265bis section 5.6: 4,096 bytes of name and value), or parallel requests kept changing it.
 *
 * @publicApi
 */
export class SessionCommitError extends SessionError {}

/**
 * In which way a store failed.
 *
 * - `unavailable`: the backend refused, reset or lost the connection. For a write that it may have
 *   taken before, `outcome` is `'unknown'`.
 * - `timeout`: no answer within the deadline. For a write, `outcome` is `'unknown'`.
 * - `rejected`: the backend answered with an error (out of memory, read-only, no permission).
 * - `circuit-open`: not asked at all, because it failed repeatedly a moment ago.
 *
 * @publicApi
 */
export type StoreErrorKind = 'unavailable' | 'timeout' | 'rejected' | 'circuit-open';

/**
 * The store's backend failed. A missing, expired or unreadable record is not an error.
 *
 * An answer made from it is a 503 with `Retry-After` and no `Set-Cookie`, so that an outage never
 * looks like a logout.
 *
 * @publicApi
 */
export class StoreError extends SessionError {
  /** In which way the store failed. */
  readonly kind: StoreErrorKind;
  /** `'unknown'` when a write may have been applied although no answer came. */
  readonly outcome: 'not-applied' | 'unknown';
  /** Headers that Koa sends with an answer made from this error. */
  headers: Record<string, string>;

  constructor(
    operation: string,
    options: {
      kind: StoreErrorKind;
      outcome?: 'not-applied' | 'unknown';
      cause?: unknown;
      message?: string;
      retryAfterSeconds?: number;
    },
  ) {
    const code: SessionErrorCode =
      options.kind === 'timeout'
        ? 'ERR_STORE_TIMEOUT'
        : options.kind === 'circuit-open'
          ? 'ERR_STORE_CIRCUIT_OPEN'
          : 'ERR_STORE';
    super(code, options.message ?? `the session store failed: ${operation} (${options.kind})`, {
      cause: options.cause,
    });
    hidePayload(options.cause);
    this.kind = options.kind;
    this.outcome = options.outcome ?? 'not-applied';
    this.status = 503;
    this.headers = { 'retry-after': String(options.retryAfterSeconds ?? 1) };
  }
}

/** What of a driver's error tells about the failure and nothing about the session. */
const TELLING = new Set([
  'code',
  'errno',
  'syscall',
  'address',
  'port',
  'severity',
  'name',
  'kind',
]);

/** Causes of causes that are looked at. */
const MAX_CAUSES = 8;

/**
 * Keeps the rest of a driver's error out of logs: drivers attach the command, and with it the id
 * and the session. It is still there for who asks for it by name, but nothing prints it.
 */
function hidePayload(error: unknown, depth = 0): void {
  if (!(error instanceof Error) || depth === MAX_CAUSES) return;
  for (const name of Object.keys(error)) {
    if (!TELLING.has(name)) Reflect.defineProperty(error, name, { enumerable: false });
  }
  hidePayload(error.cause, depth + 1);
}

/**
 * A feature needs a package that is not installed. The message names the package and the command
 * that installs it.
 *
 * @publicApi
 */
export class PeerMissingError extends SessionError {
  /** The package to install. */
  readonly peer: string;

  constructor(peer: string, feature: string, cause?: unknown) {
    super(
      'ERR_PEER_MISSING',
      `${feature} needs the package "${peer}", which is not installed: run \`npm install ${peer}\``,
      { cause },
    );
    this.peer = peer;
  }
}

/**
 * The Nest application and its HTTP adapter do not fit together, or a route or a setting of the
 * adapter is invalid. The message says what to pass instead.
 *
 * @publicApi
 */
export class AdapterError extends SessionError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_ADAPTER', message, options);
  }
}

/**
 * What a value is, for an error message: its type or its class, never the value itself.
 *
 * @internal
 */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number' && Number.isNaN(value)) return 'NaN';
  if (typeof value === 'function') return value.name ? `function ${value.name}` : 'a function';
  if (typeof value === 'object') {
    const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name === 'string' && name !== '' && name !== 'Object'
      ? `an instance of ${name}`
      : 'an object';
  }
  return typeof value;
}
