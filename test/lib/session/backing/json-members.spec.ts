import fc from 'fast-check';
import { JsonMembers } from '../../../../lib/session/backing/json-members.js';
import { membersOf } from '../../../../lib/session/backing/members.js';
import { dataOf } from '../../../../lib/session/session.js';
import { values } from '../../../support/session-values.js';

type Data = Record<string, unknown>;

describe('the JSON of data, member by member', () => {
  const names = fc.constantFrom('a', 'b', 'c', '1', '"', 'constructor');
  const members = fc.dictionary(names, values);

  it('is what JSON.stringify gives, whatever was there before', () => {
    fc.assert(
      fc.property(members, fc.array(fc.tuple(names, values, fc.boolean())), (data, edits) => {
        let before = JsonMembers.of(membersOf(data), undefined);
        let state: Data = data;
        for (const [name, value, removes] of edits) {
          state = { ...state, [name]: value };
          if (removes) delete state[name];
          const texts = JsonMembers.of(membersOf(state), before);
          const alone = JsonMembers.of(membersOf(state), undefined);
          if (alone !== undefined) expect(texts).toBeDefined();
          if (texts === undefined) continue;
          expect(texts.toText()).toBe(JSON.stringify(dataOf(state)));
          const parsed = JSON.parse(texts.toText()) as Data;
          const { names: kept, values: copies, count } = texts.members;
          expect(kept.slice(0, count)).toEqual(Object.keys(parsed));
          expect(copies.slice(0, count)).toStrictEqual(Object.values(parsed));
          before = texts;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('shares nothing with the data, and has the copy and the text of what is still the same', () => {
    const data = { list: [{ deep: 1 }], count: 1 };
    const first = JsonMembers.of(membersOf(data), undefined);
    data.count = 2;
    const second = JsonMembers.of(membersOf(data), first);
    expect(second?.members.values[0]).toBe(first?.members.values[0]);
    expect(second?.members.values[0]).not.toBe(data.list);
    data.list[0]!.deep = 2;
    const third = JsonMembers.of(membersOf(data), second);
    expect(third?.toText()).toBe('{"list":[{"deep":2}],"count":2}');
    expect(second?.toText()).toBe('{"list":[{"deep":1}],"count":2}');
    expect(first?.toText()).toBe('{"list":[{"deep":1}],"count":1}');
  });

  it.each([
    ['a date', { a: new Date(0) }],
    ['an undefined', { a: undefined }],
    ['a NaN', { a: [NaN] }],
    ['a reserved name', { maxAge: 1 }],
    ['a long list', { a: Array.from({ length: 200 }, () => 1) }],
    ['many members', Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`n${i}`, i]))],
  ])('leaves data with %s to JSON.stringify', (_, data: Data) => {
    expect(JsonMembers.of(membersOf(data), undefined)).toBeUndefined();
  });

  it('has no members', () => {
    expect(JsonMembers.of(membersOf({}), undefined)?.toText()).toBe('{}');
  });
});
