// npm run bench: measures what the project claims of its speed, and compares it with its targets.
import { parseArgs } from 'node:util';
import { CLAIMS, SETTINGS } from './claims.mjs';
import { line, machine, writeReport } from './report.mjs';

const HELP = `npm run bench -- [options]

  --quick         less than two minutes, with more noise; docs/benchmarks.md stays as it is
  --only <name>   one measurement, may be repeated: ${Object.keys(CLAIMS).join(', ')}
  --json          the figures as JSON
  --help
`;

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  process.stdout.write(HELP);
  process.exit();
}

const chosen = flags.only ?? Object.keys(CLAIMS);
const unknown = chosen.find((name) => !Object.hasOwn(CLAIMS, name));
if (unknown !== undefined) {
  process.stderr.write(`There is no measurement "${unknown}".\n\n${HELP}`);
  process.exit(1);
}

const settings = flags.quick ? SETTINGS.QUICK : SETTINGS.FULL;
const started = Date.now();

function showProgress(name) {
  if (!process.stderr.isTTY) {
    process.stderr.write(`${name} ...\n`);
    return () => undefined;
  }
  return (done, all) => {
    const percent = String(Math.round((100 * done) / all)).padStart(3);
    const seconds = Math.round((Date.now() - started) / 1000);
    process.stderr.write(`\r\x1b[K${percent} %  ${name}  (${seconds} s so far)`);
  };
}

const rows = [];
const plots = [];
for (const name of chosen) {
  const progress = showProgress(name);
  progress(0, 1);
  const measured = await CLAIMS[name](settings, progress);
  const result = Array.isArray(measured) ? { rows: measured, plots: [] } : measured;
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  rows.push(...result.rows);
  plots.push(...result.plots);
  if (!flags.json) for (const row of result.rows) console.log(line(row));
}

if (flags.json) console.log(JSON.stringify({ machine: machine(), rows, plots }, null, 2));
if (!flags.quick && flags.only === undefined) {
  writeReport(rows, plots);
  process.stderr.write('Written: docs/benchmarks.md\n');
}
const short = rows.filter(({ value, atMost }) => atMost !== undefined && value > atMost);
process.stderr.write(
  `${rows.length} figures in ${Math.round((Date.now() - started) / 1000)} s, ${short.length} fall short\n`,
);
