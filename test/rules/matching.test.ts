import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { match, type FreePerson, type Matching, type UnmatchedRow } from '../../rules/matching.js';

const row = (
  linkId: number,
  emailKey: string | null = null,
  over: Partial<UnmatchedRow> = {},
): UnmatchedRow => ({
  linkId,
  kind: 'lead',
  dynamicsId: `row-${linkId}`,
  emailKey,
  ...over,
});

const person = (
  marketoId: number,
  emailKey: string | null = null,
  crmKey: string | null = null,
): FreePerson => ({
  marketoId,
  emailKey,
  crmKey,
});

/** A matching in words, without any order. */
const said = ({ pairs, alone, ambiguous }: Matching): string[] =>
  [
    ...pairs.map((pair) => `${pair.row.linkId} is ${pair.person.marketoId} by ${pair.by}`),
    ...alone.map(({ linkId }) => `${linkId} alone`),
    ...ambiguous.map(({ rows, persons }) => {
      const ids = (some: readonly number[]) => [...some].sort((a, b) => a - b).join('+');
      return `unclear: ${ids(rows.map(({ linkId }) => linkId))} / ${ids(persons.map(({ marketoId }) => marketoId))}`;
    }),
  ].sort();

describe('matching rows and persons', () => {
  it('goes by the key on the person, whatever the e-mails say and however its letters are cased', () => {
    expect(said(match([row(1, 'a@x.io')], [person(9, 'b@x.io', 'ROW-1')]))).toEqual(['1 is 9 by key']);
  });

  it('pairs one row and one person of an e-mail', () => {
    expect(said(match([row(1, 'a@x.io')], [person(9, 'a@x.io')]))).toEqual(['1 is 9 by email']);
  });

  it('leaves rows that nobody belongs to alone: one person each, also for twins and without e-mail', () => {
    const rows = [row(1, 'a@x.io'), row(2, 'a@x.io', { kind: 'contact' }), row(3), row(4)];
    expect(said(match(rows, [person(9, 'other@x.io'), person(8)]))).toEqual([
      '1 alone',
      '2 alone',
      '3 alone',
      '4 alone',
    ]);
  });

  it.each<[string, UnmatchedRow[], FreePerson[], string]>([
    ['two rows and one person', [row(1, 'a'), row(2, 'a')], [person(9, 'a')], 'unclear: 1+2 / 9'],
    ['one row and two persons', [row(1, 'a')], [person(8, 'a'), person(9, 'a')], 'unclear: 1 / 8+9'],
    ['two of each', [row(1, 'a'), row(2, 'a')], [person(8, 'a'), person(9, 'a')], 'unclear: 1+2 / 8+9'],
    [
      'a lead and a contact of one person',
      [row(1, 'a'), row(2, 'a', { kind: 'contact' })],
      [person(9, 'a')],
      'unclear: 1+2 / 9',
    ],
    [
      'two persons with the key of one row',
      [row(1)],
      [person(8, null, 'row-1'), person(9, null, 'row-1')],
      'unclear: 1 / 8+9',
    ],
  ])('never guesses: %s', (_name, rows, persons, expected) => {
    expect(said(match(rows, persons))).toEqual([expected]);
  });

  it('takes those matched by key out of their e-mail group', () => {
    const rows = [row(1, 'a'), row(2, 'a')];
    const persons = [person(8, 'a', 'row-1'), person(9, 'a')];
    expect(said(match(rows, persons))).toEqual(['1 is 8 by key', '2 is 9 by email']);
  });

  const apart = (emailKey: string | null, ...persons: number[]) => ({ apart: { persons, emailKey } });

  it.each<[string, UnmatchedRow[], FreePerson[], string[]]>([
    [
      'from all who are there',
      [row(1, 'a', apart('a', 8, 9))],
      [person(8, 'a'), person(9, 'a')],
      ['1 alone'],
    ],
    [
      'and somebody joined',
      [row(1, 'a', apart('a', 8))],
      [person(8, 'a'), person(9, 'a')],
      ['unclear: 1 / 8+9'],
    ],
    ['and nobody of them is left', [row(1, 'a', apart('a', 8))], [person(9, 'a')], ['1 is 9 by email']],
    [
      'and another row was not',
      [row(1, 'a', apart('a', 8)), row(2, 'a')],
      [person(8, 'a')],
      ['1 alone', '2 is 8 by email'],
    ],
  ])('takes a row that was decided apart at its word: %s', (_name, rows, persons, expected) => {
    expect(said(match(rows, persons))).toEqual(expected);
  });

  it('guesses nothing about an e-mail whose persons are not known, but for a key and a decision', () => {
    const rows = [row(1, 'a'), row(2, 'a'), row(3, 'b'), row(4, 'a', apart('a')), row(5, 'a', apart('b'))];
    const persons = [person(9, 'a', 'row-2'), person(8, 'b'), person(7, 'a')];
    const matching = match(rows, persons, new Map([['a', 'too-many']]));
    expect(said(matching)).toEqual(['2 is 9 by key', '3 is 8 by email', '4 alone', 'unclear: 1+5 / 7']);
    expect(matching.ambiguous.map(({ why }) => why)).toEqual(['too-many']);
  });

  const emails = fc.constantFrom('a', 'b', 'c', null);
  const crowds = fc.record({
    rows: fc.array(emails, { maxLength: 6 }).map((all) => all.map((email, n) => row(n + 1, email))),
    persons: fc
      .array(fc.tuple(emails, fc.constantFrom(null, null, 'row-1', 'ROW-2', 'row-3', 'gone')), {
        maxLength: 6,
      })
      .map((all) => all.map(([email, key], n) => person(n + 1, email, key))),
    seed: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
  });

  it('does not depend on the order of rows and persons', () => {
    const shuffled = <T>(items: readonly T[], seed: Iterator<number>): T[] =>
      items
        .map((item) => ({ item, at: Number(seed.next().value) }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item);
    fc.assert(
      fc.property(crowds, ({ rows, persons, seed }) => {
        expect(said(match(shuffled(rows, seed), shuffled(persons, seed)))).toEqual(
          said(match(rows, persons)),
        );
      }),
    );
  });

  it('accounts for every row once, links nobody twice, and never links one of several', () => {
    fc.assert(
      fc.property(crowds, ({ rows, persons }) => {
        const { pairs, alone, ambiguous } = match(rows, persons);
        const told = [
          ...pairs.map((pair) => pair.row),
          ...alone,
          ...ambiguous.flatMap((group) => group.rows),
        ];
        expect(told.map(({ linkId }) => linkId).sort()).toEqual(rows.map(({ linkId }) => linkId).sort());
        const used = [...pairs.map((pair) => pair.person), ...ambiguous.flatMap((group) => group.persons)];
        expect(new Set(used).size).toBe(used.length);
        const keyOf = (value: string | null) => value?.toLowerCase();
        const isKeyed = (each: UnmatchedRow | FreePerson): boolean =>
          'linkId' in each
            ? persons.some(({ crmKey }) => keyOf(crmKey) === keyOf(each.dynamicsId))
            : rows.some(({ dynamicsId }) => keyOf(dynamicsId) === keyOf(each.crmKey));
        for (const pair of pairs.filter(({ by }) => by === 'email')) {
          const group = [...rows, ...persons].filter(
            (each) => each.emailKey === pair.row.emailKey && !isKeyed(each),
          );
          expect(group).toEqual([pair.row, pair.person]);
        }
      }),
    );
  });
});
