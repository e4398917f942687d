// Every line below compiles, except where the comment above it says that it must not.
import { Controller, Injectable, RequestMethod } from '@nestjs/common';
import { FileInterceptor, KoaAdapter } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  SessionModule,
  type SessionConfiguration,
  type SessionOptionsFactory,
  type SessionRecord,
  type SessionStore,
} from '../../../src/index.js';

@Injectable()
class InjectedStore implements SessionStore {
  constructor(readonly dependency: Secrets) {}
  get(): SessionRecord | undefined {
    return undefined;
  }
  set(): void {}
  destroy(): void {}
}

class Secrets {
  readonly key = 'secret';
}

class NotAStore {
  get(): undefined {
    return undefined;
  }
}

@Injectable()
class Ids {
  genid(): string {
    return 'id';
  }
}

class Settings implements SessionOptionsFactory {
  createSessionOptions(): SessionConfiguration {
    return { keys: ['k'], store: InjectedStore };
  }
}

@Controller()
class SomeController {}

SessionModule.forRoot();
SessionModule.forRoot({ keys: ['k', Buffer.from('k')], maxAge: 'session', store: null });
SessionModule.forRoot({ name: 'admin', key: 'admin', forRoutes: [SomeController, 'a'] });
SessionModule.forRoot({ exclude: ['a', { path: 'b', method: RequestMethod.GET }] });
SessionModule.forRoot({ store: new MemoryStore() });
SessionModule.forRoot({ store: InjectedStore, genid: Ids });
SessionModule.forRoot({ store: () => new MemoryStore(), genid: () => 'id' });
SessionModule.forRoot({ store: { useExisting: InjectedStore }, genid: new Ids() });
SessionModule.forRoot({
  store: { inject: [Secrets], useFactory: (secrets: Secrets) => new InjectedStore(secrets) },
});
SessionModule.forRoot({
  exceptionFactory: ({ rule }, context) => new Error(`${rule} ${context.getType()}`),
});
SessionModule.forRootAsync({ useClass: Settings, isGlobal: true });
SessionModule.forRootAsync({ useExisting: Settings, store: InjectedStore });
SessionModule.forRootAsync({
  inject: [Secrets],
  useFactory: async ({ key }: Secrets) => ({ keys: [await Promise.resolve(key)] }),
});

// @ts-expect-error a duration in words
SessionModule.forRoot({ maxAge: '1 day' });
// @ts-expect-error one key that is no list
SessionModule.forRoot({ keys: 'secret' });
// @ts-expect-error an unknown option
SessionModule.forRoot({ secret: 'k' });
// @ts-expect-error an unknown way to load
SessionModule.forRoot({ load: 'later' });
// @ts-expect-error a class that is no store
SessionModule.forRoot({ store: NotAStore });
// @ts-expect-error an instance that is no store
SessionModule.forRoot({ store: new NotAStore() });
// @ts-expect-error a hook that is none
SessionModule.forRoot({ genid: 'id' });
// @ts-expect-error a controller is not excluded as a whole
SessionModule.forRoot({ exclude: [SomeController] });
// @ts-expect-error a class that makes no options
SessionModule.forRootAsync({ useClass: Secrets });
// @ts-expect-error a factory that makes wrong options
SessionModule.forRootAsync({ useFactory: () => ({ maxAge: '1 day' }) });

// What a configuration may leave unset may be handed on as it is: `undefined` is the default.
declare const text: string | undefined;
declare const flag: boolean | undefined;
declare const number: number | undefined;
SessionModule.forRoot({
  name: text,
  isGlobal: flag,
  forRoutes: undefined,
  exclude: undefined,
  exceptionFactory: undefined,
  requestContext: flag,
  imports: undefined,
  extraProviders: undefined,
});
SessionModule.forRootAsync({ useFactory: () => ({}), inject: undefined, name: text });
new KoaAdapter({ proxy: flag, proxyIpHeader: text, caseSensitive: flag, maxIpsCount: number });
FileInterceptor('file', { dest: text, limits: { fileSize: number }, preservePath: flag });
