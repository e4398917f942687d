// Prevents: tests of the working copy passing while the package that users install is broken.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Packs what was built last, as `npm publish` would.
 *
 * @param {string} folder where the tarball is put.
 * @returns {{ tarball: string, files: { path: string, size: number }[], unpackedSize: number }}
 */
export function pack(folder) {
  if (!existsSync(join(ROOT, 'dist/src/index.js'))) {
    throw new Error('there is no build to pack: run `npm run build` first');
  }
  const options = ['--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const json = execFileSync('npm', ['pack', ...options], { cwd: ROOT, encoding: 'utf8' });
  const parsed = JSON.parse(json);
  // An array of packages up to npm 11, an object by name from npm 12 on.
  const { filename, files, unpackedSize } = Object.values(parsed)[0];
  return { tarball: join(folder, filename), files, unpackedSize };
}
