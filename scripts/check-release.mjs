// Prevents: a release whose tag, version and changelog do not agree. Prints its release notes.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tag = process.argv[2] ?? '';
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const changelog = readFileSync(`${root}CHANGELOG.md`, 'utf8');

if (tag !== `v${version}`) fail(`the tag is ${tag}, but package.json says ${version}`);
const [heading, notes] = sectionOf(version);
if (heading === undefined) fail(`CHANGELOG.md has no section for ${version}`);
if (!/\d{4}-\d{2}-\d{2}/.test(heading)) fail(`CHANGELOG.md gives ${version} no date`);
console.log(notes.trim());

function sectionOf(name) {
  for (const section of changelog.split(/^## /m).slice(1)) {
    const [first = '', ...rest] = section.split('\n');
    if (first.replace(/^\[|\].*| .*$/g, '') === name) return [first, rest.join('\n')];
  }
  return [];
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
