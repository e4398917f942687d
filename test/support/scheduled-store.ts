import type fc from 'fast-check';
import type { CapableStore } from '../../lib/session/store.js';
import type { MemoryStore } from '../../lib/stores/memory.js';

/** A store each of whose calls takes effect, and answers, when the scheduler says so. */
export function scheduled(
  store: MemoryStore,
  scheduler: () => fc.Scheduler | undefined,
): CapableStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        await scheduler()?.schedule(Promise.resolve(), String(name));
        const result: unknown = await Reflect.apply(member, target, args);
        await scheduler()?.schedule(Promise.resolve(), `${String(name)} answers`);
        return result;
      };
    },
  });
}
