// Prevents: a link in the documentation that leads nowhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
/** Folders whose pages are generated, installed or no part of the documentation. */
const SKIPPED = /(^|\/)(node_modules|dist|coverage|\.git|docs\/api)(\/|$)/;

const pages = new Map(
  readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !SKIPPED.test(path))
    .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
);
const problems = [];
const linked = new Set();

for (const [page, text] of pages) {
  for (const { line, target } of linksIn(text)) {
    const problem = problemWith(page, target);
    if (problem !== undefined) problems.push(`${page}:${line}: ${target}: ${problem}`);
  }
}
for (const page of pages.keys()) {
  if (/^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md' && !linked.has(page)) {
    problems.push(`${page}: no page links to it; add it to docs/README.md`);
  }
}

if (problems.length > 0) {
  console.error(`Links that lead nowhere:\n\n${problems.map((each) => `  ${each}`).join('\n')}`);
  process.exit(1);
}
console.log(`${pages.size} pages link to what is there.`);

function* linksIn(text) {
  let isCode = false;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
    if (isCode) continue;
    const prose = line.replace(/`[^`]*`/g, '');
    const inline = prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g);
    const named = prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/g);
    for (const [, target] of [...inline, ...named]) yield { line: index + 1, target };
  }
}

function problemWith(page, target) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) {
    return /^(https:\/\/|http:\/\/localhost|mailto:)/.test(target)
      ? undefined
      : 'not an https link';
  }
  const [path, anchor] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), decodeURI(path)));
  if (file.startsWith('..')) return 'outside of the repository';
  if (!existsSync(join(ROOT, file))) return 'there is no such file';
  linked.add(file);
  if (anchor === undefined || !pages.has(file)) return undefined;
  return anchorsOf(pages.get(file)).has(anchor) ? undefined : 'there is no such heading';
}

/** The names that GitHub gives headings. */
function anchorsOf(text) {
  const anchors = new Set();
  const seen = new Map();
  for (const [, heading] of text.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const name = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    anchors.add(count === 0 ? name : `${name}-${count}`);
  }
  return anchors;
}
