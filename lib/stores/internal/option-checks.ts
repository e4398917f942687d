import { SessionOptionsError, typeName } from '../../errors.js';

/** What an option must be: `undefined` when `value` fits, else words for the message. @internal */
export type OptionRule = (value: unknown) => string | undefined;

/** A number of milliseconds, fractions and 0 included. @internal */
export const milliseconds: OptionRule = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? undefined
    : 'a number of milliseconds, 0 or more';

/** A number of milliseconds above 0. @internal */
export const positiveMilliseconds: OptionRule = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value > 0
    ? undefined
    : 'a number of milliseconds above 0';

/** A whole number from 1 up. @internal */
export const count: OptionRule = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'a whole number above 0';

/** A whole number from 1 up, or Infinity. @internal */
export const countOrInfinity: OptionRule = (value) =>
  value === Infinity ? undefined : count(value) && 'a whole number above 0, or Infinity';

/** @internal */
export const string: OptionRule = (value) => (typeof value === 'string' ? undefined : 'a string');

/** @internal */
export const boolean: OptionRule = (value) =>
  typeof value === 'boolean' ? undefined : 'true or false';

/** @internal */
export const func: OptionRule = (value) => (typeof value === 'function' ? undefined : 'a function');

/**
 * Checks the options of a store when it is built. A name that no rule knows is refused, since a
 * misspelt limit would otherwise be no limit.
 *
 * @param owner the class or function whose options these are, for the message.
 * @throws SessionOptionsError naming the option, the type received and the fix.
 * @internal
 */
export function checkStoreOptions(
  owner: string,
  options: unknown,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  if (typeof options !== 'object' || options === null) {
    throw new SessionOptionsError(
      'options',
      `${owner} takes an object of options, got ${typeName(options)}`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw new SessionOptionsError(
        name,
        `${owner} has no option "${name}": use one of ${Object.keys(rules).join(', ')}`,
      );
    }
    if (value === undefined) continue;
    const expected = rules[name]?.(value);
    if (expected !== undefined) {
      throw new SessionOptionsError(
        name,
        `"${name}" option of ${owner} must be ${expected}, got ${typeName(value)}`,
      );
    }
  }
}
