import { SessionOptionsError, typeName } from '../errors.js';
import { hashId } from './crypto/id.js';
import { checkCookiePolicy } from './http/cookie-policy.js';
import type { ResolvedSessionOptions } from './options.js';
import { isOwnedStore, isSessionStore, isVersionedStore } from './store.js';

type Rule = (value: unknown) => string | undefined;

const boolean: Rule = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const string: Rule = (value) => (typeof value === 'string' ? undefined : 'a string');
const func: Rule = (value) => (typeof value === 'function' ? undefined : 'a function');
const milliseconds: Rule = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? undefined
    : 'a number of milliseconds, 0 or more';
const aboveZero: Rule = (value) =>
  milliseconds(value) === undefined && value !== 0 ? undefined : 'a number of milliseconds above 0';
const count: Rule = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'a whole number above 0';
const oneOf =
  (...values: string[]): Rule =>
  (value) =>
    values.includes(value as string)
      ? undefined
      : values.map((allowed) => JSON.stringify(allowed)).join(' or ');

const RULES: Readonly<Record<string, Rule>> = {
  key: (value) => (typeof value === 'string' && value !== '' ? undefined : 'a non-empty string'),
  maxAge: (value) =>
    value === 'session' || (typeof value === 'number' && Number.isFinite(value))
      ? undefined
      : 'a finite number of milliseconds or "session"',
  autoCommit: boolean,
  overwrite: boolean,
  httpOnly: boolean,
  signed: boolean,
  rolling: boolean,
  renew: boolean,
  secure: boolean,
  partitioned: boolean,
  cacheHeaders: boolean,
  verifyRecords: boolean,
  notice: boolean,
  sameSite: (value) =>
    typeof value === 'string' && /^(?:lax|none|strict)$/i.test(value)
      ? undefined
      : '"strict", "lax" or "none"',
  priority: (value) =>
    typeof value === 'string' && /^(?:low|medium|high)$/i.test(value)
      ? undefined
      : '"low", "medium" or "high"',
  domain: string,
  path: string,
  prefix: string,
  expires: (value) =>
    value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : 'a valid Date',
  encode: func,
  decode: func,
  genid: func,
  valid: func,
  beforeSave: func,
  load: oneOf('eager', 'lazy'),
  storeTimeout: milliseconds,
  regenerateGrace: milliseconds,
  callbackStyle: oneOf('koa-session', 'express-session'),
  idleTimeout: aboveZero,
  absoluteMaxAge: aboveZero,
  renewEvery: aboveZero,
  rotateOn: (value) =>
    Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '')
      ? undefined
      : 'a list of data keys',
  owner: func,
  binding: func,
  maxSessionsPerOwner: count,
  onSessionLimit: oneOf('end-oldest', 'refuse-new'),
  device: (value) =>
    typeof value === 'boolean' || typeof value === 'function'
      ? undefined
      : 'true, false or a function',
  idBytes: (value) =>
    Number.isSafeInteger(value) && (value as number) >= 16 && (value as number) <= 256
      ? undefined
      : 'a whole number of bytes from 16 to 256',
  hashIds: (value) => {
    const key = (value as { key?: unknown }).key;
    return (typeof key === 'string' || Buffer.isBuffer(key)) && Buffer.byteLength(key) >= 32
      ? undefined
      : '{ key } with a string or Buffer of at least 32 bytes';
  },
  clearSiteData: (value) =>
    typeof value === 'boolean' ||
    (Array.isArray(value) &&
      value.every((name) => typeof name === 'string' && /^(?:\*|[a-zA-Z]+)$/.test(name)))
      ? undefined
      : 'true, false or a list such as ["cookies", "storage"]',
  maxMergeAttempts: count,
  onStoreError: (value) =>
    typeof value === 'function' ? undefined : oneOf('fail', 'anonymous')(value),
  keys: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((key) => (typeof key === 'string' || Buffer.isBuffer(key)) && key.length > 0)
      ? undefined
      : 'a list of at least one non-empty string or Buffer, newest first',
};

/**
 * Checks options when the application starts, so that none of them can fail a request later.
 * Unknown options pass, as in koa-session.
 *
 * @throws SessionOptionsError naming the option, the type received and the fix.
 * @internal
 */
export function checkOptions(options: ResolvedSessionOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    const expected = rule?.(value);
    if (expected !== undefined) throw wrongType(name, expected, value);
  }
  checkCookiePolicy(options);
  checkStore(options);
  checkPowers(options);
  checkObject('externalKey', options.externalKey, ['get', 'set']);
  checkObject('codec', options.codec, ['encode', 'decode']);
}

function checkStore({ store, ContextStore }: ResolvedSessionOptions): void {
  if (store !== undefined && !isSessionStore(store)) {
    throw new SessionOptionsError(
      'store',
      `"store" must be an object with the methods get, set and destroy: ${missing(store)}`,
      'ERR_SESSION_STORE_INVALID',
    );
  }
  if (ContextStore === undefined) return;
  const prototype: unknown =
    typeof ContextStore === 'function' ? ContextStore.prototype : undefined;
  if (!isSessionStore(prototype)) {
    throw new SessionOptionsError(
      'ContextStore',
      typeof ContextStore === 'function' && prototype !== undefined
        ? `"ContextStore" must be a class with the methods get, set and destroy: ${missing(prototype)}`
        : `"ContextStore" must be a class, received ${typeName(ContextStore)}; an instance goes into "store"`,
      'ERR_SESSION_STORE_INVALID',
    );
  }
}

/** Options that need what a plain store cannot do. A `ContextStore` is looked at when it is made. */
function checkPowers(options: ResolvedSessionOptions): void {
  const { store, ContextStore } = options;
  if (ContextStore !== undefined) return;
  for (const name of ['renewEvery', 'regenerateGrace'] as const) {
    if (options[name] && !isVersionedStore(store)) {
      throw needsPower(name, 'can compare and set (read and update)');
    }
  }
  for (const name of ['owner', 'maxSessionsPerOwner'] as const) {
    if (options[name] !== undefined && !isOwnedStore(store)) {
      throw needsPower(name, 'finds sessions by owner (listByOwner and destroyByOwner)');
    }
  }
  if (options.hashIds !== undefined) {
    if (store === undefined) throw needsPower('hashIds', 'keeps records under ids');
    hashId(options.hashIds.key);
  }
}

function needsPower(name: string, power: string): SessionOptionsError {
  return new SessionOptionsError(
    name,
    `"${name}" needs a store that ${power}: set "store" to one, such as MemoryStore or RedisStore`,
  );
}

function checkObject(name: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined) return;
  if (typeof value !== 'object')
    throw wrongType(name, `an object with ${methods.join(' and ')}`, value);
  for (const method of methods) {
    const found = (value as Record<string, unknown>)[method];
    if (typeof found !== 'function') throw wrongType(`${name}.${method}`, 'a function', found);
  }
}

function missing(store: unknown): string {
  if (typeof store !== 'object' || store === null) return `received ${typeName(store)}`;
  const names = ['get', 'set', 'destroy'].filter(
    (name) => typeof (store as Record<string, unknown>)[name] !== 'function',
  );
  return `${typeName(store)} has no ${names.join(', ')}`;
}

function wrongType(name: string, expected: string, value: unknown): SessionOptionsError {
  return new SessionOptionsError(
    name,
    `"${name}" must be ${expected}, received ${typeName(value)}; leave it out for the default`,
  );
}
