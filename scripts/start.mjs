// Prevents: samples that nobody runs since nobody knows how. `npm start` runs the first of them,
// `npm start 02-login`, or `npm start 02`, another.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const samples = readdirSync(new URL('../sample', import.meta.url)).sort();
const [wanted = samples[0]] = process.argv.slice(2);
const name = samples.find((sample) => sample === wanted || sample.startsWith(`${wanted}-`));
if (name === undefined) {
  console.error(`There is no sample "${wanted}". There are:\n  ${samples.join('\n  ')}`);
  process.exit(2);
}

const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
const args = [nest, 'start', name];
process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
