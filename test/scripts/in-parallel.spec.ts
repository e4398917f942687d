import { availableParallelism } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';

const script = new URL('../../scripts/in-parallel.mjs', import.meta.url);
const { inParallel } = (await import(script.href)) as {
  inParallel<Item, Result>(
    items: readonly Item[],
    work: (item: Item) => Promise<Result>,
  ): Promise<Result[]>;
};

it('works on as many at a time as there are cores, and gives results in the order of items', async () => {
  let atWork = 0;
  let most = 0;
  const results = await inParallel([5, 1, 4, 2, 3, 0], async (turns) => {
    most = Math.max(most, ++atWork);
    for (let i = 0; i < turns; i++) await turn();
    atWork--;
    return turns * 10;
  });
  expect(results).toEqual([50, 10, 40, 20, 30, 0]);
  expect(most).toBe(Math.min(availableParallelism(), 4));
});

it('rejects with the first failure once nothing is at work any more, and begins nothing after it', async () => {
  const ended: number[] = [];
  const begun: number[] = [];
  const items = Array.from({ length: 20 }, (_, i) => i);
  const work = inParallel(items, async (item) => {
    begun.push(item);
    if (item === 0) throw new Error('the first');
    for (let i = 0; i < 5; i++) await turn();
    ended.push(item);
  });
  await expect(work).rejects.toThrow('the first');
  expect(begun.length).toBeLessThanOrEqual(4);
  expect(ended).toEqual(begun.filter((item) => item !== 0));
});
