import { describe, expect, it } from 'vitest';
import {
  claimsOf,
  explanationsOf,
  type Account,
  type KnownLink,
  type OpenRejection,
} from '../../launch/start/explanations.js';
import { verdictOf } from '../../launch/start/verdict.js';
import type { Comparison, ExplainedDifference } from '../../simulators/compare/index.js';

const link = (known: Partial<KnownLink>): KnownLink => ({
  ...{ id: 1, kind: 'lead', status: 'linked', marketoId: 1001, dynamicsId: 'row-1', parked: {} },
  ...known,
});

const rejection = (known: Partial<OpenRejection>): OpenRejection => ({
  ...{
    id: 'r1',
    linkId: 1,
    side: 'dynamics',
    field: 'title',
    code: 'too-long',
    message: 'It has 140 characters.',
  },
  ...known,
});

const account = (known: Partial<Account>): Account => ({ links: [], rejections: [], notices: [], ...known });

const parkedBy = (rejectionId: string | null, reason: 'refused' | 'quarantined' = 'refused') => ({
  title: { reason, rejectionId, marketo: 'long', dynamics: null },
});

describe('what explains a difference', () => {
  it('is a parked field of one link with its refusal, and not the whole record', () => {
    const links = [link({ parked: parkedBy('r1') })];
    expect(explanationsOf(account({ links, rejections: [rejection({})] }))).toEqual([
      {
        ...{ marketoId: 1001, dynamicsId: 'row-1', field: 'title' },
        reason: 'refused by Dynamics, title (too-long): It has 140 characters.',
      },
    ]);
  });

  it('is one reason for one cause, whatever values the messages quote', () => {
    const links = [
      link({ parked: parkedBy('r1') }),
      link({ id: 2, marketoId: 1002, dynamicsId: 'row-2', parked: parkedBy('r2') }),
    ];
    const rejections = [rejection({}), rejection({ id: 'r2', linkId: 2, message: 'It has 150 characters.' })];
    const reasons = explanationsOf(account({ links, rejections })).map(({ reason }) => reason);
    expect(new Set(reasons).size).toBe(1);
    expect(reasons).toHaveLength(2);
  });

  it('is no refusal that is not on record, and no refusal without a parked field', () => {
    expect(explanationsOf(account({ links: [link({ parked: parkedBy('gone') })] }))).toEqual([]);
    expect(explanationsOf(account({ links: [link({})], rejections: [rejection({})] }))).toEqual([]);
  });

  it('is a quarantined field', () => {
    const [first] = explanationsOf(account({ links: [link({ parked: parkedBy(null, 'quarantined') })] }));
    expect(first).toMatchObject({ field: 'title', reason: expect.stringContaining('quarantined') as string });
  });

  it('is the ambiguous row, and the row whose person was refused', () => {
    const links = [
      link({ id: 1, status: 'ambiguous', marketoId: null }),
      link({ id: 2, status: 'unmatched', marketoId: null, dynamicsId: 'row-2' }),
      link({ id: 3, status: 'unmatched', marketoId: null, dynamicsId: 'row-3' }),
    ];
    const rejections = [rejection({ linkId: 2, side: 'marketo', field: null, code: '1003', message: 'No.' })];
    expect(explanationsOf(account({ links, rejections }))).toEqual([
      { dynamicsId: 'row-1', reason: 'ambiguous: several records have one e-mail' },
      { dynamicsId: 'row-2', reason: 'refused by Marketo, the record (1003): No.' },
    ]);
  });

  it('is a notice about a field, for links of its kind alone', () => {
    const links = [link({}), link({ id: 2, kind: 'contact', marketoId: 1002, dynamicsId: 'row-2' })];
    const notices = [{ kind: 'contact', field: 'fax', message: 'It may not be read.' }] as const;
    expect(explanationsOf(account({ links, notices }))).toEqual([
      { marketoId: 1002, dynamicsId: 'row-2', field: 'fax', reason: 'not synced: It may not be read.' },
    ]);
  });

  it('is nothing for links that have ended: those promise nothing', () => {
    const links = (['ended', 'tombstone', 'excluded'] as const).map((state) => link({ status: state }));
    expect(explanationsOf(account({ links, rejections: [rejection({})] }))).toEqual([]);
    expect(claimsOf(account({ links })).map(({ state }) => state)).toEqual([
      'ended',
      'tombstone',
      'excluded',
    ]);
  });
});

describe('the verdict', () => {
  const difference: ExplainedDifference = {
    ...{ what: 'value differs', kind: 'lead', marketoId: 1001, dynamicsId: 'row-1', field: 'title' },
    ...{ marketo: 'long', dynamics: null, reason: 'refused' },
  };
  const comparison = (known: Partial<Comparison>): Comparison => ({
    ...{ compared: 1200, equal: 1199, explained: [], different: [] },
    ...{ unlinkedRows: [], unusedExplanations: [], summaryText: '' },
    ...known,
  });

  it('is good when all that differs has its reason, and gives reasons with counts and examples', () => {
    const explained = Array.from({ length: 12 }, (_, index) => ({ ...difference, marketoId: 1001 + index }));
    const verdict = verdictOf(comparison({ explained }), account({ links: [link({})] }));
    expect(verdict.equal).toBe(true);
    expect(verdict.lines.slice(0, 4)).toEqual([
      'Compared field by field: 1,200 values on 1 links.',
      '  equal         1,199',
      '  explained     12',
      '  unexplained   0',
    ]);
    expect(verdict.lines).toContain('     12  refused');
    expect(verdict.lines.filter((line) => line.includes('e.g. person'))).toEqual([
      '         e.g. person 1001, lead row-1, title: Marketo "long", Dynamics (blank)',
      '         e.g. person 1002, lead row-1, title: Marketo "long", Dynamics (blank)',
      '         e.g. person 1003, lead row-1, title: Marketo "long", Dynamics (blank)',
    ]);
  });

  it('is bad with one difference that nothing explains, and names it', () => {
    const { reason, ...unexplained } = difference;
    const verdict = verdictOf(comparison({ different: [unexplained] }), account({}));
    expect(reason).toBe('refused');
    expect(verdict.equal).toBe(false);
    expect(verdict.lines.at(-1)).toBe(
      '  value differs: person 1001, lead row-1, title: Marketo "long", Dynamics (blank)',
    );
  });
});
