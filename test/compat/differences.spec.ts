import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DIFFERENCES } from './differences.js';

const page = readFileSync(
  fileURLToPath(new URL('../../docs/differences-from-koa-session.md', import.meta.url)),
  'utf8',
);

describe('docs/differences-from-koa-session.md', () => {
  const sections = new Map(
    page
      .split(/^### /m)
      .slice(1)
      .map((section) => {
        const [title = '', ...text] = section.split('\n');
        return [title.replaceAll('`', ''), text.join('\n').split(/^## /m)[0] ?? ''] as const;
      }),
  );

  it('lists the permitted differences and no others, in their order', () => {
    expect([...sections.keys()]).toEqual(DIFFERENCES.map(({ id }) => id));
  });

  it.each(DIFFERENCES)('says of $id what both engines do, and why', (difference) => {
    const text = sections.get(difference.id);
    expect(text).toContain(difference.koaSession);
    expect(text).toContain(difference.here);
    expect(text).toContain(difference.why);
  });
});
