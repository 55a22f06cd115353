import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beyond,
  changesOf,
  countChanges,
  COUNTERS,
  giveUpFields,
  isNamedBy,
  judgeMass,
  newTally,
  withoutValues,
  type Change,
  type GuardReason,
  type Thresholds,
} from '../../rules/guard.js';
import type { Link } from '../../rules/link.js';
import { plan, type Planned } from '../../rules/plan.js';
import { at, field, flag, pair, titled, write } from './pair.js';

const THRESHOLDS: Thresholds = { clears: 0.1, deletes: 0.1, writes: 0.5, sameValue: 0.25, atLeast: 5 };
const OFF: Thresholds = { clears: null, deletes: null, writes: null, sameValue: null, atLeast: 1 };

const title = field('title');
const planned = (link: Link, fields = [title]): Planned => plan(link, { fields, cycle: 4, at: at(60) });
const changes = (link: Link, fields = [title]): string[] =>
  changesOf(planned(link, fields), fields).map(
    ({ from, field: name, to, clears }) => `${from} ${name} ${String(to)}${clears ? ' clears' : ''}`,
  );

describe('What counts as a change', () => {
  it('is a value that goes over one that was agreed, told from the side that brings it', () => {
    expect(changes(titled('A', { marketo: 'B' }))).toEqual(['marketo title B']);
    expect(changes(titled('A', { dynamics: 'B' }))).toEqual(['dynamics title B']);
  });

  it.each([null, ''])('is a clear where the value is blank: %j', (blank) => {
    expect(changes(titled('A', { dynamics: blank }))).toEqual(['dynamics title null clears']);
  });

  it('is a clear where a yes becomes a no, which is what a masked yes/no column reads as', () => {
    const values = { agreed: { marketo: { vip: true }, dynamics: { vip: true } } };
    const link = pair({ ...values, seen: { marketo: {}, dynamics: { vip: null } } });
    expect(changes(link, [flag('vip')])).toEqual(['dynamics vip false clears']);
  });

  it.each([
    ['a first agreement', pair({ seen: { marketo: { title: 'A' }, dynamics: { title: 'B' } } })],
    ['a first blank', pair({ seen: { marketo: { title: 'A' }, dynamics: { title: null } } })],
    ['equal values', titled('A', { marketo: 'B', dynamics: 'B' })],
    [
      'a trace of ours that is taken back',
      titled('E', { marketo: 'B' }, { writes: [write({ state: 'superseded' })] }),
    ],
    ['a field in doubt', titled('A', { marketo: 'C' }, { writes: [write({ state: 'sent' })] })],
  ])('is not %s', (_, link) => {
    expect(changes(link)).toEqual([]);
  });

  it('is not the first value of a one-way field either', () => {
    const oneWay = field('title', { direction: 'toDynamics' });
    const link = pair({ seen: { marketo: { title: 'A' }, dynamics: { title: 'B' } } });
    expect(changes(link, [oneWay])).toEqual([]);
  });
});

const change = (over: Partial<Change> = {}): Change => ({
  ...{ from: 'dynamics', kind: 'lead', field: 'title', to: 'A', clears: false },
  ...over,
});

const judged = (all: readonly (readonly Change[])[], thresholds = THRESHOLDS, pairs = 100): GuardReason[] => {
  const tally = newTally();
  all.forEach((each, index) => countChanges(tally, { marketoId: index + 1, dynamicsId: null }, each));
  return judgeMass({ tally, missing: [], pairs: { lead: pairs, contact: pairs } }, thresholds);
};

const times = (count: number, over: (index: number) => Partial<Change>): Change[][] =>
  Array.from({ length: count }, (_, index) => [change(over(index))]);

const told = (reasons: readonly GuardReason[]): string[] =>
  reasons.map(({ measure, from, kind, field: name, count, of }) =>
    [measure, from, kind, name ?? '*', count, of].join(' '),
  );

const clear = () => ({ to: null, clears: true });

describe('The verdict', () => {
  it('lets as much through as the share says, and names the field and side of one more', () => {
    expect(judged(times(10, clear))).toEqual([]);
    expect(told(judged(times(11, clear)))).toEqual(['clears dynamics lead title 11 100']);
  });

  it('stops nothing below the floor, however small the table', () => {
    expect(judged(times(4, clear), THRESHOLDS, 4)).toEqual([]);
    expect(judged(times(5, clear), THRESHOLDS, 5)).not.toEqual([]);
  });

  it('names one value everywhere, with the value and examples', () => {
    const [reason, ...others] = judged(times(26, () => ({ to: 'Test' })));
    expect(others).toEqual([]);
    expect(reason).toMatchObject({ measure: 'sameValue', field: 'title', value: 'Test', count: 26, of: 100 });
    expect(reason?.examples.map(({ marketoId }) => marketoId)).toEqual([1, 2, 3, 4, 5]);
  });

  it('names writes of half the records, whatever their fields', () => {
    const all = times(51, (index) => ({ field: `f${String(index % 7)}`, to: index }));
    expect(told(judged(all))).toEqual(['writes dynamics lead * 51 100']);
  });

  it('does not call writes what a field explains already', () => {
    expect(told(judged([...times(60, clear), ...times(20, (index) => ({ to: index }))]))).toEqual([
      'clears dynamics lead title 60 100',
    ]);
  });

  it('keeps sides and tables apart', () => {
    const all = [...times(10, clear), ...times(10, () => ({ ...clear(), from: 'marketo' as const }))];
    expect(judged([...all, ...times(10, () => ({ ...clear(), kind: 'contact' as const }))])).toEqual([]);
  });

  it('measures missing records by the pairs that stood before they were missed', () => {
    const missing = [{ from: 'dynamics' as const, kind: 'lead' as const, count: 11, examples: [] }];
    const of = (lead: number) =>
      told(judgeMass({ tally: newTally(), missing, pairs: { lead, contact: 0 } }, THRESHOLDS));
    expect(of(99)).toEqual([]);
    expect(of(98)).toEqual(['deletes dynamics lead * 11 109']);
    expect(of(0)).toEqual(['deletes dynamics lead * 11 11']);
  });

  it('may be told to histories without any value or id', () => {
    const reasons = judged(times(26, () => ({ to: 'Ana Ruiz' }))).map(withoutValues);
    expect(JSON.stringify(reasons)).not.toMatch(/Ana|examples|value"/);
  });
});

const changesArb = fc.array(
  fc.array(
    fc.record({
      from: fc.constantFrom('marketo' as const, 'dynamics' as const),
      kind: fc.constant('lead' as const),
      field: fc.constantFrom('a', 'b'),
      to: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 4 })),
      clears: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
  { maxLength: 60 },
);
const thresholdsArb = fc.record({
  clears: fc.constantFrom(null, 0.1, 0.5, 1),
  deletes: fc.constant(null),
  writes: fc.constantFrom(null, 0.1, 0.5, 1),
  sameValue: fc.constantFrom(null, 0.1, 0.5, 1),
  atLeast: fc.integer({ min: 1, max: 20 }),
});

describe('For any changes', () => {
  it('a reason is over its share and its floor, and never counts more records than there are', () => {
    fc.assert(
      fc.property(changesArb, thresholdsArb, (all, thresholds) => {
        for (const { measure, count, of } of judged(all, thresholds, 40)) {
          expect(count).toBeGreaterThanOrEqual(thresholds.atLeast);
          expect(count).toBeGreaterThan((thresholds[measure] ?? Infinity) * of);
          if (measure === 'writes') expect(count).toBeLessThanOrEqual(all.length);
        }
      }),
    );
  });

  it('nothing stops where every measure is off', () => {
    fc.assert(
      fc.property(changesArb, (all) => {
        expect(judged(all, OFF, 1)).toEqual([]);
      }),
    );
  });

  it('every change is named by the reasons, or there are too few of its kind left to stop for', () => {
    fc.assert(
      fc.property(changesArb, thresholdsArb, (all, thresholds) => {
        const reasons = judged(all, thresholds, 40);
        const left = all.map((each) => each.filter((one) => !isNamedBy(reasons, one)));
        expect(judged(left, thresholds, 40)).toEqual([]);
      }),
    );
  });

  it('what was let through passes again, and the same once more does not', () => {
    fc.assert(
      fc.property(changesArb, thresholdsArb, (all, thresholds) => {
        const reasons = judged(all, thresholds, 40);
        expect(beyond(reasons, reasons, thresholds)).toEqual([]);
        const grown = reasons.map((reason) => ({
          ...reason,
          count: 2 * reason.count + thresholds.atLeast + 1,
        }));
        expect(beyond(grown, reasons, thresholds)).toEqual(grown);
        expect(beyond(reasons, [], thresholds)).toEqual(reasons);
      }),
    );
  });

  it('the order of records does not matter while values are few', () => {
    fc.assert(
      fc.property(changesArb, thresholdsArb, (all, thresholds) => {
        expect(told(judged([...all].reverse(), thresholds, 40))).toEqual(told(judged(all, thresholds, 40)));
      }),
    );
  });

  it('a value is never counted too high, and hardly too low among many others', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 2_000 }), (often, others) => {
        const rest = times(others, (index) => ({ to: index }));
        const all = [...times(often, () => ({ to: 'Test' })), ...rest];
        const mixed = all.map((_, index) => all[(index * 7_919) % all.length] ?? []);
        const thresholds = { ...OFF, sameValue: 0.000_001 };
        const found = judged(mixed, thresholds, all.length).find(({ value }) => value === 'Test');
        const exact = mixed.filter(([one]) => one?.to === 'Test').length;
        expect(found?.count ?? 0).toBeLessThanOrEqual(exact);
        expect(found?.count ?? 0).toBeGreaterThanOrEqual(exact - all.length / (COUNTERS + 1));
      }),
      { numRuns: 30 },
    );
  });

  it('memory does not grow with the number of values', () => {
    const tally = newTally();
    for (let index = 0; index < 10_000; index += 1)
      countChanges(tally, { marketoId: index, dynamicsId: null }, [change({ to: index })]);
    for (const { values } of tally.fields.values()) expect(values.size).toBeLessThanOrEqual(COUNTERS);
  });
});

describe('A field that was given up', () => {
  it('is planned no more while both sides hold what they held, and again as soon as one moves', () => {
    const link = giveUpFields(titled('A', { dynamics: null }), ['title']);
    expect(link.parked['title']).toEqual({
      ...{ reason: 'discarded', rejectionId: null },
      ...{ marketo: 'A', dynamics: null },
    });
    expect(changes(link)).toEqual([]);
    expect(planned(link).link.dirty).toBe(false);
    expect(changes({ ...link, seen: { marketo: {}, dynamics: { title: 'C' } } })).toEqual([
      'dynamics title C',
    ]);
  });

  it.each(['lead', 'contact'] as const)('gives way to whoever edits the other side next, on a %s', (kind) => {
    const cleared = giveUpFields(titled('A', { dynamics: null }, { kind }), ['title']);
    expect(changes({ ...cleared, seen: { marketo: { title: 'C' }, dynamics: { title: null } } })).toEqual([
      'marketo title C',
    ]);
    const spread = giveUpFields(titled('A', { marketo: 'Test' }, { kind }), ['title']);
    expect(changes({ ...spread, seen: { marketo: { title: 'Test' }, dynamics: { title: 'C' } } })).toEqual([
      'dynamics title C',
    ]);
  });

  it('takes an edit that our write had covered with it', () => {
    const covered = { value: 'Test', written: 'A', source: 'A', as: 'collision' } as const;
    const link = giveUpFields(titled('A', {}, { overtaken: { title: covered } }), ['title']);
    expect(changes({ ...link, seen: { marketo: {}, dynamics: { title: 'C' } } })).toEqual([
      'dynamics title C',
    ]);
  });

  it('takes its planned write with it, and no other', () => {
    const writes = [write({ state: 'planned' }), write({ state: 'settled' })];
    expect(giveUpFields(titled('A', { dynamics: null }, { writes }), ['title']).writes).toEqual([writes[1]]);
  });
});
