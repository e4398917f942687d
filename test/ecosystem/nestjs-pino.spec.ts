import { parsed, startProgram } from './program.js';

it('nestjs-pino logs each request, and what is logged meanwhile with its id', async () => {
  const { browser, lines } = await startProgram('pino');
  expect(await browser.text('/count/cats')).toBe('1 views');
  expect(await browser.text('/count/dogs')).toBe('2 views');

  const logged = await lines(4, (line) => {
    const entry = parsed(line);
    return entry?.['req'] === undefined ? undefined : entry;
  });
  const [view, completed, nextView] = logged as Record<string, Record<string, unknown>>[];
  expect(view).toMatchObject({
    msg: 'view 1',
    context: 'Views',
    req: { method: 'GET', url: '/count/cats' },
  });
  expect(completed).toMatchObject({
    msg: 'request completed',
    res: { statusCode: 200 },
    req: { id: view?.['req']?.['id'] },
  });
  expect(nextView?.['req']?.['id']).not.toBe(view?.['req']?.['id']);
});
