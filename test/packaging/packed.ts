import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack, type Packed } from '../../scripts/pack.mjs';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
  exports: Record<string, string | null | Record<string, string>>;
  bin: Record<string, string>;
}

export const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

/** The packed package, for one test file. */
export interface PackedPackage extends Packed {
  /** What a user may import: `.`, `./session`, `./stores/memory` and so on. */
  subpaths: string[];
  /**
   * A new application's folder with the package as it is installed, its dependencies and, of its
   * peers, the named ones alone. Without a network: what is linked is this project's own copy.
   */
  application(...peers: string[]): string;
  /** A new folder with the package as it is installed, and everything that this project has. */
  workspace(): string;
  remove(): void;
}

export function packPackage(): PackedPackage {
  const folder = mkdtempSync(join(tmpdir(), 'packed-'));
  const packed = pack(folder);
  let count = 0;

  function install(home: string): string {
    const modules = join(home, 'node_modules');
    const target = join(modules, 'nestjs-koa-session');
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', packed.tarball, '-C', target, '--strip-components=1']);
    return modules;
  }

  function application(...peers: string[]): string {
    const home = join(folder, `application-${++count}`);
    const modules = install(home);
    for (const name of [...Object.keys(MANIFEST.dependencies), ...peers]) {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'junction');
    }
    return home;
  }

  function workspace(): string {
    const above = join(folder, `workspace-${++count}`);
    const home = join(above, 'home');
    install(home);
    // Node and TypeScript look for what is not in the folder itself in those above it.
    symlinkSync(join(ROOT, 'node_modules'), join(above, 'node_modules'), 'junction');
    writeFileSync(join(home, 'package.json'), '{"type":"module","private":true}');
    return home;
  }

  return {
    ...packed,
    subpaths: subpathsOf(packed),
    application,
    workspace,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function subpathsOf({ files }: Packed): string[] {
  const stores = files
    .map(({ path }) => /^dist\/lib\/stores\/([\w-]+)\.js$/.exec(path)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => `./stores/${name}`);
  const named = Object.entries(MANIFEST.exports)
    .filter(([name, target]) => !name.includes('*') && typeof target === 'object' && target)
    .map(([name]) => name);
  return [...named, ...stores];
}

/** The name under which an application imports a subpath. */
export function importName(subpath: string): string {
  return `nestjs-koa-session${subpath.slice(1)}`;
}
