import type { Provider, Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { SessionOptionsError } from '../lib/session/index.js';
import type { ProvidedOptionName } from './interfaces/session-module-options.interface.js';
import { typeName } from '../lib/errors.js';

/**
 * The options that Nest can provide, with the methods that make an object fit, and whether the
 * option may be a plain function itself.
 *
 * @internal
 */
export const PROVIDED: Readonly<
  Record<ProvidedOptionName, { methods: readonly string[]; isHook: boolean }>
> = {
  store: { methods: ['get', 'set', 'destroy'], isHook: false },
  valid: { methods: ['valid'], isHook: true },
  beforeSave: { methods: ['beforeSave'], isHook: true },
  genid: { methods: ['genid'], isHook: true },
  externalKey: { methods: ['get', 'set'], isHook: false },
  codec: { methods: ['encode', 'decode'], isHook: false },
};

/** @internal */
export const PROVIDED_NAMES = Object.keys(PROVIDED) as ProvidedOptionName[];

/**
 * The provider behind an option that the application wrote down as it is: here Nest sees classes
 * before it creates anything, and treats them as any provider (scope, lifecycle hooks).
 *
 * @internal
 */
export function toProvider(option: ProvidedOptionName, token: string, value: unknown): Provider {
  if (isProvision(value)) return { provide: token, ...value } as Provider;
  if (isClass(option, value)) return { provide: token, useClass: value };
  if (isFactory(option, value)) return { provide: token, useFactory: value };
  return { provide: token, useValue: value ?? null };
}

/**
 * What an option stands for that a factory returned: too late for providers, so Nest creates a
 * class on the spot. Such an instance gets no lifecycle hooks, and can't be request-scoped.
 *
 * @internal
 */
export async function resolveValue(
  option: ProvidedOptionName,
  value: unknown,
  moduleRef: ModuleRef,
): Promise<unknown> {
  if (isProvision(value)) return resolveProvision(option, value, moduleRef);
  if (isClass(option, value)) return create(option, value, moduleRef);
  if (isFactory(option, value)) return value();
  return value ?? null;
}

async function resolveProvision(
  option: ProvidedOptionName,
  provision: Record<string, unknown>,
  moduleRef: ModuleRef,
): Promise<unknown> {
  if ('useValue' in provision) return provision.useValue;
  if ('useClass' in provision) {
    return create(option, provision.useClass as Type<unknown>, moduleRef);
  }
  throw new SessionOptionsError(
    option,
    `"${option}" with useExisting or useFactory must stand beside the factory of forRootAsync(), not in what it returns`,
  );
}

async function create(
  option: ProvidedOptionName,
  type: Type<unknown>,
  moduleRef: ModuleRef,
): Promise<unknown> {
  try {
    return await moduleRef.create(type);
  } catch (error) {
    if (!(error instanceof Error) || !/request/i.test(error.constructor.name)) throw error;
    throw new SessionOptionsError(
      option,
      `"${option}" is the request-scoped ${typeName(type)}: pass it beside the factory, forRootAsync({ ${option}: ${type.name}, useFactory })`,
    );
  }
}

function isProvision(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['useValue', 'useClass', 'useExisting', 'useFactory'].some((way) => Object.hasOwn(value, way))
  );
}

function isClass(option: ProvidedOptionName, value: unknown): value is Type<unknown> {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  const { methods } = PROVIDED[option];
  const missing = methods.filter(
    (method) => typeof (prototype as Record<string, unknown> | undefined)?.[method] !== 'function',
  );
  if (missing.length === 0) return true;
  // A class can only be meant as a class: calling it as a factory would hide what is wrong.
  if (/^class\b/.test(Function.prototype.toString.call(value))) {
    throw new SessionOptionsError(
      option,
      `"${option}" is the class ${value.name}, which has no ${missing.join(', ')}: a class for "${option}" needs ${methods.join(', ')}`,
      option === 'store' ? 'ERR_SESSION_STORE_INVALID' : 'ERR_SESSION_OPTION',
    );
  }
  return false;
}

function isFactory(option: ProvidedOptionName, value: unknown): value is () => unknown {
  return typeof value === 'function' && !PROVIDED[option].isHook;
}

/**
 * What the engine takes for an option: an object's method becomes the hook itself.
 *
 * @internal
 */
export function toEngineOption(option: ProvidedOptionName, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (!PROVIDED[option].isHook || typeof value === 'function') return value;
  const method = (value as Record<string, unknown>)[option];
  if (typeof method !== 'function') {
    throw new SessionOptionsError(
      option,
      `"${option}" must be a function, or an object or a class with the method ${option}, received ${typeName(value)}`,
    );
  }
  return method.bind(value) as unknown;
}
