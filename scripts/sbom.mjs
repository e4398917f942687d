// Prevents: an SBOM that leaves packages out. `npm sbom --omit dev` leaves out what is a development
// dependency of anybody, so here it looks at this package as its users install it: with the locked
// versions of its own dependencies, without development and without peers. Prints CycloneDX.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { name, version, description, license, dependencies } = manifest;

const folder = mkdtempSync(join(tmpdir(), 'sbom-'));
try {
  // npm names the package by its folder.
  const home = join(folder, name);
  mkdirSync(home);
  const shipped = { name, version, description, license, dependencies };
  writeFileSync(join(home, 'package.json'), JSON.stringify(shipped));
  copyFileSync(join(root, 'package-lock.json'), join(home, 'package-lock.json'));
  npm(home, 'install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund');
  const format = ['--sbom-format', 'cyclonedx', '--sbom-type', 'library'];
  process.stdout.write(npm(home, 'sbom', '--package-lock-only', ...format));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function npm(cwd, ...args) {
  const shell = process.platform === 'win32';
  return execFileSync('npm', args, { cwd, shell, encoding: 'utf8' });
}
