import { parsed, startProgram } from './program.js';

interface Span {
  name: string;
  attributes: Record<string, unknown>;
}

describe('@opentelemetry/instrumentation-koa', () => {
  it.each([
    ['by require()', []],
    ['by import, with its hook', ['--experimental-loader=@opentelemetry/instrumentation/hook.mjs']],
  ])('sees middleware by name, and handlers and requests by route: loaded %s', async (_, flags) => {
    const { browser, lines } = await startProgram('opentelemetry', flags);
    expect(await browser.text('/users/7')).toBe('a user');
    const spans = await lines(5, (line) => parsed(line) as Span | undefined);
    const named = (name: string): Span | undefined => spans.find((span) => span.name === name);

    expect(named('middleware - timer')).toBeDefined();
    expect(named('work of the handler')).toBeDefined();
    expect(named('/users/:id')?.attributes).toMatchObject({
      'koa.type': 'router',
      'koa.name': '/users/:id',
      'http.route': '/users/:id',
    });
    expect(named('GET')?.attributes).toEqual({ 'http.route': '/users/:id' });
  });

  it('keeps the routes of parallel requests apart', async () => {
    const { browser, lines } = await startProgram('opentelemetry');
    await Promise.all([
      browser.fetch('/users/1'),
      browser.fetch('/users/1/fail', { method: 'POST' }),
      browser.fetch('/users/2'),
    ]);
    const requests = await lines(3, (line) => {
      const span = parsed(line) as Span | undefined;
      return span?.name === 'GET' || span?.name === 'POST' ? span : undefined;
    });
    const routes = requests.map(({ name, attributes }) => `${name} ${attributes['http.route']}`);
    expect(routes.sort()).toEqual(['GET /users/:id', 'GET /users/:id', 'POST /users/:id/fail']);
  });
});
