import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const { default: unitTests } = (await import(join(ROOT, 'jest.unit.config.js'))) as {
  default: { testPathIgnorePatterns: string[] };
};

type Graph = ReadonlyMap<string, readonly string[]>;

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** Every file with the files it imports, types and values alike. */
function imports(files: readonly string[]): Graph {
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(ROOT, file), 'utf8'));
      const targets = importedFiles
        .map(({ fileName }) => fileName)
        .filter((name) => name.startsWith('.'))
        .map((name) => normalize(join(dirname(file), name)).replace(/\.js$/, '.ts'));
      return [file, targets];
    }),
  );
}

describe('the tests that `npm run test:unit` runs', () => {
  /** What starts or looks for a server, a browser or the packed package. */
  const HEAVY = new Set([
    'test/support/services.ts',
    'test/support/processes.ts',
    'test/packaging/packed.ts',
    'test/ecosystem/program.ts',
  ]);
  const IGNORED = unitTests.testPathIgnorePatterns.map(
    (pattern) => new RegExp(pattern.replace('<rootDir>/', '^')),
  );
  const graph = imports(sourcesIn('test'));
  const specs = [...graph.keys()].filter((file) => file.endsWith('.spec.ts'));
  const isUnit = (spec: string): boolean => !IGNORED.some((pattern) => pattern.test(spec));

  function reached(file: string, found = new Set<string>()): Set<string> {
    if (found.has(file)) return found;
    found.add(file);
    for (const target of graph.get(file) ?? []) reached(target, found);
    return found;
  }

  const isHeavy = (spec: string): boolean => [...reached(spec)].some((file) => HEAVY.has(file));

  it('need no server, no browser and no packed package', () => {
    const units = specs.filter(isUnit);
    expect(units.length).toBeGreaterThan(50);
    expect(units.filter(isHeavy)).toEqual([]);
    // The list of what is left out is still needed, and the search still finds it.
    expect(specs.filter((spec) => !isUnit(spec) && isHeavy(spec)).length).toBeGreaterThan(10);
  });
});
