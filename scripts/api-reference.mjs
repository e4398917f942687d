// Prevents: a reference of the exports that says something else than the code. Writes docs/api from
// the doc comments; `--check` only looks whether each export has one.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, ReflectionKind } from 'typedoc';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'docs/api');

const app = await Application.bootstrapWithPlugins({
  name: 'nestjs-koa-session',
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: [
    'src/index.ts',
    'lib/session/index.ts',
    'lib/platform-koa/index.ts',
    'lib/platform-koa/apollo/index.ts',
    'lib/testing/index.ts',
    ...readdirSync(join(ROOT, 'lib/stores'))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `lib/stores/${file}`),
  ].map((path) => join(ROOT, path)),
  tsconfig: join(ROOT, 'tsconfig.build.json'),
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  disableSources: true,
  hideGenerator: true,
  modifierTags: ['@publicApi', '@internal', '@readonly'],
  // All that is shown here is public.
  excludeTags: ['@publicApi'],
  blockTags: ['@param', '@returns', '@throws', '@example', '@see', '@deprecated', '@defaultValue'],
  validation: { notExported: false, invalidLink: false, notDocumented: false },
  // TypeDoc's own default is docs/, which it would empty first.
  cleanOutputDir: false,
  out: OUT,
  outputs: [{ name: 'markdown', path: OUT }],
  logLevel: 'Warn',
});

const project = await app.convert();
if (project === undefined) process.exit(1);
// A module is called as it is imported.
for (const module of project.children ?? []) {
  module.name = `nestjs-koa-session/${module.name}`
    .replace(/\/src$/, '')
    .replace(/\/lib(?=\/)/, '')
    .replace(/\/index$/, '');
}
const undocumented = project
  .getReflectionsByKind(ReflectionKind.ExportContainer)
  .flatMap((container) => (container.isDeclaration() ? (container.children ?? []) : []))
  .filter((each) => !each.isReference() && !isDocumented(each))
  .map((each) => each.getFullName());
if (undocumented.length > 0) {
  console.error(`Exports without a doc comment:\n\n  ${undocumented.join('\n  ')}`);
  process.exit(1);
}
if (process.argv.includes('--check')) {
  console.log('Every export is documented.');
} else {
  rmSync(OUT, { recursive: true, force: true });
  await app.generateOutputs(project);
  console.log('The reference is in docs/api.');
}

function isDocumented(reflection) {
  const { comment, signatures = [] } = reflection;
  return [comment, ...signatures.map((each) => each.comment)].some(
    (each) => each !== undefined && each.summary.length > 0,
  );
}
