import { describe, expect, it } from 'vitest';
import { stepTo, type Step } from '../../rules/follow.js';
import type { Link } from '../../rules/link.js';
import { mergePersons, withPerson, type PersonMerge } from '../../rules/merged-persons.js';
import {
  predecessorOf,
  successorOf,
  takesNoPart,
  type RowMarks,
  type Successor,
} from '../../rules/succession.js';
import type { Kind } from '../../rules/terms.js';
import { pair, titled } from './pair.js';

const ID = '0000000A-0000-0000-0000-00000000000A';
const OTHER = '0000000b-0000-0000-0000-00000000000b';
const marks = (over: Partial<RowMarks>): RowMarks => ({
  ...{ merged: false, statecode: 0, masterid: null, parentcontactid: null, originatingleadid: null },
  ...over,
});

describe('What a row says of its successor', () => {
  it.each<[string, Kind, Partial<RowMarks>, Successor | null]>([
    ['an open lead has none', 'lead', {}, null],
    ['an open lead of a known contact has none', 'lead', { parentcontactid: OTHER }, null],
    [
      'a qualified lead has its contact',
      'lead',
      { statecode: 1, parentcontactid: ID },
      { by: 'qualified', kind: 'contact', id: ID.toLowerCase() },
    ],
    [
      'a qualified lead may name nobody',
      'lead',
      { statecode: 1 },
      { by: 'qualified', kind: 'contact', id: null },
    ],
    [
      'where the column cannot be read, too',
      'lead',
      { statecode: 1, parentcontactid: undefined },
      { by: 'qualified', kind: 'contact', id: null },
    ],
    ['a disqualified lead has none', 'lead', { statecode: 2, parentcontactid: ID }, null],
    ['an inactive contact has none', 'contact', { statecode: 1 }, null],
    [
      'a merged row has its master',
      'contact',
      { statecode: 1, merged: true, masterid: ID },
      { by: 'merged', kind: 'contact', id: ID.toLowerCase() },
    ],
    [
      'a merge is the last word on a qualified lead',
      'lead',
      { statecode: 1, merged: true, masterid: ID, parentcontactid: OTHER },
      { by: 'merged', kind: 'lead', id: ID.toLowerCase() },
    ],
    ['a master that is gone is nobody', 'lead', { merged: true }, { by: 'merged', kind: 'lead', id: null }],
    ['a master that cannot be read is not known', 'lead', { merged: true, masterid: undefined }, null],
  ])('%s', (_name, kind, over, expected) => {
    expect(successorOf(kind, marks(over))).toEqual(expected);
  });

  it('names the lead that a contact was made of, and of no lead', () => {
    expect(predecessorOf('contact', marks({ originatingleadid: ID }))).toBe(ID.toLowerCase());
    expect(predecessorOf('contact', marks({ originatingleadid: undefined }))).toBeNull();
    expect(predecessorOf('lead', marks({ originatingleadid: ID }))).toBeNull();
  });

  it.each<[Kind, Partial<RowMarks>, boolean]>([
    ['lead', { statecode: 1 }, true],
    ['lead', { statecode: 2 }, false],
    ['contact', { statecode: 1 }, false],
    ['contact', { merged: true }, true],
    ['lead', { merged: undefined, statecode: undefined }, false],
  ])('a %s with %j takes no part: %s', (kind, over, expected) => {
    expect(takesNoPart(kind, marks(over))).toBe(expected);
  });
});

const sent = { values: {}, sentAt: '2026-11-23T12:00:00Z', deadline: '2026-11-23T12:01:00Z' };
const waitingRow = { status: 'unmatched', marketoId: null } as const;

describe('A pair whose row has a successor', () => {
  it.each<[string, Partial<Link>, Partial<Link> | undefined, Step]>([
    ['moves to a row that the store does not know', {}, undefined, 'move'],
    ['moves to a row that waits for a person', {}, waitingRow, 'move'],
    ['moves to a row that takes no part', {}, { status: 'excluded', marketoId: null }, 'move'],
    ['moves to a row whose person was deleted', {}, { status: 'tombstone' }, 'move'],
    ['moves to a row whose person was merged away', {}, { status: 'merged-away', marketoId: null }, 'move'],
    ['is set aside where another pair stands', {}, {}, 'set-aside'],
    ['is set aside where another pair is set aside', {}, { status: 'ambiguous' }, 'set-aside'],
    ['waits for a person on its way there', {}, { ...waitingRow, creation: sent }, 'wait'],
    ['waits for a row that a request reserved', {}, { status: 'unmatched' }, 'wait'],
    ['waits until a person is told of its loss', {}, { status: 'ended', stamp: { a: true } }, 'wait'],
    ['without its person moves, so that nobody is made', { status: 'tombstone' }, waitingRow, 'move'],
    ['without its person is closed where another stands', { status: 'tombstone' }, {}, 'close'],
    ['without its person is closed by its like', { status: 'tombstone' }, { status: 'tombstone' }, 'close'],
    ['that expects a person moves', { ...waitingRow, creation: sent }, waitingRow, 'move'],
    ['that expects a person is closed', { ...waitingRow, creation: sent }, {}, 'close'],
  ])('%s', (_name, link, other, expected) => {
    const there = other && pair({ id: 2, marketoId: 8, dynamicsId: OTHER, ...other });
    expect(stepTo(pair(link), there)).toBe(expected);
  });
});

describe('Two persons that were merged', () => {
  const successor = { by: 'merged', kind: 'lead', id: OTHER } as const;
  const aside = { status: 'merged-away', successor } as const;
  it.each<[string, Partial<Link> | undefined, Partial<Link> | undefined, PersonMerge['is']]>([
    ['change nothing where the loser has no row', undefined, {}, 'none'],
    ['change nothing where none has', undefined, undefined, 'none'],
    ["give the winner the loser's row", {}, undefined, 'takes-over'],
    ['also where the loser was taken for deleted', { status: 'tombstone' }, undefined, 'takes-over'],
    ["let the loser's row wait where both have one", {}, {}, 'waits'],
    ["and where the winner's person was deleted later", {}, { status: 'tombstone' }, 'waits'],
    ["close the loser's row where Dynamics merged it before", aside, {}, 'closes'],
    ["give the winner the loser's row where its own was merged away", {}, aside, 'takes-over'],
    ['let the winner wait in its place', aside, undefined, 'renames'],
    ['close a lead whose contact is held by the winner', { status: 'ambiguous' }, {}, 'closes'],
  ])('%s', (_name, loser, winner, expected) => {
    const merge = mergePersons(loser && pair(loser), winner && pair({ id: 2, marketoId: 8, ...winner }));
    expect(merge.is).toBe(expected);
    const closed = merge.is === 'takes-over' && winner !== undefined ? 2 : undefined;
    expect(merge.is === 'takes-over' ? merge.closed?.id : undefined).toBe(closed);
  });

  it('agree on nothing yet; what the row held stands, but for one that nobody watched', () => {
    const link = titled('A', { marketo: 'B', dynamics: 'C' });
    expect(withPerson(link, 9)).toMatchObject({
      ...{ status: 'linked', marketoId: 9, agreed: { marketo: {}, dynamics: {} } },
      ...{ seen: { marketo: {}, dynamics: { title: 'C' } }, rereadMarketo: true, rereadDynamics: true },
    });
    expect(withPerson({ ...link, status: 'tombstone' }, 9).seen).toEqual({ marketo: {}, dynamics: {} });
  });
});
