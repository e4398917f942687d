import { startProgram } from './program.js';

it('@nestjs/throttler counts requests by address, and says so in headers', async () => {
  const { browser } = await startProgram('throttler');
  const first = await browser.fetch('/');
  expect(first.status).toBe(200);
  expect(first.headers.get('x-ratelimit-limit')).toBe('2');
  expect(first.headers.get('x-ratelimit-remaining')).toBe('1');
  expect((await browser.fetch('/')).status).toBe(200);

  const refused = await browser.fetch('/');
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await browser.fetch('/free')).status).toBe(200);
});
