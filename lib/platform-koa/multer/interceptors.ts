import { Inject, Optional, mixin } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor, Type } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { catchError, throwError } from 'rxjs';
import type { KoaRequest, KoaResponse } from '../exchange.js';
import { MULTER_MODULE_OPTIONS, uploadOptions } from './options.js';
import type { MulterField, MulterOptions } from './options.js';
import { createMulter, discardIfRefused, receive } from './upload.js';
import type { Multer, UploadMiddleware } from './upload.js';

/**
 * Takes one file, in the field `fieldName`, for `@UploadedFile()`. Needs the package multer.
 *
 * @example
 * ```ts
 * @Post('avatar')
 * @UseInterceptors(FileInterceptor('avatar', { limits: { fileSize: 1_000_000 } }))
 * upload(@UploadedFile() file: UploadedFileInfo) {
 *   return file.size;
 * }
 * ```
 * @throws PeerMissingError `ERR_PEER_MISSING` at start-up when multer is not installed.
 * @publicApi
 */
export function FileInterceptor(fieldName: string, options?: MulterOptions): Type<NestInterceptor> {
  return uploadInterceptor((multer) => multer.single(fieldName), options);
}

/**
 * Takes files in the field `fieldName`, at most `maxCount`, for `@UploadedFiles()`.
 *
 * @publicApi
 */
export function FilesInterceptor(
  fieldName: string,
  maxCount?: number,
  options?: MulterOptions,
): Type<NestInterceptor> {
  return uploadInterceptor((multer) => multer.array(fieldName, maxCount), options);
}

/**
 * Takes files in several fields; `@UploadedFiles()` gets a list for each field.
 *
 * @publicApi
 */
export function FileFieldsInterceptor(
  fields: readonly MulterField[],
  options?: MulterOptions,
): Type<NestInterceptor> {
  return uploadInterceptor((multer) => multer.fields(fields), options);
}

/**
 * Takes files in any field.
 *
 * @publicApi
 */
export function AnyFilesInterceptor(options?: MulterOptions): Type<NestInterceptor> {
  return uploadInterceptor((multer) => multer.any(), options);
}

/**
 * Takes a multipart form without files; a file is answered with 400.
 *
 * @publicApi
 */
export function NoFilesInterceptor(options?: MulterOptions): Type<NestInterceptor> {
  return uploadInterceptor((multer) => multer.none(), options);
}

function uploadInterceptor(
  choose: (multer: Multer) => UploadMiddleware,
  own: MulterOptions | undefined,
): Type<NestInterceptor> {
  class UploadInterceptor implements NestInterceptor {
    private readonly multer: Multer;
    private readonly middleware: UploadMiddleware;

    constructor(@Optional() @Inject(MULTER_MODULE_OPTIONS) shared: object = {}) {
      this.multer = createMulter(uploadOptions(shared as MulterOptions, own));
      this.middleware = choose(this.multer);
    }

    async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
      const http = context.switchToHttp();
      const req = http.getRequest<KoaRequest>();
      const res = http.getResponse<KoaResponse>();
      await receive(this.middleware, req, res);
      return next.handle().pipe(
        catchError((error: unknown) => {
          discardIfRefused(this.multer.storage, req, res);
          return throwError(() => error);
        }),
      );
    }
  }
  return mixin(UploadInterceptor) as Type<NestInterceptor>;
}
