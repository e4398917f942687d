import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWith, service } from '../support/services.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const redis = await service('Redis');

/** `npm run bench -- --only redis`: a proxy counts what goes over the wire. */
function count(url: string): Promise<Record<string, number>> {
  if (!existsSync(join(ROOT, 'dist/lib'))) {
    throw new Error('the benchmarks import the built package: run `npm run build` first');
  }
  const child = fork(join(ROOT, 'bench/workers/main.mjs'), ['redis-trips', '{}'], {
    execArgv: [],
    env: { ...process.env, REDIS_URL: url, NODE_ENV: 'production' },
  });
  return new Promise((resolve, reject) => {
    child.on('message', ({ result }: { result?: Record<string, number> }) => {
      if (result !== undefined) resolve(result);
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the measurement ended with ${code}`)));
  });
}

describeWith('round trips to Redis', redis, 'Redis', ({ url }) => {
  it('a request costs as few as it can', async () => {
    expect(await count(url)).toEqual({
      anonymous: 0,
      read: 1,
      changed: 2,
      rolling: 1,
      rollingChanged: 2,
    });
  });
});

afterAll(() => redis?.stop());
