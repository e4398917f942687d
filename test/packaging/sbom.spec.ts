import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST, ROOT } from './packed.js';

interface Sbom {
  bomFormat: string;
  metadata: { component: { purl: string } };
  components: { name: string; version: string; group?: string; purl: string }[];
}

const LOCK = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { version: string; dependencies?: Record<string, string> }>;
};

/** All that an installation of this package brings, by the lock. */
function shipped(names: readonly string[], found = new Map<string, string>()): Map<string, string> {
  for (const name of names) {
    const locked = LOCK.packages[`node_modules/${name}`];
    if (locked === undefined || found.has(name)) continue;
    found.set(name, locked.version);
    shipped(Object.keys(locked.dependencies ?? {}), found);
  }
  return found;
}

it('the SBOM of a release names what an installation brings, and nothing that tests need', () => {
  const script = join(ROOT, 'scripts/sbom.mjs');
  const printed = execFileSync(process.execPath, [script], { encoding: 'utf8' });
  const sbom = JSON.parse(printed) as Sbom;
  expect(sbom.bomFormat).toBe('CycloneDX');
  expect(sbom.metadata.component.purl).toBe(`pkg:npm/nestjs-koa-session@${MANIFEST.version}`);
  const named = sbom.components.map(({ purl }) =>
    decodeURIComponent(purl.replace('pkg:npm/', '')).replace(/@[^@]+$/, ''),
  );
  const dependencies = Object.keys(MANIFEST.dependencies);
  expect(named).toEqual(expect.arrayContaining(dependencies));
  expect([...new Set(named)].sort()).toEqual([...shipped(dependencies).keys()].sort());
  for (const { name, version, group } of sbom.components) {
    const full = group === undefined ? name : `${group}/${name}`;
    if (dependencies.includes(full)) expect(shipped([full]).get(full)).toBe(version);
  }
});
