/**
 * The injection token of the default session's store. Use {@link getSessionStoreToken} for a named
 * session's.
 *
 * @example
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(SESSION_STORE)
 *   .useValue(new MemorySessionStore());
 * ```
 * @publicApi
 */
export const SESSION_STORE = 'nestjs-koa-session:store';

/**
 * The injection token of the default session's options, as the engine gets them. They are complete
 * (store and hooks included) from `onModuleInit` on, and followed live by the engine.
 *
 * @publicApi
 */
export const SESSION_OPTIONS = 'nestjs-koa-session:options';

/** The injection token of the current request's default session; request-scoped. @publicApi */
export const SESSION = 'nestjs-koa-session:session';

/** The injection token of a session's store. @param name the session's `name`. @publicApi */
export function getSessionStoreToken(name?: string): string {
  return named(SESSION_STORE, name);
}

/** The injection token of a session's options. @param name the session's `name`. @publicApi */
export function getSessionOptionsToken(name?: string): string {
  return named(SESSION_OPTIONS, name);
}

/** The injection token of the current request's session. @param name its `name`. @publicApi */
export function getSessionToken(name?: string): string {
  return named(SESSION, name);
}

/** @internal */
export const SESSION_SERVICE = 'nestjs-koa-session:service';

/** The injection token of a session's `SessionService`. @param name its `name`. @publicApi */
export function getSessionServiceToken(name?: string): string {
  return named(SESSION_SERVICE, name);
}

/** What the module was configured with, before hooks and store are resolved. @internal */
export function getConfigurationToken(name?: string): string {
  return named('nestjs-koa-session:configuration', name);
}

/** One of a session's hooks, as Nest provides it. @internal */
export function getHookToken(hook: string, name?: string): string {
  return named(`nestjs-koa-session:hook:${hook}`, name);
}

/** A session of this application, from its providers to the engine. @internal */
export function getConfiguredSessionToken(name?: string): string {
  return named('nestjs-koa-session:configured', name);
}

function named(token: string, name: string | undefined): string {
  return name === undefined ? token : `${token}:${name}`;
}
