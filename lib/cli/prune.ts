import { parseArgs } from 'node:util';
import { isPrunableStore } from '../session/index.js';
import { loadStore } from './store-module.js';
import { EXIT, type ExitCode, type Terminal, UsageError } from './usage.js';

/** Removes a store's expired records. */
export async function prune(args: string[], { print }: Terminal): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    options: { export: { type: 'string', default: 'default' } },
    allowPositionals: true,
  });
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) {
    throw new UsageError('give one argument, the path of a module that exports the store');
  }
  const { store, release } = await loadStore(path, values.export);
  try {
    if (!isPrunableStore(store)) {
      throw new UsageError(
        'this store cannot be pruned: it has no prune(), as those whose backend expires records',
      );
    }
    const removed = await store.prune();
    print(`${removed} expired ${removed === 1 ? 'record' : 'records'} removed`);
  } finally {
    await release();
  }
  return EXIT.ok;
}
