import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// A program of its own, since merging into SessionData types every session of a program.
const PROJECT = fileURLToPath(new URL('./cases', import.meta.url));

describe('the types', () => {
  it('accept what is right and refuse what is marked with @ts-expect-error', () => {
    const tsc = join(createRequire(import.meta.url).resolve('typescript'), '../../bin/tsc');
    const arguments_ = [tsc, '--project', PROJECT, '--noEmit', '--pretty', 'false'];
    const { stdout } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
    expect(stdout).toBe('');
  }, 120_000);
});
