import { UsageError } from './usage.js';

/** The date in an option's value, as epoch milliseconds. @throws UsageError */
export function dateOption(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = new Date(/^\d+$/.test(text) ? Number(text) : text).getTime();
  if (Number.isNaN(time)) {
    throw new UsageError(`--${option} must be a date (ISO 8601, or epoch milliseconds)`);
  }
  return time;
}

/** The milliseconds in an option's value. @throws UsageError */
export function numberOption(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text !== '' && Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`--${option} must be a number of milliseconds above 0`);
}

/** A cookie comes from a stranger: nothing in it may steer the terminal that shows it. */
export function withoutControls(text: string): string {
  return text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
