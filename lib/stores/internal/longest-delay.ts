/** The longest delay that a timer can count, milliseconds: a longer one would end at once. @internal */
export const LONGEST_DELAY = 2 ** 31 - 1;
