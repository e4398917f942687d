import { AGREEMENTS } from './agreements.js';
import { DIFFERENT_ANSWERS } from './different-answers.js';
import { DIFFERENT_WRITES } from './different-writes.js';
import { DIFFERENCES } from './differences.js';
import { ours, theirs } from './engines.js';
import { Lab } from './lab.js';
import { clock, Host } from './host.js';

const host = new Host();

beforeAll(async () => {
  await host.open();
  clock.freeze();
});

afterAll(async () => {
  clock.release();
  await host.close();
});

describe('as in koa-session 7.0.2', () => {
  it.each(AGREEMENTS)('$name', async ({ run }) => {
    const here = await run(new Lab(ours, host));
    expect(here).toEqual(await run(new Lab(theirs, host)));
  });
});

const DIFFERENT = [...DIFFERENT_WRITES, ...DIFFERENT_ANSWERS];

describe('other than koa-session 7.0.2, on purpose', () => {
  it.each(DIFFERENT)('$differs.id: $name', async ({ run, differs }) => {
    const koaSession = await run(new Lab(theirs, host));
    const here = await run(new Lab(ours, host));
    expect({ koaSession, here }).toEqual({ koaSession: differs?.koaSession, here: differs?.here });
    expect(here).not.toEqual(koaSession);
  });

  it('every difference on the list is shown by a scenario', () => {
    const shown = new Set(DIFFERENT.map(({ differs }) => differs?.id));
    expect([...shown].sort()).toEqual(DIFFERENCES.map(({ id }) => id).sort());
  });
});
