import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Browser } from '../support/browser.js';

const HERE = dirname(fileURLToPath(import.meta.url));

/** A program of `programs/` that serves, and what it prints. */
export interface Program {
  browser: Browser;
  /** The lines printed until now that `pick` returns something for, as soon as there are `count`. */
  lines<T>(count: number, pick: (line: string) => T | undefined): Promise<T[]>;
}

const running: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

/** Runs a program in plain Node, with `flags` of Node's, on the built package, until the test ends. */
export async function startProgram(name: string, flags: string[] = []): Promise<Program> {
  if (!existsSync(join(HERE, '../../dist'))) {
    throw new Error('these programs use the built package: run `npm run build` first');
  }
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(process.execPath, [...flags, join(HERE, 'programs', `${name}.mjs`)], {
    env: { ...env, FORCE_COLOR: '0', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let changed = (): void => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      changed();
    });
  }
  const ended = once(child, 'exit').then(() => changed());
  running.push(() => {
    child.kill();
    return ended;
  });

  async function until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`${name}.mjs ended:\n${printed}`);
      await new Promise<void>((resolve) => (changed = resolve));
    }
  }

  const url = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0]);
  return {
    browser: new Browser(url),
    lines: (count, pick) =>
      until(() => {
        const picked = printed
          .split('\n')
          .slice(0, -1)
          .flatMap((line) => pick(line) ?? []);
        return picked.length >= count ? picked : undefined;
      }) as never,
  };
}

/** The JSON on a line, if there is any. */
export function parsed(line: string): Record<string, unknown> | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : undefined;
}
