import { type Browser as Chromium, chromium, type Page } from 'playwright-core';
import { Browser } from '../support/browser.js';
import { findProgram } from '../support/processes.js';
import { type RunningSample, startSample } from '../support/sample.js';
import { describeWith } from '../support/services.js';

let sample: RunningSample;

beforeAll(async () => {
  sample = await startSample('02-login');
}, 120_000);

afterAll(() => sample?.stop());

const form = (fields: Record<string, string>) => ({
  method: 'POST',
  body: new URLSearchParams(fields),
});
const right = form({ username: 'ann', password: 'correct horse' });

describe('sample 02-login', () => {
  it('sends who is not logged in to the login form, and says so once', async () => {
    const browser = new Browser(sample.url);
    const answer = await browser.fetch('/');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login']);
    expect(await browser.text('/login')).toContain('Please log in first.');
    expect(await browser.text('/login')).not.toContain('Please log in first.');
  });

  it('refuses a wrong password', async () => {
    const browser = new Browser(sample.url);
    const answer = await browser.fetch('/login', form({ username: 'ann', password: 'wrong' }));
    expect(answer.headers.get('location')).toBe('/login');
    expect(await browser.text('/login')).toContain('Wrong name or password.');
    expect((await browser.fetch('/')).headers.get('location')).toBe('/login');
  });

  it('gives the session a new id with the login', async () => {
    const browser = new Browser(sample.url);
    await browser.fetch('/');
    const planted = await browser.jar.getCookieString(sample.url);
    await browser.fetch('/login', right);
    expect(await browser.text('/')).toContain('Hello ann');
    const stolen = await fetch(sample.url, { redirect: 'manual', headers: { cookie: planted } });
    expect(stolen.status).toBe(303);
  });

  it('ends the session with the logout, also for a copy of the cookie', async () => {
    const browser = new Browser(sample.url);
    await browser.fetch('/login', right);
    const copy = await browser.jar.getCookieString(sample.url);
    expect(copy).not.toBe('');
    await browser.fetch('/logout', { method: 'POST' });
    expect(await browser.jar.getCookieString(sample.url)).toBe('');
    const answer = await fetch(sample.url, { redirect: 'manual', headers: { cookie: copy } });
    expect(answer.status).toBe(303);
  });
});

const executablePath =
  process.env['CHROMIUM_PATH'] ?? findProgram('chromium', 'chromium-browser', 'google-chrome');

describeWith('sample 02-login in Chromium', executablePath, 'Chromium on the PATH', (path) => {
  let browser: Chromium;
  let page: Page;

  beforeAll(async () => {
    // Containers give no namespaces to sandbox with; the pages are the sample's own.
    browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
  });

  beforeEach(async () => {
    page = await browser.newPage();
  });

  afterEach(() => page?.context().close());
  afterAll(() => browser?.close());

  async function logIn(password: string): Promise<void> {
    await page.getByLabel('Name').fill('ann');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  /** Waits for a page, and for what it says: a click returns before the next page has arrived. */
  const arrives = (heading: string) => page.getByRole('heading', { name: heading }).waitFor();
  const says = (alert: string) => page.getByRole('alert').filter({ hasText: alert }).waitFor();

  it('is clicked through: refused, logged in, counted, logged out', async () => {
    await page.goto(sample.url);
    await arrives('Log in');
    await says('Please log in first.');

    await logIn('wrong');
    await says('Wrong name or password.');

    await logIn('correct horse');
    await arrives('Hello ann');
    await page.reload();
    expect(await page.locator('#visits').textContent()).toBe('2');

    await page.getByRole('button', { name: 'Log out' }).click();
    await arrives('Log in');
    expect(await page.context().cookies()).toEqual([]);
    await page.goto(sample.url);
    await arrives('Log in');
  });

  it('is not seen by scripts of the page', async () => {
    await page.goto(sample.url);
    await logIn('correct horse');
    await arrives('Hello ann');
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('does not show the account after the logout, also not with the back button', async () => {
    await page.goto(sample.url);
    await logIn('correct horse');
    await arrives('Hello ann');
    await page.reload();
    await page.getByRole('button', { name: 'Log out' }).click();
    await arrives('Log in');
    await page.goBack();
    expect(await page.getByRole('heading').textContent()).toBe('Log in');
  });
});
