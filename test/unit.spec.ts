import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/**
 * Who may import whom is checked by `npm run check:imports`, and that check by
 * `test/packaging/imports.spec.ts`. Here is what it leaves out: files that know each other only by
 * their types. They run, but neither can be understood without the other.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));

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

/** The files from which following imports leads back to them: Kahn's algorithm leaves them over. */
function inCycles(graph: Graph): string[] {
  const left = new Map(graph);
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const [file, targets] of left) {
      if (!targets.some((target) => left.has(target))) left.delete(file);
    }
  }
  // What only imports a cycle is in none: take away from the other end as well.
  for (let before = -1; before !== left.size;) {
    before = left.size;
    const imported = new Set([...left.values()].flat());
    for (const file of left.keys()) if (!imported.has(file)) left.delete(file);
  }
  return [...left.keys()].sort();
}

describe('the files of a room', () => {
  it.each(['lib/session', 'lib/stores', 'lib/platform-koa'])(
    '%s know each other in one direction only, by their types too',
    (room) => {
      const files = sourcesIn(room);
      expect(files.length).toBeGreaterThan(5);
      expect(inCycles(imports(files))).toEqual([]);
    },
  );

  it('would be told apart if they did not', () => {
    const graph = new Map([
      ['top', ['a']],
      ['a', ['b']],
      ['b', ['c', 'a']],
      ['c', []],
    ]);
    expect(inCycles(graph)).toEqual(['a', 'b']);
  });
});
