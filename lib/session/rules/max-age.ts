/** The last moment that a Date can name, epoch milliseconds (ECMA-262, Time Values). */
const LAST_MOMENT = 8.64e15;

/**
 * Whether `value` can be a session's `maxAge`: `'session'`, milliseconds that lead to a date, or
 * nothing. Anything else would end in a record without an end, or in a cookie that no browser
 * understands.
 *
 * @internal
 */
export function isMaxAge(value: unknown): value is number | 'session' | undefined | null {
  if (value === 'session' || value === undefined || value === null) return true;
  return typeof value === 'number' && Math.abs(Date.now() + value) <= LAST_MOMENT;
}
