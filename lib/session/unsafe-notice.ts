import type { ResolvedSessionOptions } from './options.js';

/**
 * What a configuration leaves open, each as one sentence that names the option and the remedy.
 *
 * @internal
 */
export function openRisks(options: ResolvedSessionOptions): string[] {
  const { store, ContextStore, codec, signed, externalKey } = options;
  const hasStore = store !== undefined || ContextStore !== undefined;
  const risks: [boolean, string][] = [
    [
      !hasStore && !codec?.authenticates && signed,
      'the cookie holds the session as readable text: set "codec" to sealed({ keys }), or a "store"',
    ],
    [
      !codec?.authenticates && !signed && externalKey === undefined,
      hasStore
        ? 'the id cookie is not signed ("signed" is false)'
        : 'anybody can write the session cookie, since "signed" is false: set "codec" to sealed({ keys })',
    ],
    [
      externalKey === undefined && options.secure !== true,
      'the cookie may go over plain HTTP: set "secure" to true',
    ],
    [
      externalKey === undefined && options.sameSite === undefined,
      'other sites can send requests with the cookie: set "sameSite" to "lax" or "strict"',
    ],
    [!options.httpOnly, 'scripts can read the cookie: leave "httpOnly" on'],
    [
      options.absoluteMaxAge === undefined,
      'a session that is used never ends: set "absoluteMaxAge"',
    ],
    [
      options.rotateOn === undefined && options.owner === undefined,
      'an id planted before a login stays good after it: set "rotateOn" to the keys that say who the user is, or call session.login()',
    ],
  ];
  return risks.filter(([applies]) => applies).map(([, risk]) => risk);
}

/**
 * Tells a developer once, when the application starts, what its sessions leave open. Only with
 * `NODE_ENV=development`, so that a drop-in replacement prints nothing that koa-session did not.
 *
 * @internal
 */
export function noticeRisks(options: ResolvedSessionOptions): void {
  const environment = process.env.NODE_ENV;
  if (!options.notice || environment !== 'development') return;
  const risks = openRisks(options);
  if (risks.length === 0) return;
  process.emitWarning(
    `session "${options.key}":\n${risks.map((risk) => `  - ${risk}`).join('\n')}\nstrict() sets all that it can; the option notice: false silences this`,
    { type: 'SessionNotice', code: 'SESSION_NOTICE' },
  );
}
