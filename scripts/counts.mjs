// Prevents: a CI log from which nobody can tell how many tests ran, or why it failed when all passed.
// The argument is a folder with, for each command, NAME.exit (its exit code and seconds) and, where
// it counts tests, NAME.json in the shape of Jest's report. The last line has the sums.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const commands = readdirSync(folder)
  .filter((file) => file.endsWith('.exit'))
  .map((file) => readCommand(file.slice(0, -'.exit'.length)));

console.log();
for (const command of commands) console.log(describe(command));
const sum = (key) => commands.reduce((total, command) => total + command[key], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);

function readCommand(name) {
  const [code, seconds] = readFileSync(join(folder, `${name}.exit`), 'utf8')
    .split(' ')
    .map(Number);
  const report = join(folder, `${name}.json`);
  const counts = existsSync(report)
    ? countsOf(JSON.parse(readFileSync(report, 'utf8')))
    : undefined;
  const command = { name, code, seconds, passed: 0, failed: 0, skipped: 0, ...counts };
  if (counts === undefined && code === 0) command.passed = 1;
  // No failure is to be hidden by a report that lacks it: it was cut short, or all its tests passed.
  command.unexplained = code !== 0 && command.failed === 0;
  if (command.unexplained) command.failed = 1;
  command.counted = counts !== undefined;
  return command;
}

function countsOf(report) {
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + (report.numRuntimeErrorTestSuites ?? 0),
    skipped: report.numPendingTests,
  };
}

function describe({ name, code, seconds, passed, failed, skipped, unexplained, counted }) {
  if (unexplained && counted)
    return (
      `${name}: exit code ${code} although no test failed (${passed} passed, ${seconds} s). ` +
      'Something went on after its test file had ended: look above for "torn down" or "did not exit".'
    );
  if (unexplained) return `${name}: failed with exit code ${code} (${seconds} s)`;
  return `${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds} s)`;
}
