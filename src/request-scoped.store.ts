import type { InjectionToken } from '@nestjs/common';
import { ContextIdFactory, type ModuleRef, type ModulesContainer } from '@nestjs/core';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/router/request/request-constants.js';
import type { Context } from 'koa';
import {
  SessionStateError,
  type SessionStore,
  type StoreCallOptions,
} from '../lib/session/index.js';

type Call = (...parameters: unknown[]) => unknown;
type Calls = Readonly<Record<string, Call>>;

const REQUIRED = ['get', 'set', 'destroy'];

/**
 * What a store may be able to do beyond that, of what the engine does within a request. Lists by
 * owner, `clear` and `prune` belong to no request, so there is no instance to ask.
 */
const POWERS = ['create', 'read', 'update', 'touch'];

/**
 * What the engine holds in place of a request-scoped store: each call goes to the store that Nest
 * makes for the call's request, once a request, in the same injection context as the request's
 * controllers.
 *
 * What the store can do is asked of its class, before there is an instance. A factory does not
 * tell: what it makes is taken for a store with koa-session's three methods.
 *
 * @internal
 */
export function requestScopedStore(
  token: InjectionToken,
  moduleRef: ModuleRef,
  modules: ModulesContainer,
): SessionStore {
  const stores = new RequestStores(token, moduleRef);
  const prototype = classOf(token, modules)?.prototype as Record<string, unknown> | undefined;
  const powers = POWERS.filter((power) => typeof prototype?.[power] === 'function');
  const calls = [...REQUIRED, ...powers].map((name): [string, Call] => [
    name,
    async (...parameters) => {
      const store = await stores.of(parameters.at(-1) as StoreCallOptions);
      return store[name]?.(...parameters);
    },
  ]);
  return Object.fromEntries(calls) as unknown as SessionStore;
}

/** The class behind a token, also where another provider stands for it. */
function classOf(
  token: unknown,
  modules: ModulesContainer,
): { readonly prototype: unknown } | undefined {
  for (const { providers } of modules.values()) {
    const provider = providers.get(token as InjectionToken);
    if (provider === undefined) continue;
    if (provider.isAlias) return classOf(provider.inject?.[0], modules);
    if (!provider.isFactory) return provider.metatype as { readonly prototype: unknown };
  }
  return undefined;
}

class RequestStores {
  readonly #token: InjectionToken;
  readonly #moduleRef: ModuleRef;
  readonly #stores = new WeakMap<Context, Promise<Calls>>();

  constructor(token: InjectionToken, moduleRef: ModuleRef) {
    this.#token = token;
    this.#moduleRef = moduleRef;
  }

  of({ ctx }: StoreCallOptions): Promise<Calls> {
    if (ctx === undefined) {
      throw new SessionStateError(
        'ERR_SESSION_UNSUPPORTED',
        'a request-scoped session store works within a request only: call it with { ctx }',
      );
    }
    let store = this.#stores.get(ctx);
    if (store === undefined) {
      store = this.#moduleRef.resolve<Calls>(this.#token, this.#contextIdOf(ctx.req), {
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
