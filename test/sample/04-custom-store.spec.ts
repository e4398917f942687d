import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser } from '../support/browser.js';
import { type RunningSample, startSample } from '../support/sample.js';

describe('sample 04-custom-store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sample-04-'));
  const browser = { first: new Browser(''), second: new Browser('') };
  let sample: RunningSample;

  const start = async () => {
    sample = await startSample('04-custom-store', { SESSION_FOLDER: folder });
    // The port changes with each start; the cookies stay.
    for (const each of Object.values(browser)) Object.assign(each, { base: sample.url });
  };

  beforeAll(start, 120_000);

  afterAll(async () => {
    await sample?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('counts in a file for each browser, whose name gives no id', async () => {
    expect(await browser.first.text('/')).toBe('1 views');
    expect(await browser.first.text('/')).toBe('2 views');
    expect(await browser.second.text('/')).toBe('1 views');
    const files = readdirSync(folder);
    expect(files).toHaveLength(2);
    const [cookie] = await browser.first.jar.getCookies(sample.url);
    expect(files.join()).not.toContain(cookie?.value);
  });

  it('goes on counting after a restart', async () => {
    await sample.stop();
    await start();
    expect(await browser.first.text('/')).toBe('3 views');
  }, 120_000);

  it('begins anew where a file cannot be read', async () => {
    for (const file of readdirSync(folder)) {
      const path = join(folder, file);
      if (readFileSync(path, 'utf8').includes('"views":3')) writeFileSync(path, '{"views":');
    }
    expect(await browser.first.text('/')).toBe('1 views');
    expect(await browser.second.text('/')).toBe('2 views');
  });

  it('removes the file with the session', async () => {
    const before = readdirSync(folder).length;
    await browser.second.fetch('/', { method: 'DELETE' });
    expect(readdirSync(folder)).toHaveLength(before - 1);
    expect(await browser.second.text('/')).toBe('1 views');
  });
});
