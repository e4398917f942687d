import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

function installed(name: string): string {
  const manifest = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

describe('docs/ecosystem.md', () => {
  it('names each package in the version that it was tried with', () => {
    const page = readFileSync(join(ROOT, 'docs/ecosystem.md'), 'utf8');
    const rows = Array.from(
      page.matchAll(/^\| `([^`]+)` +\| ([^ ]+) +\|/gm),
      ([, name, version]) => ({
        name: String(name),
        version,
      }),
    );
    expect(rows.length).toBeGreaterThan(20);
    expect(rows).toEqual(rows.map(({ name }) => ({ name, version: installed(name) })));
  });
});
