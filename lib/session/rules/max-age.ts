/** The last moment that a Date can name, epoch milliseconds (ECMA-262, Time Values). */
const LAST_MOMENT = 8.64e15;

/** What leads to a date at any time that a clock may show: looking at the clock costs more. */
const FAR = LAST_MOMENT / 2;

/**
 * Whether `value` can be a session's `maxAge`: `'session'`, milliseconds that lead to a date, or
 * nothing. Anything else would end in a record without an end, or in a cookie that no browser
 * understands.
 *
 * @internal
 */
export function isMaxAge(value: unknown): value is number | 'session' | undefined | null {
  if (value === 'session' || value === undefined || value === null) return true;
  if (typeof value !== 'number') return false;
  return Math.abs(value) <= FAR || Math.abs(Date.now() + value) <= LAST_MOMENT;
}
