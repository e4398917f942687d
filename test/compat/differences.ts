/** One thing that koa-session 7.0.2 does and this package deliberately does otherwise. */
export interface Difference {
  /** Its name, in tests and in the documentation. */
  id: string;
  koaSession: string;
  here: string;
  why: string;
}

function difference<Id extends string>(
  id: Id,
  texts: { koaSession: string; here: string; why: string },
): Difference & { id: Id } {
  return { id, ...texts };
}

/**
 * Every permitted difference; there is no other list. Each is shown by at least one scenario that
 * runs both engines (`table.spec.ts`), and `docs/differences-from-koa-session.md` says the same.
 */
export const DIFFERENCES = [
  // What is written
  difference('exact-change-detection', {
    koaSession: 'compares CRC-32 checksums, so two different states may count as equal',
    here: 'compares the data itself',
    why: 'A user who chooses a value can make one with the checksum of another; that change is lost without a word.',
  }),
  difference('no-second-write', {
    koaSession:
      'writes again at the end of a request that called `save()`, and misses a change back to what was loaded',
    here: 'compares with what `save()` wrote',
    why: 'The second write is waste, and a store that saw `save()` must see what comes after it.',
  }),
  difference('removed-once', {
    koaSession:
      'destroys twice when a removed session is committed by hand, and then compares a new session with the removed one',
    here: 'destroys once, and a session that follows is new',
    why: 'What was removed is gone: an equal session that follows has to be written.',
  }),
  difference('session-max-age-holds', {
    koaSession: "turns `maxAge: 'session'` into one day at the second save of a request",
    here: "keeps `'session'`",
    why: 'How long a session lives must not depend on how often it is saved.',
  }),
  difference('unusable-max-age-refused', {
    koaSession:
      'writes a record that never ends when a handler sets `session.maxAge` to something that is no lifetime, then fails the request',
    here: 'drops the value and emits `session:refused`',
    why: 'The name may come from a client (`session[field] = value`), and must not end in a 500 or in a record that nothing removes.',
  }),
  // Ids and stores
  difference('regenerate-writes-first', {
    koaSession:
      'destroys the old record, makes the new id, calls `beforeSave`, writes the new record',
    here: 'calls `beforeSave`, makes the new id, writes the new record, then destroys the old one',
    why: 'When the store fails half-way, a session is left; and `beforeSave` may decide that the id changes.',
  }),
  difference('regenerate-shows-new-id', {
    koaSession: '`session.externalKey` is the old id until the next request',
    here: 'it is the new id at once',
    why: 'An application that hands the id on would hand on one that is over.',
  }),
  difference('dead-records-destroyed', {
    koaSession: 'leaves a record in the store that is expired or that `valid` refused',
    here: 'destroys it',
    why: 'It can never be used again, and every request with its id would load it.',
  }),
  difference('carrier-told-of-removal', {
    koaSession:
      'with `externalKey`, deletes a cookie that was never set, and does not tell the carrier',
    here: 'calls `externalKey.remove(ctx)`, or `externalKey.set(ctx, "")` where there is none, and sends no cookie',
    why: 'Only the carrier can make the client forget its id.',
  }),
  difference('ids-made-when-needed', {
    koaSession: 'makes a UUID for every request without a session',
    here: 'makes one when something is written or `externalKey` is read; an own `genid` is called as in koa-session',
    why: 'Most requests without a session never get one.',
  }),
  difference('empty-ids-refused', {
    koaSession: 'puts the data into the cookie when `genid` gives an empty id, or none',
    here: 'answers with a `SessionOptionsError` that names `genid`, and writes nothing',
    why: 'Data that was to stay on the server would go to the client, where it can be read.',
  }),
  difference('malformed-ids-refused', {
    koaSession: 'asks the store for whatever a cookie holds, of any length',
    here: 'asks only for what can be an id, and emits `session:refused` otherwise',
    why: 'An unsigned cookie is chosen by the client; a key of 8 KB, or one with control characters, should not reach a backend.',
  }),
  difference('store-powers', {
    koaSession: 'knows `get`, `set` and `destroy`',
    here: "uses `create`, `read`, `update` and `touch` of a store that has them; a store with koa-session's three methods gets koa-session's calls. A renewed id leaves a pointer to the new one, which ends by itself within a minute or with its grace time",
    why: 'Parallel requests lose no write, and a late one cannot bring a session back after its logout.',
  }),
  difference('store-failure-is-told', {
    koaSession:
      'answers 500 to every request with an id while the store fails, also to those that never look at the session',
    here: 'runs the handler; reading the session, or writing it, is a `StoreError`: 503 with `Retry-After` and no cookie',
    why: 'An outage must neither take down pages without a session nor look like a logout.',
  }),
  difference('store-timeout', {
    koaSession: 'waits for a store without end',
    here: 'waits for the time of `storeTimeout`, 10 seconds by default; 0 waits without end',
    why: 'One store that hangs would hold every request with a session.',
  }),
  // Hooks
  difference('async-hooks', {
    koaSession:
      'takes the promise of an `async` hook for its answer: `valid` always passes, and all users share the id "[object Promise]"',
    here: 'awaits `valid`, `beforeSave`, `genid`, `encode`, `externalKey.get` and `externalKey.set`, and `decode` where loading can wait',
    why: 'Hooks ask databases.',
  }),
  // Data
  difference('reserved-keys', {
    koaSession:
      'lets data replace members of the session (`save`, `toJSON`, `maxAge`, ...) and its prototype (`__proto__`)',
    here: 'drops such keys and emits `session:refused`; every other name is data',
    why: 'A key that a client chooses could end in a 500 for each of its requests, or steer the engine.',
  }),
  difference('record-fields-stay-inside', {
    koaSession:
      'makes every field of a record that begins with `_` a property of the session, and believes `_maxAge` whatever it is',
    here: 'takes `_expire`, `_maxAge` and `_session` of the right type, and shows none of them as data',
    why: "A record's own fields are the engine's; `_requireSave` in a cookie made it write at each request.",
  }),
  difference('own-keys-only', {
    koaSession: 'copies inherited properties too when an object is assigned to `ctx.session`',
    here: "copies the object's own properties",
    why: 'What somebody put on a prototype is not session data.',
  }),
  difference('members-not-enumerable', {
    koaSession:
      '`isNew`, `_expire` and `_requireSave` are own, enumerable properties of the session',
    here: 'they are accessors of its class',
    why: 'Copying or listing a session gives its data and nothing else.',
  }),
  // Cookies
  difference('cookie-too-large', {
    koaSession: 'sends a cookie of any size',
    here: 'fails with ERR_SESSION_COOKIE_TOO_LARGE above 4,096 bytes, and emits `session:failed`',
    why: 'Browsers drop a larger cookie without a word, and the user is logged out.',
  }),
  difference('duplicate-cookies-tried', {
    koaSession: 'looks at the first cookie of the name only',
    here: 'looks for the one that is signed, among the first four',
    why: 'A cookie planted by a sibling domain would lock its users out.',
  }),
  difference('renewed-signature-keeps-attributes', {
    koaSession:
      'sends a signature renewed with a newer key without `expires`, `domain`, `samesite` and `path`',
    here: "sends it with the attributes of the session's cookie",
    why: 'The signature would end with the browser, and the session with it.',
  }),
  difference('attributes-by-name', {
    koaSession:
      'passes every option on as a cookie attribute, so that an option `name` renames the cookie',
    here: 'passes on the attributes that cookies have',
    why: 'An option of another library, or of a later version, must not rewrite the cookie.',
  }),
  difference('cache-headers', {
    koaSession: 'says nothing to caches',
    here: 'sends `Vary: Cookie` when the session was read and `Cache-Control: no-store` when its cookie is set, unless the application has set its own; `cacheHeaders: false` switches this off',
    why: "A shared cache that keeps an answer with a session's cookie hands that session to strangers.",
  }),
  // Errors and the end of the request
  difference('handler-error-survives', {
    koaSession: "hides a handler's error behind the error of the commit that follows",
    here: "answers with the handler's error, and emits `session:failed` for the other",
    why: 'A 403 must not become a 500.',
  }),
  difference('cookie-survives-errors', {
    koaSession:
      'writes what the handler held when it failed, and leaves it to Koa, which drops all headers',
    here: "Koa's answer to the error brings the session's cookie",
    why: 'A change that was written is lost to the client, a logout too, and with a new id the whole session.',
  }),
  difference('too-late-for-a-cookie', {
    koaSession:
      'fails with ERR_HTTP_HEADERS_SENT when the headers have left before the session changed',
    here: 'writes to the store what can be written, and emits `session:failed` where the client is left without a cookie that it needs',
    why: 'The answer is on its way; an error can change nothing about it.',
  }),
  difference('cookie-goes-with-the-headers', {
    koaSession: 'loses the cookie when a handler sends its own headers, as for server-sent events',
    here: 'sets the cookie at the moment the headers leave',
    why: 'What the handler wrote to the session by then would be lost.',
  }),
  // Options
  difference('null-is-not-set', {
    koaSession: 'refuses `null`, which its README shows',
    here: '`null` means "not set"',
    why: 'Configuration often comes with nulls.',
  }),
  difference('undefined-is-not-set', {
    koaSession:
      'takes an explicit `undefined` for a value: a cookie called "undefined", a 500 for `encode`',
    here: '`undefined` means "not set"',
    why: '`{ key: process.env.SESSION_NAME }` must not rename the cookie to "undefined".',
  }),
  difference('options-not-written', {
    koaSession: "writes its defaults into the caller's object, and cannot take a frozen one",
    here: 'leaves the object alone',
    why: 'Two applications that share an object shared ids and defaults.',
  }),
  difference('typed-option-errors', {
    koaSession: 'throws a ZodError or an AssertionError',
    here: 'throws a SessionOptionsError with a code, the name of the option and the fix',
    why: 'Programs read the code, people the fix.',
  }),
  difference('unusable-options-found-at-start', {
    koaSession:
      'starts with options that fail every request, or that make browsers drop the cookie',
    here: 'does not start',
    why: 'A mistake shows when it is made.',
  }),
  difference('second-session', {
    koaSession:
      'ignores the options of a second `session()` on one application, apart from `autoCommit`',
    here: 'another `key` gives a second session, under `ctx.sessions[key]`; the same `key` with other options is an error',
    why: 'The second configuration was lost without a word.',
  }),
  difference('nothing-secret-in-debug-output', {
    koaSession: 'prints ids, cookies and session data under NODE_DEBUG=koa-session*',
    here: 'prints nothing',
    why: 'Logs are kept where secrets must not be.',
  }),
] as const satisfies readonly Difference[];

export type DifferenceId = (typeof DIFFERENCES)[number]['id'];
