import type { ServeStaticOptions as Options } from 'serve-static';

/** What `useStaticAssets()` takes: the options of serve-static, and where to mount the files. @publicApi */
export interface ServeStaticOptions extends Options {
  /** The path that the files appear below. Default: the root. */
  prefix?: string;
}
