import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './packed.js';

const SOURCES = ['lib', 'src', 'scripts', 'package.json'];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'imports-'));
  for (const path of SOURCES) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  for (const path of ['sample', 'bench']) mkdirSync(join(folder, path));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function check(root: string): { status: number | null; said: string } {
  const script = join(root, 'scripts/check-imports.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

it('the import rules hold', () => {
  const { status, said } = check(ROOT);
  expect(said).toMatch(/files import only what they may/);
  expect(status).toBe(0);
});

it('every import that crosses a rule is told', () => {
  const broken = [
    ['lib/session/up.ts', "import '../stores/memory.js';", 'imports lib/stores/memory.ts'],
    ['lib/session/nest.ts', "import '@nestjs/common';", 'imports the package @nestjs/common'],
    ['lib/stores/engine.ts', "import '../session/index.js';", 'imports lib/session/index.ts'],
    ['lib/stores/driver.ts', "import 'pg';", 'imports the package pg'],
    ['lib/platform-koa/up.ts', "import '../session/index.js';", 'imports lib/session/index.ts'],
    ['lib/platform-koa/late.ts', "await import('lodash');", 'imports lodash'],
    ['lib/testing/bare.ts', "import 'fs';", 'imports fs: say node:fs'],
    ['src/inner.ts', "import '../lib/session/cookie.js';", 'imports lib/session/cookie.ts'],
    ['sample/01/inner.ts', "import '../../src/index.js';", 'imports src/index.ts'],
    ['lib/session/own.ts', "import './own.js';", 'cycle: lib/session/own.ts -> lib/session/own.ts'],
    ['lib/session/a.ts', "import type { B } from './b.js';", 'cycle: lib/session/a.ts -> '],
    ['lib/session/b.ts', "export type { A } from './a.js';", ' -> lib/session/b.ts -> '],
    ['lib/testing/c.ts', "import { type D } from './d.js';", 'cycle: lib/testing/c.ts -> '],
    ['lib/testing/d.ts', "export type C = import('./c.js').C;", ' -> lib/testing/d.ts -> '],
  ] as const;
  for (const [file, code] of broken) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${code}\n`);
  }
  const { status, said } = check(folder);
  expect(status).toBe(1);
  for (const [file, , complaint] of broken) {
    const expected = complaint.includes('->') ? complaint : `${file} ${complaint}`;
    expect(said).toContain(expected);
  }
});
