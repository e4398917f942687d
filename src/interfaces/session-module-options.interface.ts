import type {
  FactoryProvider,
  InjectionToken,
  ModuleMetadata,
  Provider,
  Type,
} from '@nestjs/common';
import type {
  ExternalKey,
  SessionCodec,
  SessionOptions,
  SessionStore,
} from '../../lib/session/index.js';
import type {
  ProvidedHook,
  ProvidedObject,
  SessionIdGenerator,
  SessionSaveHook,
  SessionValidator,
} from './provided.interface.js';
import type { SessionExceptionFactory } from './session-requirement.interface.js';

type Hook<Name extends 'valid' | 'beforeSave' | 'genid'> = NonNullable<SessionOptions[Name]>;

/**
 * The options that Nest can provide: each as a value, as a class with dependencies of its own, or
 * as a custom provider.
 *
 * @publicApi
 */
export interface ProvidedSessionOptions {
  /**
   * Where records live. A request-scoped class is created once a request and may inject `REQUEST`.
   * Default: not set; then the cookie holds the session itself.
   */
  store?: ProvidedObject<SessionStore> | null | undefined;
  /** Whether a loaded record may be used. Default: not set; then always. */
  valid?: ProvidedHook<Hook<'valid'>, SessionValidator> | null | undefined;
  /** Called before a session is written. Default: not set. */
  beforeSave?: ProvidedHook<Hook<'beforeSave'>, SessionSaveHook> | null | undefined;
  /** Makes an id. Default: a random UUID (version 4). */
  genid?: ProvidedHook<Hook<'genid'>, SessionIdGenerator> | null | undefined;
  /** Carries the id by other means than a cookie. Default: not set. */
  externalKey?: ProvidedObject<ExternalKey> | null | undefined;
  /** Turns a record into the cookie's value and back. Default: base64 of JSON. */
  codec?: ProvidedObject<SessionCodec> | null | undefined;
}

/** The names of {@link ProvidedSessionOptions}. @publicApi */
export type ProvidedOptionName = keyof ProvidedSessionOptions;

/**
 * The options of one session: koa-session's, this package's, and those that Nest provides.
 *
 * @publicApi
 */
export interface SessionConfiguration
  extends Omit<SessionOptions, ProvidedOptionName>, ProvidedSessionOptions {}

/**
 * Routes in Nest's own syntax: a path (and all below it), a path with a method, or a controller.
 *
 * @publicApi
 */
export type SessionRoute = string | { path: string; method: number } | Type<unknown>;

/**
 * How a session fits into the application.
 *
 * @publicApi
 */
export interface SessionModuleExtras {
  /**
   * Tells several sessions of one application apart: `@Session({ name: 'admin' })`. A named session
   * needs a `key` of its own. Default: not set; this is the application's default session.
   */
  name?: string | undefined;
  /** Make store, options and services injectable in every module. Default: `false`. */
  isGlobal?: boolean | undefined;
  /**
   * Only requests to these routes have the session. The paths are written without global prefix
   * and version. Default: every request.
   */
  forRoutes?: readonly SessionRoute[] | undefined;
  /** Requests to these routes don't have the session; a path is matched as a whole. Default: none. */
  exclude?: readonly Exclude<SessionRoute, Type<unknown>>[] | undefined;
  /** Makes the guard's errors. Default: 401 and 403 that name the rule. */
  exceptionFactory?: SessionExceptionFactory | undefined;
  /**
   * Whether `SessionService` finds the current request (through AsyncLocalStorage). Default:
   * `'auto'`: when some provider or controller injects the service.
   */
  requestContext?: 'auto' | boolean | undefined;
}

/** What {@link SessionModule.forRoot} takes. @publicApi */
export interface SessionModuleOptions extends SessionConfiguration, SessionModuleExtras {
  /** Modules whose providers a store's or a hook's class injects. */
  imports?: ModuleMetadata['imports'] | undefined;
  /** Providers that a store's or a hook's class injects. */
  extraProviders?: Provider[] | undefined;
}

/** A class that makes a session's options; for `useClass` and `useExisting`. @publicApi */
export interface SessionOptionsFactory {
  /** Makes the options, once, when the application starts. */
  createSessionOptions(): SessionConfiguration | Promise<SessionConfiguration>;
}

/**
 * What {@link SessionModule.forRootAsync} takes. A store or hook may stand beside the factory, or
 * be part of what the factory returns; beside it, Nest knows its scope and its lifecycle hooks.
 *
 * @publicApi
 */
export interface SessionModuleAsyncOptions extends ProvidedSessionOptions, SessionModuleExtras {
  imports?: ModuleMetadata['imports'] | undefined;
  /** Makes the options from the providers in `inject`. */
  useFactory?:
    | ((...dependencies: never[]) => SessionConfiguration | Promise<SessionConfiguration>)
    | undefined;
  inject?: NonNullable<FactoryProvider['inject']> | undefined;
  /** A class that Nest creates to make the options. */
  useClass?: Type<SessionOptionsFactory> | undefined;
  /** A provider that makes the options. */
  useExisting?: InjectionToken<SessionOptionsFactory> | undefined;
  /** Providers that the factory, a store's or a hook's class injects. */
  extraProviders?: Provider[] | undefined;
}
