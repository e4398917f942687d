import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { SESSION_SERVICE } from './session.constants.js';

/**
 * Whether some provider, controller, guard, middleware, ... of the application injects `token` or one of its
 * named variants.
 *
 * @internal
 */
export function isInjectedAnywhere(token: Type<unknown>, modules: ModulesContainer): boolean {
  for (const module of modules.values()) {
    const { providers, controllers, injectables, middlewares } = module;
    for (const collection of [providers, controllers, injectables, middlewares]) {
      for (const wrapper of collection.values()) {
        const { inject, metatype } = wrapper as { inject?: unknown; metatype?: unknown };
        // The token's own provider, which may stand for another one.
        if (wrapper.token === token) continue;
        if (dependenciesOf(inject, metatype).some((each) => stands(each, token))) return true;
      }
    }
  }
  return false;
}

function dependenciesOf(inject: unknown, metatype: unknown): unknown[] {
  if (Array.isArray(inject)) return inject.map(tokenOf);
  if (typeof metatype !== 'function') return [];
  const byType: unknown = Reflect.getMetadata('design:paramtypes', metatype);
  const byToken: unknown = Reflect.getMetadata('self:paramtypes', metatype);
  const byProperty: unknown = Reflect.getMetadata('self:properties_metadata', metatype);
  return [
    ...(Array.isArray(byType) ? byType : []),
    ...entries(byToken).map(({ param }) => tokenOf(param)),
    ...entries(byProperty).map(({ type }) => tokenOf(type)),
  ];
}

function entries(metadata: unknown): Record<string, unknown>[] {
  return Array.isArray(metadata) ? (metadata as Record<string, unknown>[]) : [];
}

/** Optional dependencies of factories, and forward references, wrap the token. */
function tokenOf(dependency: unknown): unknown {
  if (typeof dependency !== 'object' || dependency === null) return dependency;
  if ('token' in dependency) return dependency.token;
  if ('forwardRef' in dependency && typeof dependency.forwardRef === 'function') {
    return dependency.forwardRef() as unknown;
  }
  return dependency;
}

function stands(dependency: unknown, token: Type<unknown>): boolean {
  if (dependency === token) return true;
  return typeof dependency === 'string' && dependency.startsWith(SESSION_SERVICE);
}
