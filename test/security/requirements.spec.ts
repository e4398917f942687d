import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');

/** A test as the document names it: `` `test/file.spec.ts`: "its name" ``. */
const NAMED = /`(test\/[\w./-]+\.spec\.ts)`: "([^"]+)"/g;

interface NamedTest {
  file: string;
  name: string;
}

function named(document: string): NamedTest[] {
  return [...document.matchAll(NAMED)].map(([, file = '', name = '']) => ({ file, name }));
}

/** Why a named test does not show what it is named for; `undefined` if it does. */
function flaw(source: string, name: string): string | undefined {
  const quoted = ["'", '`'].map((quote) => `${quote}${name}${quote}`);
  const at = Math.max(...quoted.map((text) => source.indexOf(text)));
  if (at < 0) return 'does not exist';
  const call = /(\w+(?:\.\w+)*)(?:\([^()]*(?:\[[\s\S]*?\])?[^()]*\))?\(\s*$/.exec(
    source.slice(0, at),
  );
  const caller = call?.[1] ?? '';
  if (/skip|todo|^x/.test(caller)) return 'is skipped';
  if (/\b(?:x?describe|x?it|test)\.(?:only|skip|todo)|\bx(?:it|describe)\(/.test(source)) {
    return 'is in a file where tests are skipped';
  }
  return undefined;
}

function read(file: string): string {
  try {
    return readFileSync(join(ROOT, file), 'utf8');
  } catch {
    return '';
  }
}

describe('docs/security.md', () => {
  it('names tests, and each of them exists and is not skipped', () => {
    const tests = named(DOCUMENT);
    expect(tests.length).toBeGreaterThan(40);
    const flaws = tests.flatMap(({ file, name }) => {
      const found = flaw(read(file), name);
      return found === undefined ? [] : [`${file}: "${name}" ${found}`];
    });
    expect(flaws).toEqual([]);
  });

  it('names no test in a form that this would not see', () => {
    expect([...DOCUMENT.matchAll(/\.spec\.ts/g)]).toHaveLength(named(DOCUMENT).length);
  });
});

describe('the check of named tests', () => {
  it.each([
    ["it('holds', () => {});", undefined],
    ["it('holds also', () => {});", 'does not exist'],
    ["it.skip('holds', () => {});", 'is skipped'],
    ["xit('holds', () => {});", 'is skipped'],
    [
      "it('holds', () => {}); describe.skip('others', () => {});",
      'is in a file where tests are skipped',
    ],
    [
      "it('holds', () => {}); it.only('another', () => {});",
      'is in a file where tests are skipped',
    ],
  ])('takes %s as it is', (source, expected) => {
    expect(flaw(source, 'holds')).toBe(expected);
  });
});
