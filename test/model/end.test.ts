import { describe, expect, it } from 'vitest';
import { unlawful, type Claim, type End } from './reference/end.js';
import { historyOf } from './reference/history.js';
import type { Deed } from './reference/people.js';
import { blankValues, type Values } from './reference/state.js';

const values = { ...blankValues(), email: 'a@x.example', title: 'CTO' };
const person: { values: Values; key: string | null; flagged: boolean } = {
  ...{ values, key: 'lead1', flagged: false },
};
const linked: Claim = { row: 'lead1', person: 'lead1+1', status: 'linked', awaits: null, parked: false };
const made: Deed = {
  ...{ did: 'create', side: 'dynamics', record: 'lead1', kind: 'lead' },
  values: { email: 'a@x.example', title: 'CTO' },
};
const qualified: Deed = { did: 'qualify', lead: 'lead1', contact: 'contact2', isNew: true };

/** A lead and the person that the sync made for it, with what is said to be otherwise. */
const endOf = (other: Partial<End> = {}, ...deeds: readonly Deed[]): End => ({
  persons: new Map([['lead1+1', person]]),
  rows: new Map([['lead1', { kind: 'lead', values }]]),
  known: { persons: ['lead1+1'], rows: ['lead1'] },
  met: new Set(['lead1+1']),
  claims: [linked],
  history: historyOf([made, ...deeds]),
  ...other,
});

const without: End['persons'] = new Map();

/** The person of the lead was deleted, and there is another one. */
const second = (met: readonly string[]): End =>
  endOf(
    {
      known: { persons: ['lead1+1', 'lead1+2'], rows: ['lead1'] },
      persons: new Map([['lead1+2', person]]),
      claims: [{ ...linked, person: 'lead1+2' }],
      met: new Set(met),
    },
    { did: 'delete', side: 'marketo', record: 'lead1+1' },
  );

describe('The end of a storm', () => {
  it('is lawful where each row has its person', () => {
    expect(unlawful(endOf())).toEqual([]);
  });

  it('is lawful where a person was deleted before its creation had got an answer', () => {
    expect(unlawful(second(['lead1+2']))).toEqual([]);
  });

  it.each<[string, End, string]>([
    ['a person is gone that nobody deleted', endOf({ persons: without }), 'person lead1+1 is gone'],
    [
      'a deleted person is back',
      endOf({}, { did: 'delete', side: 'marketo', record: 'lead1+1' }),
      'person lead1+1 is back',
    ],
    [
      'a row got two persons',
      endOf({
        known: { persons: ['lead1+1', 'lead1+2'], rows: ['lead1'] },
        persons: new Map([
          ['lead1+1', person],
          ['lead1+2', { ...person, key: null }],
        ]),
      }),
      'row lead1 got two persons',
    ],
    [
      'a deleted person that the sync knew was made anew',
      second(['lead1+1', 'lead1+2']),
      'row lead1 got two persons',
    ],
    ['a row is nowhere in the store', endOf({ claims: [] }), 'nobody knows row lead1'],
    [
      'a row is called ambiguous that has no other candidate',
      endOf({ claims: [{ ...linked, person: null, status: 'set-aside' }] }),
      'nothing is ambiguous',
    ],
    ['a pair stayed on a qualified lead', endOf({}, qualified), 'the row is qualified, its heir contact2'],
    [
      'a person does not carry the id of its row',
      endOf({ persons: new Map([['lead1+1', { ...person, key: 'lead7' }]]) }),
      'person lead1+1 carries lead7, and has row lead1',
    ],
    [
      'a person was not told that its row was deleted',
      endOf({ rows: new Map(), claims: [{ ...linked, status: 'ended' }] }, { ...made, did: 'delete' }),
      'person lead1+1 lost its row, and was not told',
    ],
    [
      'a value stands somewhere that nobody typed',
      endOf({ rows: new Map([['lead1', { kind: 'lead', values: { ...values, title: 'CEO' } }]]) }),
      'title of lead1 is "CEO", which nobody typed',
    ],
    [
      'somebody was opted in again by nobody',
      endOf({}, { did: 'edit', side: 'dynamics', record: 'lead1', field: 'unsubscribed', value: true }),
      'lead1 was opted out, and nobody opted it in again',
    ],
  ])('is not where %s', (_, end, line) => {
    expect(unlawful(end).join('\n')).toContain(line);
  });
});
