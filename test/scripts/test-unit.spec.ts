import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const { default: unitTests } = (await import(join(ROOT, 'jest.unit.config.js'))) as {
  default: { testPathIgnorePatterns: string[] };
};

const IGNORED = unitTests.testPathIgnorePatterns.map(
  (pattern) => new RegExp(pattern.replace('<rootDir>/', '^')),
);
const isUnit = (spec: string): boolean => !IGNORED.some((pattern) => pattern.test(spec));

/** What starts or looks for a server, a browser or the packed package. */
const HEAVY = new Set([
  'test/support/services.ts',
  'test/support/processes.ts',
  'test/packaging/packed.ts',
  'test/ecosystem/program.ts',
]);

const files = readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
const specs = files.filter((file) => file.endsWith('.spec.ts'));

function importsOf(file: string): string[] {
  return ts
    .preProcessFile(readFileSync(join(ROOT, file), 'utf8'))
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => normalize(join(dirname(file), fileName)).replace(/\.js$/, '.ts'));
}

function reached(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  if (files.includes(file)) for (const target of importsOf(file)) reached(target, found);
  return found;
}

const isHeavy = (spec: string): boolean => [...reached(spec)].some((file) => HEAVY.has(file));

it('`npm run test:unit` needs no server, no browser and no packed package', () => {
  const units = specs.filter(isUnit);
  expect(units.length).toBeGreaterThan(50);
  expect(units.filter(isHeavy)).toEqual([]);
});

it('leaves out what needs them, and this search finds it', () => {
  const heavy = specs.filter((spec) => !isUnit(spec) && isHeavy(spec));
  expect(heavy.length).toBeGreaterThan(10);
});
