import { type PackedPackage, packPackage } from '../packaging/packed.js';
import { Browser } from '../support/browser.js';
import { filesIn, runPrograms, writeFiles } from './guide.js';

const NEST = ['@nestjs/common', '@nestjs/core', 'koa', 'reflect-metadata', 'rxjs'];

let packed: PackedPackage;

beforeAll(() => {
  packed = packPackage();
});

afterAll(() => packed.remove());

describe('docs/migrate-from-express-session.md', () => {
  it('moves a user to the new application, logged in, and ends the old session', async () => {
    const home = packed.application(...NEST, '@nestjs/platform-express', 'express-session');
    writeFiles(home, filesIn('docs/migrate-from-express-session.md'));
    const [before = '', after = ''] = await runPrograms(home, 'before/main.js', 'after/main.js');
    // One jar for both: cookies know hosts, and no ports.
    const browser = new Browser(before);
    const oldAgain = new Browser(before);

    expect(await browser.text('/')).toBe('1 views');
    expect(await browser.text('/')).toBe('2 views');
    const oldCookie = await browser.jar.getCookieString(before);
    expect(await browser.text(`${after}/`)).toBe('3 views');
    expect(await browser.text(`${after}/`)).toBe('4 views');
    expect(await browser.jar.getCookieString(after)).not.toMatch(/\bsid=/);

    const replayed = await oldAgain.fetch('/', { headers: { cookie: oldCookie } });
    expect(await replayed.text()).toBe('1 views');
    const forged = { headers: { cookie: oldCookie.replace(/s%3A.{4}/, 's%3Aaaaa') } };
    expect(await (await new Browser(after).fetch('/', forged)).text()).toBe('1 views');
    const malformed = { headers: { cookie: 'sid=%' } };
    expect(await (await new Browser(after).fetch('/', malformed)).text()).toBe('1 views');

    expect((await browser.fetch(`${after}/logout`, { method: 'POST' })).status).toBe(201);
    expect(await browser.text(`${after}/`)).toBe('1 views');
  });
});

describe('docs/migrate-from-platform-express.md', () => {
  it('gives the same answers before and after', async () => {
    const home = packed.application(...NEST, '@nestjs/platform-express', 'multer');
    writeFiles(home, filesIn('docs/migrate-from-platform-express.md'));
    const urls = await runPrograms(home, 'before/main.js', 'after/main.js');
    for (const url of urls) {
      const headers = { 'x-forwarded-proto': 'https', 'user-agent': 'a test' };
      const who = await fetch(`${url}/who`, { headers });
      expect(await who.json()).toEqual({ path: '/who', agent: 'a test' });
      expect(who.headers.get('x-protocol')).toBe('https');
      expect(who.headers.get('x-middleware')).toBe('ran');

      const body = new FormData();
      body.set('file', new Blob(['content']), 'note.txt');
      const uploaded = await fetch(`${url}/upload`, { method: 'POST', body });
      expect(await uploaded.json()).toEqual({ name: 'note.txt', size: 7 });
      expect((await fetch(`${url}/nothing`)).status).toBe(404);
    }
  });
});
