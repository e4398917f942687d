import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SETTINGS = { users: 20_000, requests: 60_000 };

interface Heap {
  /** How many requests there were, and the bytes in use after them. */
  points: [number, number][];
  /** The keys and the JSON of all records, and what the store takes for them. */
  recordBytes: number;
  storeBytes: number;
}

/** `npm run bench -- --only heap`, in short. */
function measure(): Promise<Heap> {
  if (!existsSync(join(ROOT, 'dist/lib'))) {
    throw new Error('the benchmarks import the built package: run `npm run build` first');
  }
  const child = fork(join(ROOT, 'bench/workers/main.mjs'), ['heap', JSON.stringify(SETTINGS)], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  return new Promise((resolve, reject) => {
    child.on('message', ({ result }: { result?: Heap }) => {
      if (result !== undefined) resolve(result);
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the measurement ended with ${code}`)));
  });
}

it('the memory store takes little more than the bytes of its records, and does not grow', async () => {
  const { points, recordBytes, storeBytes } = await measure();
  // 1.5 at 100,000 users; what does not depend on their number weighs more here.
  expect(storeBytes / recordBytes).toBeLessThan(1.75);
  const [, first] = points[1] as [number, number];
  const [, last] = points.at(-1) as [number, number];
  expect(last / first).toBeLessThan(1.05);
});
