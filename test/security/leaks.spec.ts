import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const APPLICATION = fileURLToPath(new URL('leaks/application.mjs', import.meta.url));

interface Told {
  secrets: string[];
  told: string[];
}

/** Runs the application with all debugging on, Node's own (of http, net, streams, ...) included. */
async function run(): Promise<Told & { output: string; code: number | null }> {
  const child = spawn(process.execPath, [APPLICATION], {
    env: { ...process.env, DEBUG: '*', NODE_DEBUG: '*', NODE_ENV: 'development' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  let result: Told = { secrets: [], told: [] };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  child.on('message', (message) => (result = message as Told));
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...result, output, code };
}

/** Texts that hold a secret, whole or so much of it that the rest could be guessed. */
function leaks(output: string, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => output.includes(secret.slice(0, 20)));
}

describe('an application with all debugging and all events on', () => {
  it('prints no id, cookie value, token, secret, owner, address or session data, whatever goes wrong', async () => {
    const { output, secrets, told, code } = await run();
    expect([code, output.length > 1_000]).toEqual([0, true]);
    // Node and Koa did tell what they do.
    const isToldBy = (name: string): boolean => output.includes(`${name} `);
    expect(['HTTP', 'NET', 'STREAM', 'FETCH', 'KOA:APPLICATION'].filter(isToldBy)).toHaveLength(5);
    expect(secrets.length).toBeGreaterThan(60);
    // Everything that can be told was told: a run in which nothing happens leaks nothing.
    expect(told).toEqual(
      expect.arrayContaining([
        'created',
        'saved changed',
        'regenerated login',
        'regenerated requested',
        'regenerated rotateOn',
        'destroyed logout',
        'refused bad-signature',
        'refused duplicate-cookie',
        'refused malformed-id',
        'refused reserved-key',
        'refused undecodable',
        'failed store',
        'failed headers-sent',
      ]),
    );
    expect(leaks(output, secrets)).toEqual([]);
  });

  it('would be found out if it printed one', () => {
    const id = '0123456789abcdefghijklmnop';
    expect(leaks(`session:saved { key: '${id.slice(0, 22)}...' }`, [id])).toEqual([id]);
  });
});
