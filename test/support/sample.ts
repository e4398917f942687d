import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packPackage, ROOT } from '../packaging/packed.js';

/** A sample that runs in a process of its own. */
export interface RunningSample {
  /** `http://localhost:<port>`, as the sample printed it. */
  url: string;
  /** Ends the process, and resolves when it and its folder are gone. */
  stop(): Promise<void>;
}

/**
 * Copies a sample to an empty folder with the packed package, as its users install it, builds it
 * there as `nest start <name>` does, and runs it on a free port.
 *
 * @param name its folder in `sample/`.
 * @param env further environment variables.
 * @throws Error with all that the compiler or the sample printed, when either fails.
 */
export async function startSample(
  name: string,
  env: Record<string, string> = {},
): Promise<RunningSample> {
  const packed = packPackage();
  const home = packed.workspace();
  try {
    for (const path of ['nest-cli.json', 'tsconfig.json', join('sample', name)]) {
      cpSync(join(ROOT, path), join(home, path), { recursive: true, filter: isSource });
    }
    await build(home, name);
    const { url, stop } = await run(join(home, 'sample', name, 'dist/main.js'), env);
    return { url, stop: () => stop().finally(() => packed.remove()) };
  } catch (error) {
    packed.remove();
    throw error;
  }
}

function isSource(path: string): boolean {
  return !path.endsWith('dist');
}

async function build(home: string, name: string): Promise<void> {
  const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  try {
    await promisify(execFile)(process.execPath, [nest, 'build', name], { cwd: home });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`the sample ${name} does not compile:\n${stdout}${stderr}`, { cause: error });
  }
}

async function run(main: string, env: Record<string, string>): Promise<RunningSample> {
  // The test runner's own flags must not reach the application.
  const { NODE_OPTIONS: _options, ...own } = process.env;
  const child = spawn(process.execPath, [main], {
    env: { ...own, PORT: '0', ...env },
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
    void ended.then(() => reject(new Error(`${main} ended before it listened:\n${printed}`)));
  });
  return {
    url,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
