import fc from 'fast-check';
import { ours, theirs, theirsFixed } from './engines.js';
import { type Case, cases } from './generate.js';
import { clock, Host, show, transcript } from './world.js';

const RUNS = Number(process.env.COMPAT_RUNS ?? 2_000);

describe('random sequences of requests', () => {
  const host = new Host();
  beforeAll(async () => {
    await host.open();
    clock.freeze();
  });
  afterAll(async () => {
    clock.release();
    await host.close();
  });

  it(`give the same answers, store calls, events and errors as koa-session (${RUNS} sequences)`, async () => {
    const used = new Map<string, number>();
    let identical = 0;
    const law = fc.asyncProperty(cases, async ({ setup, steps }: Case) => {
      if (process.env.TRACE) process.stderr.write(JSON.stringify({ setup, steps }) + '\n');
      const mine = await transcript(ours, setup, steps, host);
      const plain = await transcript(theirs, setup, steps, host);
      if (show(mine) === show(plain)) {
        identical++;
        return;
      }
      const ids = new Set<string>();
      const fixed = await transcript(
        theirsFixed((id) => ids.add(id)),
        setup,
        steps,
        host,
      );
      for (const id of ids) used.set(id, (used.get(id) ?? 0) + 1);
      if (show(mine) !== show(fixed)) expect(mine).toEqual(fixed);
      expect(show(mine)).toBe(show(fixed));
    });
    await fc.assert(law, { numRuns: RUNS, endOnFailure: !!process.env.NOSHRINK });
    console.log(identical, used);
  }, 3_600_000);
});
