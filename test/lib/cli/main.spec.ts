import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Keygrip from 'keygrip';
import { encode, sealed } from '../../../lib/session/index.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const MAIN = join(ROOT, 'dist/lib/cli/main.js');

const KEY = 'kU2zcM0vD7tYxk1qkX3cfH6bF9nLw5Rz';
const OLD_KEY = 'an older key of the application';
const SEAL_KEY = '8rN3vQ6yT1wZ4xC7bM0kJ2hG5fD9sA_-';
const NOW = Date.UTC(2026, 10, 24, 12);
const DAY = 86_400_000;

interface Run {
  code: number | null;
  out: string;
  err: string;
}

function run(args: string[], env: Record<string, string> = {}, input = ''): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

function signed(record: Record<string, unknown>, name = 'koa.sess', key = KEY): string {
  return signedText(encode(record), name, key);
}

function signedText(value: string, name = 'koa.sess', key = KEY): string {
  const pair = `${name}=${value}`;
  return `${pair}; ${name}.sig=${new Keygrip([key]).sign(pair)}`;
}

const RECORD = { name: 'Ada', _expire: NOW + DAY, _maxAge: DAY };
const AT = ['--at', String(NOW)];
const ENV = { SESSION_KEY: KEY, SESSION_SEAL_KEY: SEAL_KEY };

let folder: string;

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('the tool is tested as built: run `npm run build` first');
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('the tool', () => {
  it('helps, with each command and without one', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, err: '' });
    for (const command of ['keygen', 'inspect', 'convert', 'prune']) {
      const { code, out } = await run([command, '--help']);
      expect(code).toBe(0);
      expect(out).toMatch(new RegExp(`^Usage: nestjs-koa-session ${command}`));
      expect(out).toMatch(/Exit codes: 0 /);
    }
  });

  it('helps under the other names that people try', async () => {
    const { out } = await run(['--help']);
    for (const args of [['help'], ['-h'], ['help', 'nonsense']]) {
      expect(await run(args)).toEqual({ code: 0, out, err: '' });
    }
    expect((await run(['help', 'inspect'])).out).toBe((await run(['inspect', '--help'])).out);
  });

  it('tells its version', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+/);
    expect((await run(['-v'])).out).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('names the commands to who asks for another, in two lines', async () => {
    const { code, err } = await run(['inspekt']);
    expect(code).toBe(2);
    expect(err).toBe(
      'there is no command "inspekt": there are keygen, inspect, convert, prune\nSee: nestjs-koa-session --help\n',
    );
  });

  it.each([[[]], [['frobnicate']], [['keygen', '--nonsense']], [['inspect']], [['prune']]])(
    'ends with 2 when called as %j, and says how to call it',
    async (args) => {
      const { code, out, err } = await run(args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/Usage:|--help/);
    },
  );
});

describe('keygen', () => {
  it('prints a different key each time, good for sealed cookies', async () => {
    const { code, out } = await run(['keygen', '--count', '3']);
    expect(code).toBe(0);
    const keys = out.trim().split('\n');
    expect(new Set(keys).size).toBe(3);
    expect(() => sealed({ keys })).not.toThrow();
  });

  it('takes a length and an encoding', async () => {
    const { out } = await run(['keygen', '--bytes', '48', '--encoding', 'hex']);
    expect(out).toMatch(/^[0-9a-f]{96}\n$/);
    expect((await run(['keygen', '--bytes', '8'])).code).toBe(2);
    expect((await run(['keygen', '--encoding', 'utf8'])).code).toBe(2);
  });
});

describe('inspect', () => {
  it('accepts a signed cookie, and shows its times and data', async () => {
    const { code, out } = await run(['inspect', signed(RECORD), ...AT], ENV);
    expect(code).toBe(0);
    expect(out).toMatch(/^accepted: koa\.sess\nformat: signed, \d+ bytes/);
    expect(out).toMatch('written: 2026-11-24T12:00:00.000Z\nends: 2026-11-25T12:00:00.000Z');
    expect(out).toMatch(/"name": "Ada"/);
    expect(out).not.toMatch(/_expire/);
  });

  it('says when the time is over, with the same cookie at another time', async () => {
    const later = ['--at', new Date(NOW + 2 * DAY).toISOString()];
    const { code, out } = await run(['inspect', signed(RECORD), ...later], ENV);
    expect(code).toBe(1);
    expect(out).toMatch(/^refused: its time was over on 2026-11-25T12:00:00\.000Z/);
  });

  it.each([
    ['changed data', signed(RECORD).replace('koa.sess=e', 'koa.sess=f'), /not made with any/],
    ['no signature', signed(RECORD).split(';')[0], /no signature/],
    ["another key's signature", signed(RECORD, 'koa.sess', 'other'), /not made with any/],
    ['a text that is neither', signedText('two words'), /neither base64 of JSON/],
  ])('refuses %s', async (_what, cookie, reason) => {
    const { code, out } = await run(['inspect', String(cookie), ...AT], ENV);
    expect(code).toBe(1);
    expect(out.split('\n')[0]).toMatch(reason);
  });

  it('says how to write a cookie, when given its value alone', async () => {
    const value = encode(RECORD);
    const { code, err } = await run(['inspect', value], ENV);
    expect(code).toBe(2);
    expect(err).toMatch('write "koa.sess=<value>; koa.sess.sig=<signature>"');
    expect(err).not.toMatch(value.slice(0, 8));
  });

  it('notes that an older key signed it', async () => {
    const keys = file('keys', `${KEY}\n${OLD_KEY}\n`);
    const cookie = signed(RECORD, 'koa.sess', OLD_KEY);
    const { code, out } = await run(['inspect', cookie, ...AT, '--keys-file', keys]);
    expect(code).toBe(0);
    expect(out).toMatch(/note: signed with key 2 of the list/);
  });

  it('opens a sealed cookie, and says why one stays closed', async () => {
    const cookie = `sid=${sealed({ keys: SEAL_KEY }).encode(RECORD, { name: 'sid' })}`;
    const options = ['--name', 'sid', ...AT];
    expect(await run(['inspect', cookie, ...options], ENV)).toMatchObject({ code: 0 });

    const moved = cookie.replace('sid=', 'other=');
    const renamed = await run(['inspect', moved, '--name', 'other', ...AT], ENV);
    expect(renamed).toMatchObject({
      code: 1,
      out: expect.stringMatching(/for another cookie name/),
    });
    const revoked = await run(['inspect', cookie, ...options, '--not-before', '2100-01-01'], ENV);
    expect(revoked).toMatchObject({ code: 1, out: expect.stringMatching(/before --not-before/) });
    const otherKey = { SESSION_SEAL_KEY: 'Zq4w7e1r0t9y2u5i8o3p6a_sd-fghjklm' };
    expect(await run(['inspect', cookie, ...options], otherKey)).toMatchObject({ code: 1 });
  });

  it('applies the absolute limit', async () => {
    const old = { ...RECORD, _created: NOW - 10 * DAY };
    const limit = (days: number): string[] => ['--absolute-max-age', String(days * DAY)];
    expect((await run(['inspect', signed(old), ...AT, ...limit(11)], ENV)).code).toBe(0);
    const { code, out } = await run(['inspect', signed(old), ...AT, ...limit(9)], ENV);
    expect(code).toBe(1);
    expect(out).toMatch(/^refused: it is too old/);
  });

  it('refuses what browsers drop without a word', async () => {
    const large = { text: 'x'.repeat(4_096), _expire: NOW + DAY, _maxAge: DAY };
    const { code, out } = await run(['inspect', signed(large), ...AT], ENV);
    expect(code).toBe(1);
    expect(out).toMatch(/^refused: browsers drop it/);
  });

  it('looks the record of an id up in a store', async () => {
    const store = file(
      'store.mjs',
      `const records = { 'an-id-of-the-store': ${JSON.stringify(RECORD)} };
       export default () => ({ get: async (id) => records[id], set() {}, destroy() {} });`,
    );
    const found = await run(
      ['inspect', signedText('an-id-of-the-store'), '--store', store, ...AT],
      ENV,
    );
    expect(found).toMatchObject({ code: 0, out: expect.stringMatching(/"name": "Ada"/) });
    const missing = await run(['inspect', signedText('another-id'), '--store', store, ...AT], ENV);
    expect(missing).toMatchObject({ code: 1, out: expect.stringMatching(/no record/) });
  });

  it('reads the cookie from standard input, and prints JSON', async () => {
    const { code, out } = await run(['inspect', '-', '--json', ...AT], ENV, signed(RECORD));
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      cookie: 'koa.sess',
      format: 'signed',
      accepted: true,
      data: { name: 'Ada' },
      times: { ends: '2026-11-25T12:00:00.000Z' },
    });
  });

  it('shows nothing of a key, and lets nothing of a stranger steer the terminal', async () => {
    const record = { text: '\u009b31m\u001b[2J\u202e', _expire: NOW + DAY, _maxAge: DAY };
    for (const keys of [ENV, { SESSION_KEY: `[${KEY}` }, { SESSION_KEY: '' }]) {
      const { out, err } = await run(['inspect', signed(record), ...AT], keys);
      expect(out + err).not.toMatch(KEY);

      expect(out + err).not.toMatch(/[\u001b\u009b\u202e]/);
    }
  });

  it('says where keys are expected when there are none', async () => {
    const { code, err } = await run(['inspect', signed(RECORD)]);
    expect(code).toBe(2);
    expect(err).toMatch(
      /environment variable SESSION_KEY: set it, or name a file with --keys-file/,
    );
  });
});

describe('convert', () => {
  it('seals a signed cookie, and signs a sealed one, without changing what it holds', async () => {
    const there = await run(['convert', signed(RECORD), '--to', 'sealed'], ENV);
    expect(there.code).toBe(0);
    const seal = there.out.trim().replace('koa.sess=', '');
    expect(sealed({ keys: SEAL_KEY }).decode(seal, { name: 'koa.sess' })).toEqual(RECORD);

    const back = await run(['convert', there.out.trim(), '--to', 'signed'], ENV);
    expect(back.out.trim()).toBe(signed(RECORD));
  });

  it('converts nothing that it would not accept', async () => {
    const forged = signed(RECORD, 'koa.sess', 'other');
    const { code, out } = await run(['convert', forged, '--to', 'sealed'], ENV);
    expect(code).toBe(1);
    expect(out).toMatch(/^refused: its signature/);
    expect((await run(['convert', signed(RECORD)], ENV)).code).toBe(2);
  });
});

describe('prune', () => {
  it('prunes the store that a module exports, and closes it', async () => {
    const path = file(
      'prunable.mjs',
      `let closed = 0;
       process.on('exit', () => console.log('closed', closed));
       export const sessions = {
         get() {}, set() {}, destroy() {},
         prune: async () => 3,
         close: async () => { closed++; },
       };`,
    );
    const { code, out } = await run(['prune', path, '--export', 'sessions']);
    expect({ code, out }).toEqual({ code: 0, out: '3 expired records removed\nclosed 1\n' });
  });

  it('tells wrong usage from a backend that fails', async () => {
    const plain = file('plain.mjs', 'export default { get() {}, set() {}, destroy() {} };');
    expect(await run(['prune', plain])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/cannot be pruned/),
    });
    expect((await run(['prune', join(folder, 'nothing.mjs')])).code).toBe(2);
    const broken = file(
      'broken.mjs',
      `export default { get() {}, set() {}, destroy() {}, prune: async () => { throw new Error('down'); } };`,
    );
    expect(await run(['prune', broken])).toMatchObject({ code: 1, err: 'prune: down\n' });
  });
});
