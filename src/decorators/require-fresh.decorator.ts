import { applyDecorators, SetMetadata, UseGuards } from '@nestjs/common';
import { SessionOptionsError, typeName } from '../../lib/errors.js';
import { FRESHNESS, FreshGuard, type Freshness } from '../guards/fresh.guard.js';
import type { NamedSession } from '../interfaces/session-selection.interface.js';
import type { HandlerDecorator } from './require-session.decorator.js';

/**
 * A length of time: milliseconds, or a number and its unit, such as `'10m'` or `'1.5h'` (`ms`, `s`,
 * `m`, `h`, `d`).
 *
 * @publicApi
 */
export type Duration = number | `${number}${keyof typeof UNITS}`;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Only for users who were authenticated a short time ago: for a change of password, of the second
 * factor or of an address, and for payments (OWASP ASVS 5.0, 7.5.1 and 7.5.3).
 *
 * When that was, the session knows by `session.login()`, or by a key of `rotateOn` that it did not
 * have before. Ask for the password again, call `login()`, and the route is open again. On a class
 * it counts for all methods; a method's own goes before it. It applies `FreshGuard` itself.
 *
 * @example
 * ```ts
 * @Post('password')
 * @RequireFresh('10m')
 * changePassword() {}
 * ```
 * @throws SessionOptionsError when the time is none.
 * @publicApi
 */
export function RequireFresh(within: Duration, { name }: NamedSession = {}): HandlerDecorator {
  const freshness: Freshness = { within: milliseconds(within), name };
  return applyDecorators(SetMetadata(FRESHNESS, freshness), UseGuards(FreshGuard));
}

function milliseconds(duration: unknown): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|[smhd])$/.exec(String(duration)) ?? [];
  const length =
    typeof duration === 'number' ? duration : Number(digits) * UNITS[unit as keyof typeof UNITS];
  if (Number.isFinite(length) && length > 0) return length;
  throw new SessionOptionsError(
    'RequireFresh',
    `@RequireFresh() must be given a time above 0, such as '10m' or milliseconds, received ${typeName(duration)}`,
  );
}
