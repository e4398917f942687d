import type { ModuleMetadata, Type } from '@nestjs/common';
import type { KoaRequest } from '../exchange.js';

/**
 * Limits of an upload. Each is checked while the body arrives; exceeding one is answered with 400,
 * exceeding `fileSize` with 413.
 *
 * @publicApi
 */
export interface MulterLimits {
  /** Bytes of a field's name. Default: 100. */
  fieldNameSize?: number | undefined;
  /** Bytes of a field's value. Default: 1 MiB. */
  fieldSize?: number | undefined;
  /** Fields that are no files. Default: no limit. */
  fields?: number | undefined;
  /** Bytes of a file. Default: no limit. */
  fileSize?: number | undefined;
  /** Files. Default: no limit. */
  files?: number | undefined;
  /** Fields and files together. Default: 1000. */
  parts?: number | undefined;
  /** Headers of a part. Default: 2000. */
  headerPairs?: number | undefined;
  /** How deep a field's name nests: `a[b]` has 2 levels. Default: 32. */
  fieldNestingDepth?: number | undefined;
  /** The highest index in a field's name: `a[3]`. Default: 1000. */
  fieldArrayIndexLimit?: number | undefined;
}

/**
 * A file of an upload, as multer describes it.
 *
 * @publicApi
 */
export interface UploadedFileInfo {
  /** The field's name. */
  fieldname: string;
  /** The file's name on the client. Nothing to build a path from. */
  originalname: string;
  /** The encoding of the part. */
  encoding: string;
  /** The media type that the client claims. */
  mimetype: string;
  /** Bytes. */
  size: number;
  /** The folder it is in, with disk storage. */
  destination: string;
  /** Its name there, with disk storage. */
  filename: string;
  /** Its path, with disk storage. */
  path: string;
  /** Its bytes, with memory storage. */
  buffer: Buffer;
}

/** Where multer puts files. @publicApi */
export interface MulterStorage {
  /** Stores one file. */
  _handleFile(req: never, file: never, callback: (error?: unknown, info?: object) => void): void;
  /** Removes one stored file. */
  _removeFile(req: never, file: never, callback: (error: Error | null) => void): void;
}

/**
 * What an upload interceptor and `MulterModule` take: multer's options.
 *
 * @publicApi
 */
export interface MulterOptions {
  /** The folder for files. Default: files stay in memory. */
  dest?: string | undefined;
  /** Where files go; wins over `dest`. */
  storage?: MulterStorage | undefined;
  /** Limits, or a function of the request that returns them. */
  limits?: MulterLimits | ((req: KoaRequest) => MulterLimits) | undefined;
  /** Keeps the client's path in the file's name. Default: false. */
  preservePath?: boolean | undefined;
  /** The character set of names. Default: `latin1`. */
  defParamCharset?: string | undefined;
  /**
   * Decides whether a file is stored: `callback(null, false)` skips it, an error given, thrown or
   * rejected with fails the request.
   */
  fileFilter?(
    req: KoaRequest,
    file: UploadedFileInfo,
    callback: (error: Error | null, acceptFile: boolean) => void,
  ): void | Promise<void>;
}

/** A field that may hold files. @publicApi */
export interface MulterField {
  /** Its name. */
  name: string;
  /** How many files it may hold. Default: no limit. */
  maxCount?: number | undefined;
}

/** Makes the options of `MulterModule.registerAsync()`. @publicApi */
export interface MulterOptionsFactory {
  createMulterOptions(): Promise<MulterOptions> | MulterOptions;
}

/** What `MulterModule.registerAsync()` takes. @publicApi */
export interface MulterModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** A factory that the imported modules provide. */
  useExisting?: Type<MulterOptionsFactory> | undefined;
  /** A factory that Nest creates. */
  useClass?: Type<MulterOptionsFactory> | undefined;
  /** A function that gets what `inject` names. */
  useFactory?: ((...args: never[]) => Promise<MulterOptions> | MulterOptions) | undefined;
  /** Tokens for `useFactory`. */
  inject?: unknown[] | undefined;
}

/**
 * The injection token of the options: the one that `@nestjs/platform-express` uses, so its
 * `MulterModule` keeps working.
 *
 * @publicApi
 */
export const MULTER_MODULE_OPTIONS = 'MULTER_MODULE_OPTIONS';

/** Limits that multer leaves open, so that one small request could build a huge body. */
const DEFAULT_LIMITS = { fieldNestingDepth: 32, fieldArrayIndexLimit: 1000, parts: 1000 };

/**
 * The options of a route over those of the module. An unset one keeps the module's, and limits
 * are merged one by one.
 *
 * @internal
 */
export function uploadOptions(shared: MulterOptions, own: MulterOptions = {}): MulterOptions {
  const merged: MulterOptions = { ...shared, ...withoutUnset(own) };
  if (isLimits(shared.limits) && isLimits(own.limits)) {
    merged.limits = { ...shared.limits, ...withoutUnset(own.limits) };
  }
  // multer prefers a storage, which would hide the route's own folder.
  if (own.dest !== undefined && own.storage === undefined) delete merged.storage;
  const { limits, fileFilter } = merged;
  merged.limits =
    typeof limits === 'function' ? (req) => withDefaults(limits(req)) : withDefaults(limits);
  if (typeof fileFilter === 'function') merged.fileFilter = guardedFilter(fileFilter);
  return merged;
}

function withDefaults(limits: MulterLimits = {}): MulterLimits {
  return { ...DEFAULT_LIMITS, ...withoutUnset(limits) };
}

function withoutUnset<T extends object>(options: T): T {
  const set = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(set) as T;
}

function isLimits(limits: MulterOptions['limits']): limits is MulterLimits {
  return typeof limits === 'object';
}

/** multer calls the filter where nothing catches what it throws, or awaits what it returns. */
function guardedFilter(
  filter: NonNullable<MulterOptions['fileFilter']>,
): NonNullable<MulterOptions['fileFilter']> {
  return (req, file, callback) => {
    let isDecided = false;
    const decide = (error: Error | null, accept: boolean) => {
      if (isDecided) return;
      isDecided = true;
      callback(error, accept);
    };
    const fail = (error: unknown) => {
      if (isDecided) throw error;
      decide(error instanceof Error ? error : new Error('The file filter failed'), false);
    };
    try {
      const result = filter(req, file, decide);
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}
