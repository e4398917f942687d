import { AGREEMENTS } from './agreements.js';
import { ours, theirs } from './engines.js';
import { Lab } from './lab.js';
import { clock, Host } from './world.js';

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
