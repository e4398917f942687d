import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { importName, type PackedPackage, packPackage } from './packed.js';

let packed: PackedPackage;

beforeAll(() => {
  packed = packPackage();
});

afterAll(() => packed.remove());

/** What TypeScript says of an application's file, with the declarations of the package checked too. */
function complaints(home: string, code: string): string[] {
  const file = join(home, 'application.mts');
  writeFileSync(file, code);
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    noEmit: true,
    types: [],
    typeRoots: [],
    skipLibCheck: false,
    experimentalDecorators: true,
  });
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file: at }) => at === undefined || isOurs(at.fileName))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

function isOurs(path: string): boolean {
  return path.includes('/nestjs-koa-session/') || path.endsWith('application.mts');
}

describe('the declarations', () => {
  it('compile where only Koa is installed, for everything that needs no Nest', () => {
    const home = packed.application('koa', '@types/node');
    const code = packed.subpaths
      .filter((subpath) => subpath !== '.' && !subpath.startsWith('./platform-koa'))
      .map((subpath, i) => `export * as part${i} from '${importName(subpath)}';`)
      .join('\n');
    expect(complaints(home, code)).toEqual([]);
  });

  it('compile with Nest, without any optional peer beside it', () => {
    const nest = [
      'koa',
      '@types/node',
      '@nestjs/common',
      '@nestjs/core',
      'reflect-metadata',
      'rxjs',
    ];
    const home = packed.application(...nest);
    const code = `
      export * from 'nestjs-koa-session';
      export * as platform from 'nestjs-koa-session/platform-koa';`;
    expect(complaints(home, code)).toEqual([]);
  });

  it('type the session of a Koa context by what the application merges in', () => {
    const home = packed.application('koa', '@types/node');
    const code = `
      import Koa from 'koa';
      import session from 'nestjs-koa-session/session';
      declare module 'nestjs-koa-session/session' {
        interface SessionData { views: number }
      }
      const app = new Koa();
      app.use(session({ maxAge: 'session' }, app));
      app.use((ctx) => {
        const views: number | undefined = ctx.session.views;
        // @ts-expect-error: views is a number
        ctx.session.views = 'three';
        // @ts-expect-error: nobody merged it in
        ctx.session.cart;
        return views;
      });`;
    expect(complaints(home, code)).toEqual([]);
  });

  it('keep the documentation of what they declare', () => {
    const home = packed.application();
    const read = (path: string): string =>
      readFileSync(join(home, 'node_modules/nestjs-koa-session/dist', path), 'utf8');
    expect(read('lib/session/options.d.ts')).toMatch(
      /The cookie's name\. Default: `'koa\.sess'`\./,
    );
    expect(read('src/session.module.d.ts')).toMatch(/@example/);
    for (const { path } of packed.files.filter(({ path }) => path.endsWith('/index.d.ts'))) {
      expect(path).toMatch(/^dist\//);
    }
  });
});
