import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REPORT = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 1,
  numRuntimeErrorTestSuites: 0,
};

/** What the script prints for the commands: exit code, and the report of those that count tests. */
function counts(commands: Record<string, { code: number; report?: object }>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'counts-'));
  try {
    for (const [name, { code, report }] of Object.entries(commands)) {
      writeFileSync(join(folder, `${name}.exit`), `${code} 7\n`);
      if (report) writeFileSync(join(folder, `${name}.json`), JSON.stringify(report));
    }
    const { stdout } = spawnSync(process.execPath, ['scripts/counts.mjs', folder], {
      encoding: 'utf8',
    });
    return stdout.trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the closing lines of a CI run', () => {
  it('sum up what every command counted, a command without counts as one', () => {
    const lines = counts({
      check: { code: 0 },
      tests: { code: 0, report: REPORT },
      matrix: { code: 1, report: { ...REPORT, numFailedTests: 2, numRuntimeErrorTestSuites: 1 } },
    });
    expect(lines).toContain('tests: 5 passed, 0 failed, 1 skipped (7 s)');
    expect(lines.at(-1)).toBe('11 passed, 3 failed, 2 skipped');
  });

  it('say that the process failed where all of its tests passed, and count that as a failure', () => {
    const lines = counts({ tests: { code: 1, report: REPORT } });
    expect(lines[0]).toMatch(/^tests: exit code 1 although no test failed .*"torn down"/);
    expect(lines.at(-1)).toBe('5 passed, 1 failed, 1 skipped');
  });

  it('count a command that left no report as a failure', () => {
    const lines = counts({ readme: { code: 2 } });
    expect(lines).toEqual([
      'readme: failed with exit code 2 (7 s)',
      '0 passed, 1 failed, 0 skipped',
    ]);
  });
});
