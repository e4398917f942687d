import fc from 'fast-check';
import { copyOf, isCopyOf } from '../../../../lib/session/backing/json-copy.js';
import { data } from '../../../support/session-values.js';

describe('a copy for comparison', () => {
  it('is the same to isCopyOf exactly when it is the same to JSON', () => {
    fc.assert(
      fc.property(data, data, (one, other) => {
        expect(isCopyOf(copyOf(one), one)).toBe(true);
        expect(isCopyOf(copyOf(one), other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 5_000 },
    );
  });

  it('has the JSON of what it was made from', () => {
    fc.assert(
      fc.property(data, (value) => {
        expect(JSON.stringify(copyOf(value))).toBe(JSON.stringify(value));
      }),
      { numRuns: 2_000 },
    );
  });

  it('stays as it was when anything nested changes', () => {
    const value = { list: [{ deep: { count: 1 } }], when: new Date(0) };
    const copy = copyOf(value);
    value.list[0]!.deep.count = 2;
    expect(isCopyOf(copy, value)).toBe(false);
    value.list[0]!.deep.count = 1;
    expect(isCopyOf(copy, value)).toBe(true);
    value.when.setTime(1);
    expect(isCopyOf(copy, value)).toBe(false);
  });

  it('takes the order of members as JSON does', () => {
    expect(isCopyOf(copyOf({ a: 1, b: 2 }), { b: 2, a: 1 })).toBe(false);
  });

  it('fails as JSON does on a circle and on a bigint', () => {
    const circle: Record<string, unknown> = { a: 1 };
    circle['self'] = { back: circle };
    expect(() => copyOf(circle)).toThrow(/circular/);
    expect(isCopyOf(copyOf({ a: 1, self: { back: 1 } }), { a: 2, self: circle })).toBe(false);
    expect(() => copyOf({ a: 1n })).toThrow(TypeError);
  });

  it('holds data of any depth that JSON holds', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 500; i++) deep = i % 2 ? [deep] : { deep };
    expect(isCopyOf(copyOf(deep), JSON.parse(JSON.stringify(deep)))).toBe(true);
  });
});
