import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get } from '@nestjs/common';
import { ServeStaticModule } from '@nestjs/serve-static';
import { start } from './application.js';

@Controller('api')
class ApiController {
  @Get()
  answer(): string {
    return 'from the controller';
  }
}

describe('@nestjs/serve-static', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'static-'));
    writeFileSync(join(folder, 'index.html'), '<p>the application</p>');
    writeFileSync(join(folder, 'style.css'), 'p { color: red }');
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub/note.txt'), 'a note');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('serves files, and the index for every route of a single-page application', async () => {
    const { browser } = await start({
      imports: [ServeStaticModule.forRoot({ rootPath: folder, exclude: ['/api/{*path}'] })],
      controllers: [ApiController],
    });
    expect(await browser.text('/')).toBe('<p>the application</p>');
    const style = await browser.fetch('/style.css');
    expect(style.headers.get('content-type')).toMatch(/text\/css/);
    expect(await style.text()).toBe('p { color: red }');
    expect(await browser.text('/sub/note.txt')).toBe('a note');
    expect(await browser.text('/a/route/of/the/page')).toBe('<p>the application</p>');
    expect(await browser.text('/api')).toBe('from the controller');
    expect((await browser.fetch('/api/missing')).status).toBe(404);
  });

  it('serves below a path, with headers and without what lies outside the folder', async () => {
    const { browser } = await start({
      imports: [
        ServeStaticModule.forRoot({
          rootPath: folder,
          serveRoot: '/assets',
          serveStaticOptions: { maxAge: '1h', index: false },
        }),
      ],
      controllers: [ApiController],
    });
    const note = await browser.fetch('/assets/sub/note.txt');
    expect(await note.text()).toBe('a note');
    expect(note.headers.get('cache-control')).toBe('public, max-age=3600');
    expect(note.headers.get('etag')).toMatch(/^W\//);
    expect(await browser.text('/assets/%2e%2e/%2e%2e/etc/passwd')).not.toMatch(/root:/);
    expect(await browser.text('/api')).toBe('from the controller');
  });
});
