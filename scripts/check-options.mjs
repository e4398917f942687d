// Prevents: an option that is in the code and not in docs/options.md, the other way round, or with
// another default. `--write` writes the tables of that page from the doc comments.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = join(ROOT, 'docs/options.md');

const interfaces = readInterfaces();
const text = readFileSync(PAGE, 'utf8');
const problems = [];
const shown = new Set();

const written = text.replace(
  /<!-- options: ([\w ]+) -->\n[\s\S]*?<!-- end -->/g,
  (_block, names) => {
    const rows = names.split(' ').flatMap(rowsOf);
    return `<!-- options: ${names} -->\n\n${table(rows)}\n\n<!-- end -->`;
  },
);
const formatted = await prettier.format(written, {
  ...(await prettier.resolveConfig(PAGE)),
  parser: 'markdown',
});

for (const name of interfaces.keys()) {
  if (!shown.has(name)) problems.push(`docs/options.md has no table for ${name}`);
}
problems.push(...(await wrongDefaults()), ...unknownOptions());
if (process.argv.includes('--write')) writeFileSync(PAGE, formatted);
else if (formatted !== text) problems.push(...differences(text, formatted));

if (problems.length > 0) {
  console.error(`Options and their documentation differ:\n`);
  for (const problem of problems) console.error(`  ${problem}`);
  console.error('\n`node scripts/check-options.mjs --write` writes the tables from the comments.');
  process.exit(1);
}
console.log(`${interfaces.size} sets of options are documented as they are.`);

/** Every public `...Options` (and what such an interface extends), by name. */
function readInterfaces() {
  const all = new Map();
  for (const folder of ['lib', 'src']) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
      const path = join(entry.parentPath, entry.name);
      const file = ts.createSourceFile(
        path,
        readFileSync(path, 'utf8'),
        ts.ScriptTarget.ES2023,
        true,
      );
      for (const node of file.statements) {
        if (ts.isInterfaceDeclaration(node)) all.set(node.name.text, { node, file });
      }
    }
  }
  return new Map([...all].filter(([, { node, file }]) => isPublic(node, file)));
}

function isPublic(node, file) {
  const name = node.name.text;
  // What the engine hands to stores, and what `useFactory` and its kind take, is no configuration.
  const isOther = /^Store(?!Contract)\w+Options$|Async|^ProvidedSessionOptions$/.test(name);
  const isOptions = /(Options|Extras|TokenNames)$/.test(name) && !isOther;
  return isOptions && fullComment(node, file).includes('@publicApi');
}

function rowsOf(name) {
  const found = interfaces.get(name);
  if (found === undefined) {
    problems.push(`docs/options.md has a table for ${name}, which is no public set of options`);
    return [];
  }
  shown.add(name);
  return found.node.members.map((member) => {
    const option = member.name.getText(found.file);
    const comment = commentOf(member);
    const at = comment.search(/Defaults?: /);
    if (comment === '') problems.push(`${name}.${option} has no comment in ${pathOf(found.file)}`);
    const isNeeded = member.questionToken === undefined;
    const end = at === -1 ? '' : comment.slice(at).replace(/^Defaults?: /, '');
    // What is deprecated has its successor's default; elsewhere "–" says that there is none.
    if (at === -1 && name === 'SessionOptions' && !comment.includes('Deprecated: '))
      problems.push(`${name}.${option} has no "Default: ..." in ${pathOf(found.file)}`);
    const meaning = (at === -1 ? comment : comment.slice(0, at)).trim();
    return [`\`${option}\``, meaning, isNeeded ? '(needed)' : end.replace(/\.$/, '') || '–'];
  });
}

function fullComment(node, file) {
  return file.text.slice(node.getFullStart(), node.getStart(file));
}

/** A member's comment as one line of Markdown. */
function commentOf(node) {
  const [doc] = ts.getJSDocCommentsAndTags(node);
  const body =
    typeof doc?.comment === 'string' ? doc.comment : ts.getTextOfJSDocComment(doc?.comment);
  const deprecated = doc?.tags?.find((tag) => tag.tagName.text === 'deprecated')?.comment;
  return [body ?? '', deprecated === undefined ? '' : `Deprecated: ${deprecated}`]
    .join(' ')
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
}

function table(rows) {
  const lines = rows.map(
    (cells) => `| ${cells.map((each) => each.replace(/\|/g, '\\|')).join(' | ')} |`,
  );
  return ['| option | what it does | default |', '| --- | --- | --- |', ...lines].join('\n');
}

/** Whether the comments of the session's options tell the defaults of the literal `DEFAULTS`. */
async function wrongDefaults() {
  const { node, file } = interfaces.get('SessionOptions');
  const defaults = literalOf(file, 'DEFAULTS');
  return node.members.flatMap((member) => {
    const option = member.name.getText(file);
    const [, said = ''] = commentOf(member).split('Default: ');
    const value = defaults.get(option);
    if (value === undefined || value === option) return [];
    const plain = (each) => each.replace(/[_',`]/g, '');
    return plain(said).startsWith(plain(value))
      ? []
      : [`${option}: the comment says that the default is ${said}, DEFAULTS says ${value}`];
  });
}

function literalOf(file, name) {
  const values = new Map();
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && node.name.getText(file) === name) {
      const find = (inner) => {
        if (ts.isPropertyAssignment(inner))
          values.set(inner.name.getText(file), inner.initializer.getText(file).replace(/'/g, ''));
        else ts.forEachChild(inner, find);
      };
      find(node);
    } else ts.forEachChild(node, visit);
  };
  visit(file);
  return values;
}

/** Options named in the first column of a table of any page, that no interface has. */
function unknownOptions() {
  const known = new Set(
    [...interfaces.values()].flatMap(({ node, file }) =>
      node.members.map((member) => member.name.getText(file)),
    ),
  );
  const found = [];
  for (const name of readdirSync(join(ROOT, 'docs')).filter((each) => each.endsWith('.md'))) {
    const lines = readFileSync(join(ROOT, 'docs', name), 'utf8').split('\n');
    let isOptions = false;
    for (const [index, line] of lines.entries()) {
      if (/^\| *options? *\|/.test(line)) isOptions = true;
      else if (!line.startsWith('|')) isOptions = false;
      const option = isOptions ? /^\| `(\w+)`/.exec(line)?.[1] : undefined;
      if (option !== undefined && !known.has(option))
        found.push(`docs/${name}:${index + 1}: there is no option ${option}`);
    }
  }
  return found;
}

function differences(before, after) {
  const lines = new Set(before.split('\n'));
  const missing = after.split('\n').filter((line) => !lines.has(line));
  return missing.slice(0, 10).map((line) => `docs/options.md should say: ${line.slice(0, 160)}`);
}

function pathOf(file) {
  return relative(ROOT, file.fileName);
}
