import { createRequire } from 'node:module';
import { finished } from 'node:stream';
import { PeerMissingError } from '../../errors.js';
import { onceGone } from '../connection.js';
import type { KoaRequest, KoaResponse } from '../exchange.js';
import { uploadException } from './exceptions.js';
import type { MulterField, MulterOptions, MulterStorage } from './options.js';

/** multer's middleware. @internal */
export type UploadMiddleware = (
  req: KoaRequest,
  res: KoaResponse,
  done: (error?: unknown) => void,
) => void;

/** What the adapter uses of multer. @internal */
export interface Multer {
  storage: MulterStorage;
  single(field: string): UploadMiddleware;
  array(field: string, maxCount?: number): UploadMiddleware;
  fields(fields: readonly MulterField[]): UploadMiddleware;
  any(): UploadMiddleware;
  none(): UploadMiddleware;
}

/** Set by Nest on a request that a pipe has refused. */
const REJECTED_BY_PIPES = Symbol.for('nestjs:rejected-by-pipes');

/**
 * Loads multer when the first interceptor is created, so that nobody else needs it.
 *
 * @throws PeerMissingError `ERR_PEER_MISSING` at start-up when it is not installed.
 * @internal
 */
export function createMulter(options: MulterOptions): Multer {
  let load: (options: MulterOptions) => Multer;
  try {
    load = createRequire(import.meta.url)('multer') as typeof load;
  } catch (cause) {
    throw new PeerMissingError('multer', 'uploading files', cause);
  }
  return load(options);
}

/**
 * Receives the body; rejects with the exception to answer. When an answer leaves before all has
 * arrived (an interceptor timed out), the rest is not waited for, and multer removes what it has
 * stored.
 *
 * @internal
 */
export async function receive(
  middleware: UploadMiddleware,
  req: KoaRequest,
  res: KoaResponse,
): Promise<void> {
  let isReceiving = true;
  const stopWatching = finished(res, () => {
    if (isReceiving && !req.complete) req.destroy();
  });
  try {
    await new Promise<void>((resolve, reject) => {
      middleware(req, res, (error) => {
        if (error) reject(uploadException(error) as Error);
        else resolve();
      });
    });
  } finally {
    isReceiving = false;
    stopWatching();
  }
  const { body } = req;
  // A multipart body has no prototype; any other is left alone.
  if (typeof body === 'object' && body !== null && Object.getPrototypeOf(body) === null) {
    closeGaps(body);
  }
}

/**
 * Removes the files of a request that a pipe has refused, once its answer is out: no handler
 * will ever see them.
 *
 * @internal
 */
export function discardIfRefused(storage: MulterStorage, req: KoaRequest, res: KoaResponse): void {
  if ((req as { [REJECTED_BY_PIPES]?: boolean })[REJECTED_BY_PIPES] !== true) return;
  onceGone(res, () => {
    for (const file of storedFiles(req)) {
      try {
        storage._removeFile(req as never, file as never, () => undefined);
      } catch {
        // The request has failed already; a file that cannot be removed changes nothing.
      }
    }
  });
}

function storedFiles(req: KoaRequest): unknown[] {
  const { file, files } = req as KoaRequest & { file?: unknown; files?: object };
  if (file !== undefined) return [file];
  return Array.isArray(files) ? files : Object.values(files ?? {}).flat();
}

/**
 * Closes the gaps that field names like `tags[900]` leave in arrays: what validates an array and
 * what copies it must see the same values.
 */
function closeGaps(body: object): void {
  const pending: object[] = [body];
  for (let container = pending.pop(); container !== undefined; container = pending.pop()) {
    const values: unknown[] = Object.values(container);
    if (Array.isArray(container) && values.length < container.length) {
      container.splice(0, container.length, ...values);
    }
    for (const value of values) {
      if (typeof value === 'object' && value !== null) pending.push(value);
    }
  }
}
