import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../packaging/packed.js';

/** The code blocks of a page that name the file they stand for in their first line. */
export function filesIn(page: string): Map<string, string> {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = text.matchAll(/^```[tj]s\n\/\/ ([\w./-]+)\n([\s\S]*?)^```$/gm);
  return new Map(Array.from(blocks, ([, name, code]) => [String(name), String(code)]));
}

/** Writes a page's files into an application's folder, as JavaScript. */
export function writeFiles(home: string, files: ReadonlyMap<string, string>): void {
  writeFileSync(join(home, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  for (const [name, code] of files) {
    const target = join(home, name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, compiled(code));
  }
}

function compiled(code: string): string {
  return ts.transpileModule(code, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      verbatimModuleSyntax: true,
    },
  }).outputText;
}

const running: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

/**
 * Runs programs of an application in one process, each on a port of its own, until the test ends.
 *
 * @returns their URLs, in the order of `mains`.
 */
export async function runPrograms(home: string, ...mains: string[]): Promise<string[]> {
  const ports = await Promise.all(mains.map(freePort));
  const code = mains
    .map((main, i) => `process.env.PORT = '${ports[i]}'; await import('./${main}');`)
    .join('\n');
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `${code}\nconsole.log('up')`],
    {
      cwd: home,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const ended = once(child, 'exit');
  running.push(() => {
    child.kill();
    return ended;
  });
  let printed = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      if (/^up$/m.test(printed)) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then(() => reject(new Error(`the programs of the guide ended:\n${printed}`)));
  });
  return ports.map((port) => `http://127.0.0.1:${port}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
