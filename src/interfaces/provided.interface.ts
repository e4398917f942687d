import type { FactoryProvider, InjectionToken, Type } from '@nestjs/common';
import type { Context } from 'koa';
import type { Session, SessionRecord } from '../../lib/session/index.js';

/**
 * How Nest is to provide a store or a hook: the shapes of Nest's own custom providers, without
 * the token.
 *
 * @publicApi
 */
export type Provision<T> =
  | { useValue: T }
  | { useClass: Type<T> }
  | { useExisting: InjectionToken }
  | {
      useFactory: (...dependencies: never[]) => T | Promise<T>;
      inject?: NonNullable<FactoryProvider['inject']> | undefined;
    };

/**
 * An object that is given as an instance, as a class that Nest creates with its dependencies, as a
 * function that makes it, or as a custom provider.
 *
 * @publicApi
 */
export type ProvidedObject<T> = T | Type<T> | (() => T | Promise<T>) | Provision<T>;

/**
 * A hook that is given as a function, as an object whose method of the hook's name is called, as
 * the class of such objects, or as a custom provider.
 *
 * @publicApi
 */
export type ProvidedHook<F, O> = F | O | Type<O> | Provision<F | O>;

/** The hook `valid` as a class. @publicApi */
export interface SessionValidator {
  /** Whether a loaded record may be used. */
  valid(ctx: Context, record: SessionRecord): unknown;
}

/** The hook `beforeSave` as a class. @publicApi */
export interface SessionSaveHook {
  /** Called before a session is written; what it changes is written too. */
  beforeSave(ctx: Context, session: Session): unknown;
}

/** The hook `genid` as a class. @publicApi */
export interface SessionIdGenerator {
  /** Makes the id of a new session. */
  genid(ctx: Context): string | PromiseLike<string>;
}
