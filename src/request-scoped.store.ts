import type { InjectionToken } from '@nestjs/common';
import { ContextIdFactory, type ModuleRef } from '@nestjs/core';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/router/request/request-constants.js';
import type { Context } from 'koa';
import {
  SessionStateError,
  type SessionRecord,
  type SessionStore,
  type StoreCallOptions,
  type StoreGetOptions,
  type StoreMaxAge,
  type StoreSetOptions,
} from '../lib/session/index.js';

/**
 * What the engine holds in place of a request-scoped store: each call goes to the store that Nest
 * makes for the call's request, once a request, in the same injection context as the request's
 * controllers.
 *
 * @internal
 */
export class RequestScopedStore implements SessionStore {
  readonly #moduleRef: ModuleRef;
  readonly #token: InjectionToken;
  readonly #stores = new WeakMap<Context, Promise<SessionStore>>();

  constructor(moduleRef: ModuleRef, token: InjectionToken) {
    this.#moduleRef = moduleRef;
    this.#token = token;
  }

  async get(
    key: string,
    maxAge: StoreMaxAge,
    options: StoreGetOptions,
  ): Promise<SessionRecord | null | undefined> {
    const store = await this.#of(options);
    return store.get(key, maxAge, options);
  }

  async set(
    key: string,
    record: SessionRecord,
    maxAge: StoreMaxAge,
    options: StoreSetOptions,
  ): Promise<unknown> {
    const store = await this.#of(options);
    return store.set(key, record, maxAge, options);
  }

  async destroy(key: string, options: StoreCallOptions): Promise<unknown> {
    const store = await this.#of(options);
    return store.destroy(key, options);
  }

  #of({ ctx }: StoreCallOptions): Promise<SessionStore> {
    if (ctx === undefined) {
      throw new SessionStateError(
        'ERR_SESSION_UNSUPPORTED',
        'a request-scoped session store works within a request only: call it with { ctx }',
      );
    }
    let store = this.#stores.get(ctx);
    if (store === undefined) {
      store = this.#moduleRef.resolve<SessionStore>(this.#token, this.#contextIdOf(ctx.req), {
        strict: false,
      });
      this.#stores.set(ctx, store);
    }
    return store;
  }

  /** The request's injection context, as Nest's router finds or makes it. */
  #contextIdOf(request: Context['req'] & { [REQUEST_CONTEXT_ID]?: unknown }): {
    readonly id: number;
  } {
    const contextId = ContextIdFactory.getByRequest(request);
    if (request[REQUEST_CONTEXT_ID] === undefined) {
      Object.defineProperty(request, REQUEST_CONTEXT_ID, { value: contextId });
      this.#moduleRef.registerRequestByContextId(
        Object.assign(request, (contextId as { payload?: object }).payload),
        contextId,
      );
    }
    return contextId;
  }
}
