import { Controller, Get } from '@nestjs/common';
import { ApiProperty, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { sessions, start } from './application.js';

class Cat {
  @ApiProperty()
  name = 'Tom';
}

@Controller('cats')
class CatsController {
  @Get()
  list(): Cat[] {
    return [new Cat()];
  }
}

async function startDocumented(): ReturnType<typeof start> {
  return start(
    { imports: [sessions], controllers: [CatsController] },
    {
      configure: (app) => {
        const config = new DocumentBuilder().setTitle('Cats').addCookieAuth('koa.sess').build();
        SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), {
          jsonDocumentUrl: 'docs/openapi.json',
          yamlDocumentUrl: 'docs/openapi.yaml',
        });
      },
    },
  );
}

describe('@nestjs/swagger', () => {
  it('serves the document as JSON and as YAML', async () => {
    const { browser } = await startDocumented();
    const answer = await browser.fetch('/docs/openapi.json');
    expect(answer.headers.get('content-type')).toMatch(/application\/json/);
    expect(await answer.json()).toMatchObject({
      info: { title: 'Cats' },
      paths: { '/cats': { get: {} } },
    });
    expect(await browser.text('/docs/openapi.yaml')).toMatch(/^\s*title: Cats$/m);
  });

  it('serves the page and every file that it asks for', async () => {
    const { browser } = await startDocumented();
    const page = await browser.fetch('/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/text\/html/);
    const html = await page.text();
    const files = Array.from(html.matchAll(/(?:src|href)="\.\/([^"]+)"/g), ([, file]) => file);
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const file of files) {
      const answer = await browser.fetch(`/${file}`);
      expect({ file, status: answer.status }).toEqual({ file, status: 200 });
      const type = file?.endsWith('.css') ? /css/ : file?.endsWith('.js') ? /javascript/ : /image/;
      expect(answer.headers.get('content-type')).toMatch(type);
    }
  });

  it('leaves the controllers where they were', async () => {
    const { browser } = await startDocumented();
    expect(await (await browser.fetch('/cats')).json()).toEqual([{ name: 'Tom' }]);
    expect((await browser.fetch('/docs/nothing.css')).status).toBe(404);
  });
});
