import { jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { deadlinesOf } from '../../../../lib/session/backing/deadlines.js';

const LONG = 60_000;
const SHORT = 20;

describe('deadlines that are as far away as each other', () => {
  it('pass in the order in which they were set, but for those that are cancelled', async () => {
    const deadlines = deadlinesOf(SHORT);
    const passed: number[] = [];
    const [first, , third] = [1, 2, 3, 4, 5].map((n) => deadlines.set(() => passed.push(n)));
    deadlines.cancel(third!);
    deadlines.cancel(first!);
    deadlines.cancel(third!);
    await delay(4 * SHORT);
    expect(passed).toEqual([2, 4, 5]);
  });

  it('ask for no timer that is longer than timers can be', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    deadlinesOf(2 ** 31).cancel(deadlinesOf(2 ** 31).set(() => undefined));
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1]);
    timers.mockRestore();
  });

  it('may be set and cancelled by one that passes', async () => {
    const deadlines = deadlinesOf(SHORT + 1);
    const passed: string[] = [];
    const own = deadlines.set(() => {
      passed.push('own');
      deadlines.cancel(own);
      deadlines.cancel(other);
      deadlines.set(() => passed.push('next'));
    });
    const other = deadlines.set(() => passed.push('other'));
    await delay(5 * SHORT);
    expect(passed).toEqual(['own', 'next']);
  });

  it('keep nothing of those that are over in memory, while one still waits', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const deadlines = deadlinesOf(LONG);
    const waiting = deadlines.set(() => undefined);
    const over = ((): WeakRef<object>[] =>
      [1, 2, 3]
        .map((n) => {
          const held = { n };
          return { held: new WeakRef(held), deadline: deadlines.set(() => held.n++) };
        })
        .map(({ held, deadline }) => {
          deadlines.cancel(deadline);
          return held;
        }))();
    // A reference that was just made lives until the end of the present turn.
    await delay(1);
    collect();
    expect(over.map((held) => held.deref())).toEqual([undefined, undefined, undefined]);
    deadlines.cancel(waiting);
  });
});
