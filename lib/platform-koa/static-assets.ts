import type { ServerResponse } from 'node:http';
import type { Stats } from 'node:fs';

/**
 * How files are answered, as the package send takes it: for `useStaticAssets()` and `sendFile()`.
 * Written out here, so that its types are there for everybody.
 *
 * @publicApi
 */
export interface FileOptions {
  /** Whether a client may ask for parts of a file. Default: `true`. */
  acceptRanges?: boolean;
  /** Whether `Cache-Control` is set, from `maxAge` and `immutable`. Default: `true`. */
  cacheControl?: boolean;
  /**
   * What becomes of files whose name begins with a dot: served, answered with 403, or as if they
   * were not there. Default: `'ignore'`.
   */
  dotfiles?: 'allow' | 'deny' | 'ignore';
  /** Whether an `ETag` is made. Default: `true`. */
  etag?: boolean;
  /** Extensions that are tried when there is no such file. Default: none. */
  extensions?: string[] | false;
  /** Whether caches may keep the file without asking until `maxAge` is over. Default: `false`. */
  immutable?: boolean;
  /** The files that stand for their folder; `false` for none. Default: `'index.html'`. */
  index?: string | string[] | boolean;
  /** Whether `Last-Modified` is set. Default: `true`. */
  lastModified?: boolean;
  /** How long caches may keep the file: milliseconds, or a text such as `'1d'`. Default: 0. */
  maxAge?: number | string;
}

/** What `useStaticAssets()` takes: the options of serve-static, and where to mount the files. @publicApi */
export interface ServeStaticOptions extends FileOptions {
  /** The path that the files appear below. Default: the root. */
  prefix?: string;
  /** Whether a missing file is left to what comes behind; else it is an error. Default: `true`. */
  fallthrough?: boolean;
  /** Whether a folder without a slash at its end is redirected to the same with one. Default: `true`. */
  redirect?: boolean;
  /** Sets further headers, synchronously, before a file is sent. */
  setHeaders?: (res: ServerResponse, path: string, stat: Stats) => void;
}
