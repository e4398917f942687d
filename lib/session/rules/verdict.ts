import type { Context } from 'koa';
import type { Loaded } from '../backing/backing.js';
import { after } from '../awaitable.js';
import { isBoundTo } from '../crypto/binding.js';
import type { ResolvedSessionOptions } from '../options.js';
import type { SessionRecord } from '../store.js';
import { isPastAbsolute } from './lifetime.js';
import type { Marks } from './marks.js';

/**
 * What the checks say of what was loaded. `foreign`: it is bound to another client, which keeps
 * it. `none`: there was nothing to check.
 *
 * @internal
 */
export type Verdict = 'accepted' | 'missed' | 'expired' | 'invalid' | 'foreign' | 'none';

/**
 * Whether a loaded record may become the request's session. A promise only where the application's
 * `valid` gives one.
 *
 * @see koa-session 7.0.2, `ContextSession.valid`
 * @internal
 */
export function verdictOn(
  ctx: Context,
  options: ResolvedSessionOptions,
  loaded: Loaded,
): Verdict | Promise<Verdict> {
  if (loaded.status !== 'found') return 'none';
  const { record } = loaded;
  if (!record) return 'missed';
  const now = Date.now();
  if (typeof record._expire === 'number' && record._expire < now) return 'expired';
  if (isPastAbsolute(options, record as Marks, now)) return 'expired';
  if (!isBoundHere(ctx, options, record)) return 'foreign';
  if (options.valid === undefined) return 'accepted';
  return after(options.valid(ctx, record), (ok) => (ok ? 'accepted' : 'invalid'));
}

function isBoundHere(
  ctx: Context,
  { binding }: ResolvedSessionOptions,
  record: SessionRecord,
): boolean {
  if (binding === undefined || typeof record._bound !== 'string') return true;
  return isBoundTo(record._bound, binding(ctx));
}
