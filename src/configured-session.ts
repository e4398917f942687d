import type { InjectionToken } from '@nestjs/common';
import { Scope } from '@nestjs/common';
import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import {
  DEFAULTS,
  SessionOptionsError,
  type SessionOptions,
  type SessionStore,
} from '../lib/session/index.js';
import type {
  ProvidedOptionName,
  SessionModuleExtras,
} from './interfaces/session-module-options.interface.js';
import { PROVIDED_NAMES, toEngineOption } from './provision.js';
import { requestScopedStore } from './request-scoped.store.js';
import { getHookToken, getSessionStoreToken } from './session.constants.js';

/**
 * One session of the application: its way from providers to the options that the engine takes.
 *
 * @internal
 */
export class ConfiguredSession {
  readonly name: string | undefined;
  readonly extras: SessionModuleExtras;
  /** What the engine follows: the plain options at first, complete after {@link complete}. */
  readonly options: SessionOptions;
  readonly #moduleRef: ModuleRef;
  readonly #modules: ModulesContainer;

  constructor(
    extras: SessionModuleExtras,
    options: SessionOptions,
    moduleRef: ModuleRef,
    modules: ModulesContainer,
  ) {
    this.name = extras.name;
    this.extras = extras;
    this.options = options;
    this.#moduleRef = moduleRef;
    this.#modules = modules;
  }

  /** The engine's name of this session: the cookie's. */
  get key(): string {
    return this.options.key ?? DEFAULTS.key;
  }

  get store(): SessionStore | undefined {
    return this.options.store ?? undefined;
  }

  /** Fills in what Nest provides; all providers exist by now. */
  async complete(): Promise<void> {
    for (const option of PROVIDED_NAMES) {
      const token =
        option === 'store' ? getSessionStoreToken(this.name) : getHookToken(option, this.name);
      const value = toEngineOption(option, await this.#take(option, token));
      Object.assign(this.options, { [option]: value });
    }
  }

  async #take(option: ProvidedOptionName, token: InjectionToken): Promise<unknown> {
    const { scope } = this.#moduleRef.introspect(token as string);
    if (scope === Scope.DEFAULT) return this.#moduleRef.get<unknown>(token, { strict: false });
    if (scope === Scope.TRANSIENT) return this.#moduleRef.resolve<unknown>(token);
    if (option === 'store') return requestScopedStore(token, this.#moduleRef, this.#modules);
    throw new SessionOptionsError(
      option,
      `"${option}" must not be request-scoped: it gets the Koa context as an argument`,
    );
  }
}
