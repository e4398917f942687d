// Prevents: an example in the documentation that does not compile. `--built` takes the package as
// it was built, instead of its sources.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = 'nestjs-koa-session';
const SUBPATHS = {
  [PACKAGE]: 'src/index.ts',
  [`${PACKAGE}/session`]: 'lib/session/index.ts',
  [`${PACKAGE}/platform-koa`]: 'lib/platform-koa/index.ts',
  [`${PACKAGE}/platform-koa/apollo`]: 'lib/platform-koa/apollo/index.ts',
  [`${PACKAGE}/testing`]: 'lib/testing/index.ts',
  ...Object.fromEntries(
    readdirSync(join(ROOT, 'lib/stores'))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => [`${PACKAGE}/stores/${file.slice(0, -3)}`, `lib/stores/${file}`]),
  ),
};
/** What an example may leave out: names of the reader's own, and types of untyped parameters. */
const OWN_NAMES = new Set([2304, 2503, 2552, 2580, 2686, 2693, 18004]);
const FORGIVEN = new Set([
  7006, 7019, 7031, 7034, 7005, 2717, 2687, 2300, 2451, 1378, 2564, 2454, 2449, 7051, 2420,
]);

const blocks = pages().flatMap(blocksIn);
const virtual = new Map();
const preludes = new Map();
let fragments = 0;
const MODULES = join(ROOT, 'docs/__code/modules.d.ts');
virtual.set(MODULES, `declare module '*.js';`);
virtual.set(
  join(ROOT, 'docs/__code/session-data.d.ts'),
  `export {};
   declare module 'nestjs-koa-session/session' { interface SessionData { [key: string]: any } }`,
);
// What `nest new` makes beside the files that the README changes.
virtual.set(
  join(ROOT, 'docs/__code/README-md/src/app.service.ts'),
  'export class AppService { getHello(): string { return "Hello World!"; } }',
);
for (const block of blocks) virtual.set(block.file, shaped(block));

// The first pass finds out what the examples take from the reader's application.
let diagnostics = compile();
for (const { block, diagnostic } of diagnostics) {
  const name = missingName(diagnostic);
  if (name !== undefined && !block.isWhole) remember(block, name);
  if (diagnostic.code === 2307 && !isOurs(diagnostic)) {
    const [, module] = /'([^']+)'/.exec(textOf(diagnostic)) ?? [];
    virtual.set(MODULES, `${virtual.get(MODULES)}\ndeclare module '${module}';`);
  }
}
for (const block of blocks) virtual.set(block.file, shaped(block));
diagnostics = compile();

const problems = diagnostics
  .filter(({ diagnostic }) => !FORGIVEN.has(diagnostic.code))
  .map(({ block, diagnostic }) => {
    const line = lineOf(block, diagnostic);
    return `${block.page}:${line}: ${textOf(diagnostic)} (TS${diagnostic.code})`;
  });
if (problems.length > 0) {
  console.error(
    `Examples that do not compile:\n\n${problems.map((each) => `  ${each}`).join('\n')}`,
  );
  process.exit(1);
}
console.log(`${blocks.length} examples compile.`);

function pages() {
  const docs = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...docs.map((file) => `docs/${file}`)];
}

function blocksIn(page) {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return Array.from(text.matchAll(/^( *)```(ts|js)\n([\s\S]*?)^ *```$/gm), (match, index) => {
    const [, , language, code] = match;
    const name = /^\/\/ ([\w./-]+\.[jt]s)$/m.exec(code.split('\n', 1)[0])?.[1];
    const folder = join(ROOT, 'docs/__code', page.replace(/\W/g, '-'));
    return {
      page,
      code,
      language,
      line: text.slice(0, match.index).split('\n').length + 1,
      isWhole: page === 'README.md',
      file: join(folder, name ?? `${index}.${language}`),
    };
  });
}

/** The block as a module: what it takes from elsewhere is declared, members stand in a class. */
function shaped(block) {
  if (block.language === 'js') return block.code;
  const before = [...(preludes.get(block.file) ?? [])].map(declared).join(' ');
  const whole = shapedPart(block.code);
  const code =
    whole ??
    block.code
      .split(/(?<=\n)(?=\n)/)
      .map((part) => shapedPart(part) ?? part)
      .join('');
  return `${before} export {};\n${code}`;
}

/** Keeps the lines where they are; `undefined` for what is neither statements nor members. */
function shapedPart(code) {
  const shapes = [
    code,
    `class Fragment${++fragments} { [name: string]: any; ${code}\n}`,
    `${code}\nclass Fragment${++fragments} {}`,
  ];
  return shapes.find(parses);
}

function parses(code) {
  const options = { target: ts.ScriptTarget.ES2023, experimentalDecorators: true };
  const { diagnostics: found } = ts.transpileModule(code, {
    reportDiagnostics: true,
    compilerOptions: options,
  });
  return found.length === 0;
}

function declared(name) {
  const subpath = exportedFrom(name);
  if (subpath !== undefined) return `import { ${name} } from '${subpath}';`;
  if (name === 'module') return 'declare const module: any;';
  return `declare const ${name}: any; declare type ${name} = any; declare namespace ${name} { type Any = any }`;
}

function exportedFrom(name) {
  exportedFrom.names ??= exportsOfPackage();
  return exportedFrom.names.get(name);
}

function exportsOfPackage() {
  const program = ts.createProgram(
    Object.values(SUBPATHS).map((path) => join(ROOT, path)),
    options(),
  );
  const checker = program.getTypeChecker();
  const names = new Map();
  for (const [subpath, path] of Object.entries(SUBPATHS)) {
    const symbol = checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, path)));
    for (const { name } of symbol === undefined ? [] : checker.getExportsOfModule(symbol)) {
      if (!names.has(name)) names.set(name, subpath);
    }
  }
  return names;
}

function options() {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options: base } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT, {}, undefined);
  const built = process.argv.includes('--built');
  const paths = Object.fromEntries(
    Object.entries(SUBPATHS).map(([name, path]) => [name, [join(ROOT, path)]]),
  );
  return {
    ...base,
    noEmit: true,
    allowJs: true,
    checkJs: false,
    isolatedModules: false,
    verbatimModuleSyntax: false,
    exactOptionalPropertyTypes: false,
    noUnusedLocals: false,
    declaration: false,
    rootDir: ROOT,
    ...(built ? {} : { paths }),
  };
}

function compile() {
  const settings = options();
  const host = ts.createCompilerHost(settings, true);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists.call(host, path);
  host.readFile = (path) => virtual.get(path) ?? readFile.call(host, path);
  host.directoryExists = (path) => path.includes('docs/__code') || ts.sys.directoryExists(path);
  host.getSourceFile = (path, ...rest) =>
    virtual.has(path)
      ? ts.createSourceFile(path, virtual.get(path), rest[0], true)
      : parsedOnce(path, () => getSourceFile.call(host, path, ...rest));
  const program = ts.createProgram([...virtual.keys()], settings, host);
  return blocks.flatMap((block) => {
    const file = program.getSourceFile(block.file);
    const found = [
      ...program.getSyntacticDiagnostics(file),
      ...(block.language === 'ts' ? program.getSemanticDiagnostics(file) : []),
    ];
    return found.map((diagnostic) => ({ block, diagnostic }));
  });
}

/** The declarations of Node and Nest are most of the work; they are the same in each pass. */
function parsedOnce(path, parse) {
  parsedOnce.files ??= new Map();
  if (!parsedOnce.files.has(path)) parsedOnce.files.set(path, parse());
  return parsedOnce.files.get(path);
}

function missingName(diagnostic) {
  // Node's own `module` is not what an example calls so.
  if (textOf(diagnostic).endsWith("on type 'Module'.")) return 'module';
  if (!OWN_NAMES.has(diagnostic.code)) return undefined;
  return /'(\w+)'/.exec(textOf(diagnostic))?.[1];
}

function remember(block, name) {
  if (!preludes.has(block.file)) preludes.set(block.file, new Set());
  preludes.get(block.file).add(name);
}

function isOurs(diagnostic) {
  return textOf(diagnostic).includes(`'${PACKAGE}`) || textOf(diagnostic).includes("'.");
}

function textOf(diagnostic) {
  return ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ').slice(0, 300);
}

function lineOf(block, { file, start }) {
  const { line } = ts.getLineAndCharacterOfPosition(file, start ?? 0);
  return block.line + line - (block.language === 'ts' ? 1 : 0);
}
