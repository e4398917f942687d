import { execFileSync } from 'node:child_process';
import { importName, type PackedPackage, packPackage } from './packed.js';

/** What a subpath needs beside the package's own dependencies, as its documentation says. */
const NEEDS: Record<string, readonly string[]> = {
  '.': ['koa', '@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'],
  './platform-koa': ['koa', '@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'],
  './platform-koa/apollo': [
    ...['koa', '@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'],
    ...['@nestjs/graphql', '@nestjs/apollo', '@apollo/server', 'graphql'],
  ],
};
const KOA_ALONE = ['koa'];

let packed: PackedPackage;

beforeAll(() => {
  packed = packPackage();
});

afterAll(() => packed.remove());

function run(home: string, flags: string[], code: string): string {
  // The test runner's own flags must not reach the application.
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return execFileSync(process.execPath, [...flags, '-e', code], {
    cwd: home,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('each subpath alone', () => {
  it('is imported and required with nothing installed but what it needs', () => {
    expect(packed.subpaths.length).toBeGreaterThanOrEqual(7);
    for (const subpath of packed.subpaths) {
      const home = packed.application(...(NEEDS[subpath] ?? KOA_ALONE));
      const name = importName(subpath);
      const asImport = `const m = await import('${name}'); console.log(Object.keys(m).join())`;
      const exported = run(home, ['--input-type=module'], asImport).trim();
      expect(exported).not.toBe('');
      const asRequire = `console.log(Object.keys(require('${name}')).join())`;
      expect(run(home, ['--input-type=commonjs'], asRequire).trim().split(',')).toEqual(
        expect.arrayContaining(exported.split(',')),
      );
    }
  });

  it('does not load a package that only another subpath needs', () => {
    const home = packed.application('koa');
    const code = `
      const { createSession } = require('nestjs-koa-session/session');
      const loaded = Object.keys(require.cache).filter((path) => !path.includes('nestjs-koa-session'));
      console.log(typeof createSession, loaded.some((path) => /@nestjs|multer|rxjs/.test(path)));`;
    expect(run(home, ['--input-type=commonjs'], code).trim()).toBe('function false');
  });
});

describe('what is not public', () => {
  it.each(['stores/internal/version', 'dist/lib/session/index.js', 'lib/errors', 'nothing'])(
    'cannot be imported: %s',
    (path) => {
      const home = packed.application('koa');
      const code = `import('nestjs-koa-session/${path}').catch((error) => console.log(error.code))`;
      expect(run(home, ['--input-type=module'], code).trim()).toMatch(
        /^ERR_(PACKAGE_PATH_NOT_EXPORTED|MODULE_NOT_FOUND)$/,
      );
    },
  );
});

describe('without its peers', () => {
  it('the Nest module and the adapter say which package is missing', () => {
    const home = packed.application('koa');
    for (const name of ['nestjs-koa-session', 'nestjs-koa-session/platform-koa']) {
      const code = `import('${name}').catch((error) => console.log(error.message))`;
      expect(run(home, ['--input-type=module'], code)).toMatch(/'@nestjs\/(common|core)'/);
    }
  });
});
