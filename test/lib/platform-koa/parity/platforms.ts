import { createRequire } from 'node:module';
import type { NestApplicationOptions, NestInterceptor, Type } from '@nestjs/common';
import { AbstractHttpAdapter } from '@nestjs/core';
import * as express from '@nestjs/platform-express';
import * as koa from '../../../../lib/platform-koa/index.js';
import type { ConnectMiddleware } from '../../../../lib/platform-koa/index.js';

/** How an application compares paths: settings of Express's application, options of KoaAdapter. */
export interface PathRules {
  readonly caseSensitive?: boolean;
  readonly strict?: boolean;
}

/** What an application takes from its platform's package. */
export interface Platform {
  readonly name: 'express' | 'koa';
  createAdapter(rules?: PathRules): AbstractHttpAdapter;
  readonly uploads: {
    FileInterceptor(field: string, options?: object): Type<NestInterceptor>;
    FilesInterceptor(field: string, max?: number, options?: object): Type<NestInterceptor>;
    FileFieldsInterceptor(fields: { name: string }[], options?: object): Type<NestInterceptor>;
    AnyFilesInterceptor(options?: object): Type<NestInterceptor>;
    NoFilesInterceptor(options?: object): Type<NestInterceptor>;
  };
}

export const platforms: readonly [Platform, Platform] = [
  {
    name: 'express',
    createAdapter: ({ caseSensitive = false, strict = false } = {}) => {
      const application = createExpress();
      application.set('case sensitive routing', caseSensitive);
      application.set('strict routing', strict);
      return new express.ExpressAdapter(application) as unknown as AbstractHttpAdapter;
    },
    uploads: express,
  },
  {
    name: 'koa',
    createAdapter: (rules = {}) => new koa.KoaAdapter({ ...rules }) as AbstractHttpAdapter,
    uploads: koa as unknown as Platform['uploads'],
  },
];

/** Nest 12 streams generators and web responses, sets cookies and guards against CSRF; 11 doesn't. */
export const isNest12 = 'setCookie' in AbstractHttpAdapter.prototype;

/** The application that Nest's adapter of the same version would create itself. */
function createExpress(): ExpressApplication {
  return loadExpress()();
}

/** What tests use of an application of Express's. */
export interface ExpressApplication extends ConnectMiddleware {
  set(name: string, value: unknown): void;
  use(...args: (string | ForeignMiddleware)[]): void;
  get(path: string, handler: ForeignMiddleware): void;
  post(path: string, handler: ForeignMiddleware): void;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- Express's own types come with no adapter
type ForeignMiddleware = (req: any, res: any, next: any) => unknown;

/** The Express of Nest's adapter. */
export function loadExpress(): {
  (): ExpressApplication;
  json(): ForeignMiddleware;
  Router(): ExpressApplication;
} {
  const require = createRequire(import.meta.url);
  const ofAdapter = createRequire(require.resolve('@nestjs/platform-express'));
  return ofAdapter('express') as ReturnType<typeof loadExpress>;
}

/** Options that only Nest 12 reads. */
export const cookieOptions = { cookies: { secret: 'parity' } } as unknown as NestApplicationOptions;
