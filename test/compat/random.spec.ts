import fc from 'fast-check';
import type { DifferenceId } from './differences.js';
import { ours, theirs, theirsFixed } from './engines.js';
import { type Case, cases } from './generate.js';
import { clock, Host } from './host.js';
import { show, transcript } from './transcript.js';

/** `COMPAT_RUNS=100000 node scripts/test.mjs test/compat/random.spec.ts` for a long run. */
const RUNS = Number(process.env.COMPAT_RUNS ?? 2_000);

/** The differences that random sequences meet; the table shows the others. */
const MET: readonly DifferenceId[] = [
  'carrier-told-of-removal',
  'cookie-survives-errors',
  'dead-records-destroyed',
  'handler-error-survives',
  'no-second-write',
  'regenerate-shows-new-id',
  'regenerate-writes-first',
  'renewed-signature-keeps-attributes',
  'session-max-age-holds',
];

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

  // On a failure fast-check prints the seed and the path; FC_SEED and FC_PATH run that case again.
  it(`give the answers, store calls, events and errors of koa-session (${RUNS} sequences)`, async () => {
    const met = new Set<string>();
    let identical = 0;
    const law = fc.asyncProperty(cases, async ({ setup, steps }: Case) => {
      const here = await transcript(ours, setup, steps, host);
      const asPublished = await transcript(theirs, setup, steps, host);
      if (show(here) === show(asPublished)) {
        identical++;
        return;
      }
      const fixed = theirsFixed((id) => met.add(id));
      const expected = await transcript(fixed, setup, steps, host);
      if (show(here) !== show(expected)) expect(here).toEqual(expected);
      expect(show(here)).toBe(show(expected));
    });
    await fc.assert(law, {
      numRuns: RUNS,
      ...(process.env.FC_SEED ? { seed: Number(process.env.FC_SEED) } : {}),
      ...(process.env.FC_PATH ? { path: process.env.FC_PATH } : {}),
    });
    if (process.env.FC_PATH || RUNS < 2_000) return;
    // The fixes explain a minority; and the generator reaches what it is meant to reach.
    expect(identical).toBeGreaterThan(RUNS / 2);
    expect([...met]).toEqual(expect.arrayContaining([...MET]));
  }, 3_600_000);
});
