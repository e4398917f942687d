import { Controller, Get, Post, Query } from '@nestjs/common';
import morgan from 'morgan';
import { start } from './application.js';

@Controller()
class PagesController {
  @Get('page')
  page(@Query('n') n: string): string {
    return 'x'.repeat(Number(n));
  }

  @Post('page')
  refuse(): never {
    throw new Error('no');
  }
}

it('morgan logs method, whole URL, status and length of what was answered', async () => {
  const lines: string[] = [];
  let changed = (): void => undefined;
  const write = (line: string): void => {
    lines.push(line.trim());
    changed();
  };
  const { browser } = await start(
    { controllers: [PagesController] },
    {
      configure: (app) => {
        const format = ':method :url :status :res[content-length]';
        app.use(morgan(format, { stream: { write } }));
      },
    },
  );
  await browser.text('/page?n=1234');
  await browser.fetch('/page', { method: 'POST' });
  await browser.fetch('/nowhere');
  while (lines.length < 3) await new Promise<void>((resolve) => (changed = resolve));
  expect(lines[0]).toBe('GET /page?n=1234 200 1234');
  expect(lines[1]).toMatch(/^POST \/page 500 \d+$/);
  expect(lines[2]).toMatch(/^GET \/nowhere 404 \d+$/);
});
