import { Module } from '@nestjs/common';
import type { DynamicModule, Provider } from '@nestjs/common';
import { MULTER_MODULE_OPTIONS } from './options.js';
import type { MulterModuleAsyncOptions, MulterOptions, MulterOptionsFactory } from './options.js';

/**
 * Gives the upload interceptors of a module their options.
 *
 * @publicApi
 */
@Module({})
export class MulterModule {
  /** Options that are known now. */
  static register(options: MulterOptions = {}): DynamicModule {
    return moduleOf([{ provide: MULTER_MODULE_OPTIONS, useValue: options }]);
  }

  /** Options that Nest makes at start-up. */
  static registerAsync(options: MulterModuleAsyncOptions): DynamicModule {
    const { useFactory, useClass, useExisting, inject = [], imports = [] } = options;
    if (useFactory !== undefined) {
      const provider = { provide: MULTER_MODULE_OPTIONS, useFactory, inject } as Provider;
      return { ...moduleOf([provider]), imports };
    }
    const factory = useExisting ?? useClass;
    const providers: Provider[] = [
      {
        provide: MULTER_MODULE_OPTIONS,
        useFactory: (made: MulterOptionsFactory) => made.createMulterOptions(),
        inject: [factory as NonNullable<typeof factory>],
      },
    ];
    if (useExisting === undefined && useClass !== undefined) providers.push(useClass);
    return { ...moduleOf(providers), imports };
  }
}

function moduleOf(providers: Provider[]): DynamicModule {
  return { module: MulterModule, providers, exports: [MULTER_MODULE_OPTIONS] };
}
