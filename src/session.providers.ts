import { type Provider, Scope } from '@nestjs/common';
import { ModuleRef, ModulesContainer, REQUEST } from '@nestjs/core';
import {
  SessionOptionsError,
  SessionStateError,
  type SessionOptions,
} from '../lib/session/index.js';
import { typeName } from '../lib/errors.js';
import { ConfiguredSession } from './configured-session.js';
import type {
  ProvidedSessionOptions,
  SessionConfiguration,
  SessionModuleExtras,
  SessionOptionsFactory,
} from './interfaces/session-module-options.interface.js';
import { PROVIDED_NAMES, resolveValue, toProvider } from './provision.js';
import {
  getConfigurationToken,
  getConfiguredSessionToken,
  getHookToken,
  getSessionOptionsToken,
  getSessionServiceToken,
  getSessionStoreToken,
  getSessionToken,
} from './session.constants.js';
import { contextIn, sessionIn } from './session.context.js';
import { SessionRegistry } from './session.registry.js';
import { SessionService } from './session.service.js';

/** What stands in a module's options beside those of the engine. */
const MODULE_ONLY: ReadonlySet<string> = new Set([
  'name',
  'isGlobal',
  'forRoutes',
  'exclude',
  'exceptionFactory',
  'requestContext',
  'imports',
  'extraProviders',
  'useFactory',
  'useClass',
  'useExisting',
  'inject',
]);

/**
 * The providers of one session, given the provider of its configuration.
 *
 * @param extras how the session fits into the application.
 * @param written the stores and hooks that the application wrote down in the module's import, and
 * not in what a factory returns.
 * @internal
 */
export function sessionProviders(
  extras: SessionModuleExtras,
  written: ProvidedSessionOptions,
): Provider[] {
  const { name } = extras;
  const configuration = getConfigurationToken(name);
  const service = getSessionServiceToken(name);
  return [
    ...PROVIDED_NAMES.map((option): Provider => {
      const token = option === 'store' ? getSessionStoreToken(name) : getHookToken(option, name);
      if (written[option] != null) return toProvider(option, token, written[option]);
      return {
        provide: token,
        inject: [configuration, ModuleRef],
        useFactory: (options: SessionConfiguration, moduleRef: ModuleRef) =>
          resolveValue(option, options[option], moduleRef),
      };
    }),
    {
      provide: getSessionOptionsToken(name),
      inject: [configuration],
      useFactory: engineOptions,
    },
    {
      provide: getConfiguredSessionToken(name),
      inject: [SessionRegistry, getSessionOptionsToken(name), ModuleRef, ModulesContainer],
      useFactory: (
        registry: SessionRegistry,
        options: ConfiguredSession['options'],
        moduleRef: ModuleRef,
        modules: ModulesContainer,
      ) => {
        const session = new ConfiguredSession(extras, options, moduleRef, modules);
        registry.add(session);
        return session;
      },
    },
    {
      provide: service,
      inject: [SessionRegistry, getConfiguredSessionToken(name)],
      useFactory: (registry: SessionRegistry, session: ConfiguredSession) =>
        new SessionService(registry, session),
    },
    ...(name === undefined ? [{ provide: SessionService, useExisting: service }] : []),
    {
      provide: getSessionToken(name),
      scope: Scope.REQUEST,
      inject: [REQUEST],
      useFactory: (request: unknown) => currentSession(request, name),
    },
  ];
}

/** What other modules may inject. @internal */
export function sessionExports({ name }: SessionModuleExtras) {
  return [
    getSessionStoreToken(name),
    getSessionOptionsToken(name),
    getSessionServiceToken(name),
    getSessionToken(name),
    ...(name === undefined ? [SessionService] : []),
  ];
}

/** The provider of a configuration that is there from the start. @internal */
export function writtenConfiguration(
  name: string | undefined,
  options: SessionConfiguration,
): Provider {
  return { provide: getConfigurationToken(name), useFactory: () => checked(options) };
}

/** The provider of a configuration that a factory class makes. @internal */
export function madeConfiguration(
  name: string | undefined,
  make: (factory: SessionOptionsFactory) => unknown,
  inject: [SessionOptionsFactoryToken],
): Provider {
  return {
    provide: getConfigurationToken(name),
    inject,
    useFactory: async (factory: SessionOptionsFactory) => checkedResult(await make(factory)),
  };
}

type SessionOptionsFactoryToken = NonNullable<
  Extract<Provider, { inject?: unknown }>['inject']
>[number];

/** @throws SessionOptionsError when a factory returned no options. @internal */
export function checked(options: unknown): SessionConfiguration {
  if (typeof options === 'object' && options !== null) return options as SessionConfiguration;
  throw new SessionOptionsError(
    'options',
    `SessionModule needs an object of options, received ${typeName(options)}; return {} for the defaults`,
  );
}

/**
 * What a factory returned: nothing that Nest has to know before it calls the factory.
 *
 * @throws SessionOptionsError
 * @internal
 */
export function checkedResult(options: unknown): SessionConfiguration {
  const configuration = checked(options);
  for (const option of Object.keys(configuration)) {
    if (!MODULE_ONLY.has(option)) continue;
    throw new SessionOptionsError(
      option,
      `"${option}" must stand beside the factory, not in what it returns: forRootAsync({ ${option}: ..., useFactory })`,
    );
  }
  return configuration;
}

function engineOptions(options: SessionConfiguration): SessionOptions {
  const provided: readonly string[] = PROVIDED_NAMES;
  const engine: SessionOptions = Object.fromEntries(
    Object.entries(options).filter(
      ([option]) => !MODULE_ONLY.has(option) && !provided.includes(option),
    ),
  );
  // Who calls back in a Nest application was written for Express: Passport, above all.
  engine.callbackStyle ??= 'express-session';
  return engine;
}

function currentSession(request: unknown, name: string | undefined): unknown {
  const ctx = contextIn(request);
  if (ctx !== undefined) return sessionIn(ctx, name);
  throw new SessionStateError(
    'ERR_SESSION_NOT_INSTALLED',
    `@InjectSession() works where REQUEST is a request of a Koa adapter or a GraphQL context of one, received ${typeName(request)}`,
  );
}
