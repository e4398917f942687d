import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Cookie } from 'tough-cookie';
import Koa from 'koa';
import { createSession, sealed, type SessionOptions, strict } from '../../../lib/session/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import { openRisks } from '../../../lib/session/unsafe-notice.js';
import { resolveOptions } from '../../../lib/session/options.js';
import { inProcess } from '../../support/in-process.js';

const KEY = 'a secret of at least 32 bytes, for tests';

describe('strict()', () => {
  it('gives a cookie that a browser keeps to this host, to HTTPS and from scripts', async () => {
    const app = new Koa({ proxy: true });
    app.keys = ['a key for tests'];
    app.use(createSession({ ...strict(), store: new MemoryStore() }, app));
    const { setCookie } = await inProcess(app, (ctx) => {
      Object.defineProperty(ctx.request, 'secure', { value: true });
      Object.assign(ctx.session, { userId: 'alice' });
    });
    const cookie = Cookie.parse(setCookie[0] as string);
    expect(cookie).toMatchObject({
      key: '__Host-sid',
      secure: true,
      httpOnly: true,
      sameSite: 'lax',
      path: '/',
      domain: null,
      expires: 'Infinity',
    });
    expect(cookie?.value).toMatch(/^[\w-]{43}$/);
  });

  it('sets what its table in the documentation says, and nothing else', () => {
    const page = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');
    const [, section = ''] = /^## strict\(\)\n(.*?)^## /ms.exec(page) ?? [];
    const rows = [...section.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)];
    const told = Object.fromEntries(rows.map(([, name = '', value = '']) => [name, value]));
    const minute = 60_000;
    const values: Record<string, unknown> = {
      '30 minutes': 30 * minute,
      '12 hours': 720 * minute,
    };
    const read = (text: string): unknown => {
      if (text in values) return values[text];
      const items = [...text.matchAll(/`([^`]+)`/g)].map(([, item = '']) => item);
      if (items.length > 1) return items;
      return /^\d+$/.test(text) ? Number(text) : JSON.parse((items[0] ?? '').replace(/'/g, '"'));
    };
    const expected = Object.fromEntries(
      Object.entries(told).map(([name, text]) => [name, read(text)]),
    );
    // The path is part of what `__Host-` means.
    expect(strict()).toEqual({ ...expected, path: '/' });
  });

  it('leaves nothing open that an option could close', () => {
    const sealing: SessionOptions = { ...strict(), codec: sealed({ keys: KEY }) };
    expect(openRisks(resolveOptions(sealing))).toEqual([]);
    expect(openRisks(resolveOptions({ ...strict(), store: new MemoryStore() }))).toEqual([]);
  });
});

describe('the start-up notice', () => {
  /** In a process of its own, which is the only one whose warnings are its own. */
  function startIn(mode: string | undefined, options: object): string {
    const { NODE_ENV: _, ...environment } = process.env;
    const script = `
      import Koa from 'koa';
      import session from 'nestjs-koa-session/session';
      session(${JSON.stringify(options)}, new Koa());`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: mode === undefined ? environment : { ...environment, NODE_ENV: mode },
    });
    return stderr;
  }

  it('tells a developer what koa-session’s configuration leaves open', () => {
    const notice = startIn('development', {});
    for (const name of ['codec', 'secure', 'sameSite', 'absoluteMaxAge', 'rotateOn']) {
      expect(notice).toContain(`"${name}"`);
    }
  });

  it('is silent in production, without NODE_ENV, and when it is switched off', () => {
    expect(startIn('production', {})).toBe('');
    expect(startIn(undefined, {})).toBe('');
    expect(startIn('development', { notice: false })).toBe('');
  });
});
