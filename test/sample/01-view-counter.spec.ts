import { Browser } from '../support/browser.js';
import { type RunningSample, startSample } from '../support/sample.js';

describe('sample 01-view-counter', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('01-view-counter');
  }, 120_000);

  afterAll(() => sample?.stop());

  it('counts the views of each browser', async () => {
    const first = new Browser(sample.url);
    const second = new Browser(sample.url);
    expect(await first.text('/')).toBe('1 views');
    expect(await first.text('/')).toBe('2 views');
    expect(await second.text('/')).toBe('1 views');
    expect(await first.text('/')).toBe('3 views');
  });

  it('keeps the count in a signed cookie that scripts cannot read', async () => {
    const answer = await new Browser(sample.url).fetch('/');
    const cookies = answer.headers.getSetCookie();
    expect(cookies).toHaveLength(2);
    expect(cookies[0]).toMatch(/^koa\.sess=[A-Za-z0-9+/]+={0,2}; path=\/; httponly$/);
    expect(cookies[1]).toMatch(/^koa\.sess\.sig=[\w-]{27}; path=\/; httponly$/);
  });
});
