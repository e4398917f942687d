import { SessionOptionsError, typeName } from '../../errors.js';
import { after, type Awaitable, isThenable } from '../awaitable.js';
import { newId } from '../crypto/id.js';
import type { CarrierHost } from '../http/carrier.js';

/** A new id, of the application's `genid` if there is one: then it may be a promise. @internal */
export function makeId({ ctx, options }: CarrierHost): Awaitable<string> {
  const { genid } = options;
  if (genid === undefined) return newId(options);
  const made = after<unknown, string>(genid(ctx), checkedId);
  // Whoever needs the id is told. It may be asked for ahead, and then nobody does: a rejection that
  // is left alone ends the process.
  if (isThenable(made)) made.then(undefined, () => undefined);
  return made;
}

/** An id that is none would keep every user's session in one record, or where nobody finds it. */
function checkedId(id: unknown): string {
  if (typeof id === 'number') return String(id);
  if (typeof id === 'string' && id !== '') return id;
  throw new SessionOptionsError(
    'genid',
    `"genid" must return a non-empty string, received ${id === '' ? 'an empty one' : typeName(id)}`,
  );
}
