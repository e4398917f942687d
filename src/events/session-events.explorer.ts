import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type Koa from 'koa';
import { SessionOptionsError, type SessionEventName } from '../../lib/session/index.js';
import { SESSION_EVENTS } from '../decorators/on-session-event.decorator.js';
import { SessionRegistry } from '../session.registry.js';

/** What is used of `@nestjs/event-emitter`, which need not be installed. */
interface Emitter {
  emit(event: string, payload: unknown): unknown;
}

const EVENTS: readonly SessionEventName[] = [
  'session:missed',
  'session:invalid',
  'session:expired',
  'session:created',
  'session:saved',
  'session:regenerated',
  'session:destroyed',
  'session:refused',
  'session:merged',
  'session:failed',
];

/**
 * Connects the engine's events, which the Koa application emits, with the methods that are marked
 * with `@OnSessionEvent()`, and with `@nestjs/event-emitter` where the application uses that.
 *
 * @internal
 */
@Injectable()
export class SessionEventsExplorer implements OnApplicationBootstrap {
  readonly #registry: SessionRegistry;
  readonly #modules: ModulesContainer;
  readonly #scanner = new MetadataScanner();
  readonly #logger = new Logger('SessionModule');

  constructor(
    @Inject(SessionRegistry) registry: SessionRegistry,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#registry = registry;
    this.#modules = modules;
  }

  onApplicationBootstrap(): void {
    const { koa } = this.#registry;
    if (koa === undefined) return;
    const seen = new Set<unknown>();
    for (const { providers, controllers } of this.#modules.values()) {
      for (const wrapper of [...providers.values(), ...controllers.values()]) {
        const instance: unknown = wrapper.instance;
        if (typeof instance !== 'object' || instance === null || seen.has(instance)) continue;
        seen.add(instance);
        if (isEmitter(wrapper.token, instance)) this.#bridge(koa, instance);
        else this.#listen(koa, instance, wrapper.isDependencyTreeStatic());
      }
    }
  }

  #listen(koa: Koa, instance: object, isStatic: boolean): void {
    const prototype = Object.getPrototypeOf(instance) as Record<string, unknown> | null;
    if (prototype === null || prototype === Object.prototype) return;
    for (const name of this.#scanner.getAllMethodNames(prototype)) {
      const method = prototype[name] as (this: object, payload: unknown) => unknown;
      const events = Reflect.getMetadata(SESSION_EVENTS, method) as string[] | undefined;
      for (const event of events ?? []) {
        if (!isStatic) throw notStatic(instance, name);
        this.#on(koa, `session:${event}`, (payload) => method.call(instance, payload));
      }
    }
  }

  #bridge(koa: Koa, emitter: Emitter): void {
    for (const event of EVENTS) this.#on(koa, event, (payload) => emitter.emit(event, payload));
  }

  /** The engine emits from the event loop: what a listener throws would end the process. */
  #on(koa: Koa, event: string, listener: (payload: unknown) => unknown): void {
    koa.on(event, async (payload: unknown) => {
      try {
        await listener(payload);
      } catch (error) {
        this.#logger.error(`a listener of ${event} failed`, (error as Error | undefined)?.stack);
      }
    });
  }
}

/** The package's emitter, known by what only EventEmitter2 has: importing it would require it. */
function isEmitter(token: unknown, instance: object): instance is Emitter {
  const { emit, emitAsync, onAny } = instance as Record<string, unknown>;
  const methods = [emit, emitAsync, onAny];
  return token === instance.constructor && methods.every((each) => typeof each === 'function');
}

function notStatic(instance: object, method: string): SessionOptionsError {
  return new SessionOptionsError(
    '@OnSessionEvent',
    `${instance.constructor.name}.${method} listens to session events, but the class is request-scoped: events need a singleton`,
  );
}
