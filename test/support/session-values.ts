import fc from 'fast-check';

class Money {
  constructor(readonly cents: number) {}
}

/** Everything that may stand in a session, also what JSON changes or leaves out. */
export const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, undefined, NaN, Infinity, -0, 0, 1, '', 'a', true, Symbol.iterator),
    fc.constantFrom(new Date(0), new Date(1), new Date(NaN), new Money(1), new Money(2), Math.max),
    fc.constantFrom<unknown>(new Map([[1, 2]]), /x/, new String('a'), { toJSON: () => 1 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '1', '__proto__'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

/** The data of a session. */
export const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', '1'), values, { maxKeys: 4 });
