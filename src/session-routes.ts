import { RequestMethod, type Type, VersioningType } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { MetadataScanner } from '@nestjs/core';
import type { Context } from 'koa';
import { match, type MatchFunction } from 'path-to-regexp';
import { SessionOptionsError, typeName } from '../lib/errors.js';
import type { SessionRoute } from './interfaces/session-module-options.interface.js';

interface Rule {
  method: string | undefined;
  matches: MatchFunction<object>;
}

/** Nest's own mark on modules that RouterModule puts below a path. */
const MODULE_PATH = '__module_path__';

/**
 * Which requests a session is for. Paths are Nest's: without global prefix and URI version, which
 * are taken into account here, case-insensitive, a slash at the end ignored.
 *
 * A doubtful request has the session: a prefix or version that the router would not accept only
 * leads to its 404.
 *
 * @internal
 */
export class SessionRoutes {
  readonly #included: readonly Rule[] | undefined;
  readonly #excluded: readonly Rule[];
  readonly #config: ApplicationConfig;
  readonly #modules: ModulesContainer;

  /** @throws SessionOptionsError when a route cannot be read. */
  constructor(
    routes: {
      forRoutes: readonly SessionRoute[] | undefined;
      exclude: readonly SessionRoute[] | undefined;
    },
    config: ApplicationConfig,
    modules: ModulesContainer,
  ) {
    this.#config = config;
    this.#modules = modules;
    this.#included = routes.forRoutes?.flatMap((route) => this.#rules('forRoutes', route));
    this.#excluded = (routes.exclude ?? []).flatMap((route) => this.#rules('exclude', route));
  }

  include({ method, path }: Context): boolean {
    const fits = (rule: Rule) => rulesMethod(rule, method) && rule.matches(path) !== false;
    return !this.#excluded.some(fits) && (this.#included?.some(fits) ?? true);
  }

  #rules(option: 'forRoutes' | 'exclude', route: SessionRoute): Rule[] {
    if (typeof route === 'string') return [this.#rule(option, route, -1, option === 'exclude')];
    if (typeof route === 'function') return this.#controllerRules(option, route);
    const { path, method } = Object(route) as { path?: unknown; method?: unknown };
    if (typeof path !== 'string' || typeof method !== 'number') {
      throw new SessionOptionsError(
        option,
        `"${option}" lists paths, { path, method } objects and controllers, received ${typeName(route)}`,
      );
    }
    return [this.#rule(option, path, method, true)];
  }

  #controllerRules(option: 'forRoutes' | 'exclude', controller: Type<unknown>): Rule[] {
    const paths: unknown = Reflect.getMetadata('path', controller);
    if (paths === undefined) {
      throw new SessionOptionsError(
        option,
        `"${option}" lists ${typeName(controller)}, which is no controller: is @Controller() missing?`,
      );
    }
    const prototype = controller.prototype as Record<string, object>;
    const handlers = new MetadataScanner()
      .getAllMethodNames(prototype)
      .map((name) => prototype[name] as object)
      .filter((handler) => Reflect.hasMetadata('path', handler));
    return this.#modulePaths(controller).flatMap((modulePath) =>
      [paths].flat().flatMap((base) =>
        handlers.flatMap((handler) =>
          [Reflect.getMetadata('path', handler) as unknown].flat().map((path) => {
            const method = Number(Reflect.getMetadata('method', handler));
            return this.#rule(option, [modulePath, base, path].join('/'), method, true);
          }),
        ),
      ),
    );
  }

  #modulePaths(controller: Type<unknown>): string[] {
    const paths = new Set<string>();
    for (const { controllers, metatype } of this.#modules.values()) {
      if (!controllers.has(controller)) continue;
      const own = Reflect.getMetadata(
        MODULE_PATH + this.#modules.applicationId,
        metatype,
      ) as unknown;
      paths.add(String(own ?? Reflect.getMetadata(MODULE_PATH, metatype) ?? ''));
    }
    return paths.size === 0 ? [''] : [...paths];
  }

  #rule(option: string, path: string, method: number, isWhole: boolean): Rule {
    const isAll = !isWhole && /^\/?\*?$/.test(path);
    const patterns = isAll ? ['{/*path}'] : this.#prefixes().map((prefix) => join(prefix, path));
    try {
      return {
        method: method === -1 ? undefined : RequestMethod[method],
        matches: match(patterns, { end: isWhole, decode: false }),
      };
    } catch {
      throw new SessionOptionsError(
        option,
        `"${option}" has the path ${JSON.stringify(path)}, which is not in Nest's syntax: name wildcards, as in "files/*path"`,
      );
    }
  }

  /** What may come before a path: nothing where a route is excluded from the global prefix. */
  #prefixes(): string[] {
    const versioning = this.#config.getVersioning();
    const mark = versioning?.type === VersioningType.URI ? (versioning.prefix ?? 'v') : undefined;
    const version = mark === undefined ? '' : `{/${mark === false ? '' : mark}:version}`;
    const prefix = this.#config.getGlobalPrefix();
    return prefix === '' ? [version] : [`/${prefix}${version}`, version];
  }
}

function rulesMethod({ method }: Rule, actual: string): boolean {
  if (method === undefined || method === 'ALL' || method === actual) return true;
  return method === 'GET' && actual === 'HEAD';
}

function join(prefix: string, path: string): string {
  const whole = `${prefix}/${path}`.replaceAll(/\/{2,}/g, '/');
  return whole.length > 1 && whole.endsWith('/') ? whole.slice(0, -1) : whole;
}
