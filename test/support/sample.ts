import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A sample that runs in a process of its own. */
export interface RunningSample {
  /** `http://localhost:<port>`, as the sample printed it. */
  url: string;
  /** Ends the process, and resolves when it is gone. */
  stop(): Promise<void>;
}

/**
 * Builds a sample as `nest start <name>` does and runs it on a free port.
 *
 * @param name its folder in `sample/`.
 * @param env further environment variables.
 * @throws Error with all that the compiler or the sample printed, when either fails.
 */
export async function startSample(
  name: string,
  env: Record<string, string> = {},
): Promise<RunningSample> {
  if (!existsSync(join(ROOT, 'dist'))) {
    throw new Error('samples import the built package: run `npm run build` first');
  }
  build(name);
  const child = spawn(process.execPath, [join(ROOT, 'sample', name, 'dist/main.js')], {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let printed = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      const [found] = /http:\/\/localhost:\d+/.exec(printed) ?? [];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then(() => {
      reject(new Error(`sample ${name} ended before it listened:\n${printed}`));
    });
  });
  return {
    url,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

function build(name: string): void {
  const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [nest, 'build', name], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`sample ${name} does not compile:\n${stdout}${stderr}`);
}
