import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST, type PackedPackage, packPackage, ROOT } from './packed.js';

describe('the packed package', () => {
  let packed: PackedPackage;
  let paths: string[];

  beforeAll(() => {
    packed = packPackage();
    paths = packed.files.map(({ path }) => path);
  });

  afterAll(() => packed.remove());

  it('holds the build, its declarations, the readme, the changelog and the licence alone', () => {
    const others = paths.filter((path) => !/^dist\/(lib|src)\/.+\.(js|d\.ts)$/.test(path));
    expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  });

  it('holds declarations for each module, and no module that no source stands behind', () => {
    const modules = paths.filter((path) => path.endsWith('.js'));
    for (const path of modules) {
      expect(paths).toContain(path.replace(/\.js$/, '.d.ts'));
      const source = path.replace(/^dist\//, '').replace(/\.js$/, '.ts');
      expect(() => readFileSync(join(ROOT, source))).not.toThrow();
    }
    expect(modules.length).toBeGreaterThan(100);
  });

  it('stays below 900 KB unpacked', () => {
    expect(packed.unpackedSize).toBeLessThan(900_000);
  });

  it('has every file that package.json points to', () => {
    const targets = Object.values(MANIFEST.exports).flatMap((target) =>
      typeof target === 'object' && target !== null ? Object.values(target) : [],
    );
    for (const target of [...targets, ...Object.values(MANIFEST.bin)]) {
      const path = target.slice(2);
      if (path.includes('*')) {
        const [start = '', end = ''] = path.split('*');
        expect(paths.some((each) => each.startsWith(start) && each.endsWith(end))).toBe(true);
      } else {
        expect(paths).toContain(path);
      }
    }
  });

  it('names no path of the machine that built it, and no source map that is not there', () => {
    const home = packed.application();
    for (const path of paths) {
      const text = readFileSync(join(home, 'node_modules/nestjs-koa-session', path), 'utf8');
      expect({ path, found: /sourceMappingURL/.test(text) || text.includes(ROOT) }).toEqual({
        path,
        found: false,
      });
    }
  });

  it('depends on few packages, each by a range that takes fixes', () => {
    expect(Object.keys(MANIFEST.dependencies).length).toBeLessThanOrEqual(12);
    for (const range of Object.values(MANIFEST.dependencies)) expect(range).toMatch(/^\^/);
  });

  it('asks of everybody for Koa alone: every other peer is optional', () => {
    const needed = Object.keys(MANIFEST.peerDependencies).filter(
      (name) => MANIFEST.peerDependenciesMeta[name]?.optional !== true,
    );
    expect(needed).toEqual(['koa']);
  });
});
