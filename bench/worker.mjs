// Runs one of the measurements under workers/ in a process of its own.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('workers/main.mjs', import.meta.url));

export function runWorker(name, settings, progress, flags = []) {
  return new Promise((resolve, reject) => {
    const child = fork(MAIN, [name, JSON.stringify(settings)], {
      execArgv: flags,
      env: { ...process.env, NODE_ENV: 'production' },
    });
    child.on('message', ({ done, all, result }) => {
      if (result === undefined) progress(done, all);
      else resolve(result ?? undefined);
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the measurement "${name}" ended with ${code}`)));
  });
}
