import { Controller, Get, NotFoundException } from '@nestjs/common';
import helmet from 'helmet';
import { sessions, start } from './application.js';

@Controller()
class PagesController {
  @Get()
  page(): string {
    return 'a page';
  }

  @Get('missing')
  missing(): never {
    throw new NotFoundException();
  }
}

it('helmet sets its headers on pages, on errors and on what nobody serves', async () => {
  const { browser } = await start(
    { imports: [sessions], controllers: [PagesController] },
    { configure: (app) => app.use(helmet()) },
  );
  for (const [path, status] of [
    ['/', 200],
    ['/missing', 404],
    ['/nobody', 404],
  ] as const) {
    const answer = await browser.fetch(path);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'self'/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  }
});
