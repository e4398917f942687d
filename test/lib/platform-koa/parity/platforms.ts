import type { NestApplicationOptions, NestInterceptor, Type } from '@nestjs/common';
import { AbstractHttpAdapter } from '@nestjs/core';
import * as express from '@nestjs/platform-express';
import * as koa from '../../../../lib/platform-koa/index.js';

/** What an application takes from its platform's package. */
export interface Platform {
  readonly name: 'express' | 'koa';
  createAdapter(): AbstractHttpAdapter;
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
    createAdapter: () => new express.ExpressAdapter() as unknown as AbstractHttpAdapter,
    uploads: express,
  },
  {
    name: 'koa',
    createAdapter: () => new koa.KoaAdapter() as AbstractHttpAdapter,
    uploads: koa as unknown as Platform['uploads'],
  },
];

/** Nest 12 streams generators and web responses, sets cookies and guards against CSRF; 11 doesn't. */
export const isNest12 = 'setCookie' in AbstractHttpAdapter.prototype;

/** Options that only Nest 12 reads. */
export const cookieOptions = { cookies: { secret: 'parity' } } as unknown as NestApplicationOptions;
