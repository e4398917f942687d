import { Browser } from '../support/browser.js';
import { type RunningSample, startSample } from '../support/sample.js';

describe('sample 03-plain-koa', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('03-plain-koa');
  }, 120_000);

  afterAll(() => sample?.stop());

  it('counts the views of each browser, on Koa alone', async () => {
    const first = new Browser(sample.url);
    const second = new Browser(sample.url);
    expect(await first.text('/')).toBe('1 views');
    expect(await first.text('/')).toBe('2 views');
    expect(await second.text('/')).toBe('1 views');
    expect(await first.text('/')).toBe('3 views');
  });

  it('does not count the icon that browsers ask for', async () => {
    const browser = new Browser(sample.url);
    expect((await browser.fetch('/favicon.ico')).status).toBe(404);
    expect(await browser.text('/')).toBe('1 views');
  });
});
