import type { SessionOptions } from './options.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Options for a new application that takes security seriously, to be spread before its own:
 *
 * | option | value | requirement |
 * | --- | --- | --- |
 * | `key` | `'__Host-sid'` | ASVS 3.3.1, 3.3.3: the cookie is this host's alone; a name that tells nothing |
 * | `secure` | `true` | ASVS 3.3.1; NIST 800-63B 5.1.1: never over plain HTTP |
 * | `httpOnly` | `true` | ASVS 3.3.4: no script reads it |
 * | `sameSite` | `'lax'` | ASVS 3.3.2: not sent along with other sites' posts |
 * | `maxAge` | `'session'` | OWASP: the cookie ends with the browser, |
 * | `idleTimeout` | 30 minutes | ASVS 7.3.1: and the server ends what is not used |
 * | `absoluteMaxAge` | 12 hours | ASVS 7.3.2: or is too old |
 * | `idBytes` | 32 | ASVS 7.2.3, 11.5.1: ids of 256 random bits |
 * | `rotateOn` | `userId`, `user`, `roles`, `passport` | ASVS 7.2.4: a new id at each login |
 * | `verifyRecords` | `true` | CVE-2022-39263: no record of another session, whatever a store answers |
 * | `cacheHeaders` | `true` | ASVS 14.3.2: nothing of it in a cache |
 *
 * What it cannot know is left to the application: a sealed cookie needs a secret
 * (`codec: sealed({ keys })`), ending sessions by owner needs a store and `owner`.
 *
 * @example
 * ```ts
 * app.use(session({ ...strict(), codec: sealed({ keys: [secret] }) }, app));
 * ```
 * @publicApi
 */
export function strict(): SessionOptions {
  return {
    key: '__Host-sid',
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'lax',
    maxAge: 'session',
    idleTimeout: 30 * MINUTE,
    absoluteMaxAge: 12 * HOUR,
    idBytes: 32,
    rotateOn: ['userId', 'user', 'roles', 'passport'],
    verifyRecords: true,
    cacheHeaders: true,
  };
}
