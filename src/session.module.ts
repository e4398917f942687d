import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { SessionOptionsError } from '../lib/session/index.js';
import type {
  SessionModuleAsyncOptions,
  SessionModuleOptions,
} from './interfaces/session-module-options.interface.js';
import { getConfigurationToken } from './session.constants.js';
import { SessionCoreModule } from './session-core.module.js';
import {
  checked,
  checkedResult,
  madeConfiguration,
  sessionExports,
  sessionProviders,
  writtenConfiguration,
} from './session.providers.js';

/**
 * Gives a Nest application on Koa sessions: registers the engine as the first middleware, and
 * takes its store and hooks from dependency injection.
 *
 * Import it once for each session of the application, in the root module. `@Session()` and
 * `SessionGuard` then work in every module.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     SessionModule.forRoot({ keys: [process.env.SESSION_KEY], store: RedisStore }),
 *     SessionModule.forRoot({ name: 'admin', key: 'admin.sess', maxAge: 600_000 }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 * @publicApi
 */
@Module({})
export class SessionModule {
  /**
   * Sessions with options that are known when the module is loaded.
   *
   * @throws SessionOptionsError at start-up, naming the option and the fix; AdapterError when the
   * application does not run on Koa.
   */
  static forRoot(options: SessionModuleOptions = {}): DynamicModule {
    const { name, imports = [], extraProviders = [] } = checked(options) as SessionModuleOptions;
    return moduleOf(options, imports, [
      ...extraProviders,
      writtenConfiguration(name, options),
      ...sessionProviders(options, options),
    ]);
  }

  /**
   * Sessions with options that other providers make, for instance secrets from a `ConfigService`.
   *
   * @example
   * ```ts
   * SessionModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ keys: [config.getOrThrow('SESSION_KEY')] }),
   *   store: RedisStore,
   * })
   * ```
   * @throws as {@link forRoot} does.
   */
  static forRootAsync(options: SessionModuleAsyncOptions): DynamicModule {
    const { imports = [], extraProviders = [] } = options;
    return moduleOf(options, imports, [
      ...extraProviders,
      ...configurationProviders(options),
      ...sessionProviders(options, options),
    ]);
  }
}

function moduleOf(
  options: SessionModuleOptions | SessionModuleAsyncOptions,
  imports: NonNullable<DynamicModule['imports']>,
  providers: Provider[],
): DynamicModule {
  return {
    module: SessionModule,
    global: options.isGlobal ?? false,
    imports: [SessionCoreModule, ...imports],
    providers,
    exports: sessionExports(options),
  };
}

function configurationProviders(options: SessionModuleAsyncOptions): Provider[] {
  const { name, useFactory, useClass, useExisting, inject = [] } = options;
  if (useFactory !== undefined) {
    const make = useFactory as (...dependencies: unknown[]) => unknown;
    return [
      {
        provide: getConfigurationToken(name),
        inject,
        useFactory: async (...dependencies: unknown[]) =>
          checkedResult(await make(...dependencies)),
      },
    ];
  }
  const factory = useExisting ?? useClass;
  if (factory === undefined) {
    throw new SessionOptionsError(
      'useFactory',
      'SessionModule.forRootAsync() needs one of "useFactory", "useClass" and "useExisting"',
    );
  }
  return [
    ...(useClass !== undefined && useExisting === undefined ? [useClass] : []),
    madeConfiguration(name, (made) => made.createSessionOptions(), [factory]),
  ];
}
