import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan } from '../../rules/plan.js';
import { FEW_CYCLES, forgetSwings, MOST_SWINGS } from '../../rules/swing.js';
import { draftOf } from '../../rules/draft.js';
import { across, type Kind, type Side } from '../../rules/terms.js';
import { cycle } from './model/cycle.js';
import { holdBoth, runUntilQuiet } from './model/oracle.js';
import { FATES, edit, world, type World } from './model/world.js';
import { field, flag } from './pair.js';

const TITLE = field('title');
const SIDES = ['marketo', 'dynamics'] as const satisfies readonly Side[];

interface Start {
  readonly kind: Kind;
  readonly fates?: readonly (typeof FATES)[number][];
}

/** A pair at rest that agreed on "as ever" long ago. */
const calm = ({ kind, fates = [] }: Start, mapped = TITLE): World => {
  const as = mapped.codec.blank === false ? false : 'as ever';
  const values = { [mapped.name]: as };
  const scenario = { kind, marketo: values, dynamics: values, happenings: [], fates, lags: [], turns: [] };
  const w = world([mapped], scenario);
  runUntilQuiet(w);
  return w;
};

const held = (w: World, side: Side, name = 'title') =>
  side === 'marketo' ? w.person.values[name] : w.row.values[name];

/** Each system puts its own form in the place of the other's, as soon as it sees it. */
const rewrite = (w: World, forms: Readonly<Record<Side, string>>): void => {
  for (const side of SIDES)
    if (held(w, side) === forms[across(side)]) edit(w, side, 'title', forms[side], side === 'marketo');
};

const run = (w: World, cycles: number, forms: Readonly<Record<Side, string>>): void => {
  for (let n = 0; n < cycles; n += 1) {
    cycle(w);
    rewrite(w, forms);
  }
};

const kinds = fc.constantFrom<Kind>('lead', 'contact');
const sides = fc.constantFrom(...SIDES);
const words = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' });
const forms = fc
  .record({ marketo: words, dynamics: words })
  .filter(({ marketo, dynamics }) => new Set([marketo.trim(), dynamics.trim(), 'as ever', '']).size === 4);

/** A pair that two systems have just been stopped from rewriting. */
const stopped = (kind: Kind, begun: Side, rewritten: Readonly<Record<Side, string>>): World => {
  const w = calm({ kind });
  edit(w, begun, 'title', rewritten[begun]);
  run(w, 8, rewritten);
  expect(w.link.parked['title']).toMatchObject({
    reason: 'quarantined',
    because: 'swinging',
    rejectionId: null,
  });
  return w;
};

describe('A field that two systems rewrite', () => {
  it('is set aside after the third swing, and is not written any more; both keep what they hold', () => {
    fc.assert(
      fc.property(kinds, sides, forms, (kind, begun, rewritten) => {
        const w = stopped(kind, begun, rewritten);
        // The first write brought the edit: only then there are two values to swing between.
        expect(w.sent).toHaveLength(1 + MOST_SWINGS);
        const { calls } = w;
        const before = [{ ...w.person.values }, { ...w.row.values }];
        run(w, 12, rewritten);
        expect(w.calls).toBe(calls);
        expect([w.person.values, w.row.values]).toEqual(before);
        expect(w.link.dirty).toBe(false);
      }),
    );
  });

  it('is written so often exactly', () => {
    for (const kind of ['lead', 'contact'] as const) {
      const w = stopped(kind, 'marketo', { marketo: '555-1234', dynamics: '(555) 1234' });
      const moves = w.sent.map(({ from, to }) => `${String(from)} > ${String(to)}`);
      expect(moves).toEqual([
        'as ever > 555-1234',
        '555-1234 > (555) 1234',
        '(555) 1234 > 555-1234',
        '555-1234 > (555) 1234',
      ]);
      expect([held(w, 'marketo'), held(w, 'dynamics')]).toEqual(['555-1234', '(555) 1234']);
    }
  });

  it('stays aside while either side only moves between the two values', () => {
    // Where both meet, it is on trial for so many cycles: who moves later has thought about it.
    const steps = fc.array(fc.record({ side: sides, own: fc.boolean() }), { maxLength: FEW_CYCLES });
    fc.assert(
      fc.property(kinds, sides, forms, steps, (kind, begun, rewritten, moves) => {
        const w = stopped(kind, begun, rewritten);
        const { calls } = w;
        for (const { side, own } of moves) {
          edit(w, side, 'title', rewritten[own ? side : across(side)]);
          cycle(w);
        }
        expect(w.calls).toBe(calls);
      }),
    );
  });

  it('is released by a third value from either side, which goes across, and counts from the start', () => {
    fc.assert(
      fc.property(kinds, sides, sides, forms, (kind, begun, by, rewritten) => {
        const w = stopped(kind, begun, rewritten);
        edit(w, by, 'title', 'a third value');
        runUntilQuiet(w);
        expect(holdBoth(w, TITLE, 'a third value')).toBe(true);
        expect(w.decisions.filter(({ loser }) => loser !== undefined)).toEqual([]);
        expect(w.link.parked).toEqual({});
        edit(w, begun, 'title', 'as ever');
        runUntilQuiet(w);
        const { calls } = w;
        edit(w, begun, 'title', rewritten[begun]);
        run(w, 8, rewritten);
        expect(w.calls - calls).toBe(MOST_SWINGS + 1);
        expect(w.link.parked['title']).toMatchObject({ because: 'swinging' });
      }),
    );
  });

  it('is released when an operator decides so', () => {
    const w = stopped('contact', 'marketo', { marketo: 'A', dynamics: 'B' });
    const draft = draftOf(w.link);
    forgetSwings(draft, 'title');
    w.link = { ...draft, parked: {}, dirty: true };
    runUntilQuiet(w);
    expect(held(w, 'marketo')).toBe(held(w, 'dynamics'));
  });

  it('is on trial once both sides hold the same: an edit after a while goes across, one at once does not', () => {
    const both = { marketo: 'A', dynamics: 'B' };
    const met = (): World => {
      const w = stopped('lead', 'marketo', both);
      edit(w, 'dynamics', 'title', 'A');
      cycle(w);
      expect(w.link.parked).toEqual({});
      return w;
    };
    const soon = met();
    edit(soon, 'dynamics', 'title', 'B');
    cycle(soon);
    expect(soon.link.parked['title']).toMatchObject({ because: 'swinging' });
    const later = met();
    for (let n = 0; n <= FEW_CYCLES; n += 1) cycle(later);
    edit(later, 'dynamics', 'title', 'B');
    runUntilQuiet(later);
    expect(holdBoth(later, TITLE, 'B')).toBe(true);
  });
});

describe('A field that travels one way', () => {
  it.each([
    ['toDynamics', 'marketo'],
    ['toMarketo', 'dynamics'],
  ] as const)('and is rewritten at its target is set aside too (%s)', (direction, source) => {
    const w = calm({ kind: 'lead' }, field('title', { direction }));
    edit(w, source, 'title', 'A');
    for (let n = 0; n < 12; n += 1) {
      cycle(w);
      if (held(w, across(source)) === 'A') edit(w, across(source), 'title', 'B');
    }
    expect(w.sent.map(({ from, to }) => `${String(from)} > ${String(to)}`)).toEqual([
      'as ever > A',
      ...Array.from({ length: MOST_SWINGS }, () => 'B > A'),
    ]);
    expect(w.link.parked['title']).toMatchObject({
      because: 'swinging',
      [source]: 'A',
      [across(source)]: 'B',
    });
  });
});

describe('No oscillation is', () => {
  const never = (w: World): void => expect(w.link.parked).toEqual({});

  it('somebody who toggles a checkbox, however often and fast', () => {
    const optOut = flag('optOut');
    fc.assert(
      fc.property(
        kinds,
        sides,
        fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 20 }),
        (kind, side, rests) => {
          const w = calm({ kind }, optOut);
          rests.forEach((rest, n) => {
            edit(w, side, 'optOut', n % 2 === 0);
            for (let left = rest; left > 0; left -= 1) cycle(w);
            never(w);
          });
          runUntilQuiet(w);
          expect(holdBoth(w, optOut, rests.length % 2 === 1)).toBe(true);
        },
      ),
    );
  });

  it('people on both sides who undo each other over many cycles', () => {
    fc.assert(
      fc.property(kinds, sides, fc.integer({ min: 1, max: 12 }), (kind, begun, turns) => {
        const w = calm({ kind });
        let side = begun;
        for (let n = 0; n < turns; n += 1, side = across(side)) {
          edit(w, side, 'title', n % 2 === 0 ? 'A' : 'B');
          for (let rested = 0; rested <= FEW_CYCLES; rested += 1) cycle(w);
          never(w);
        }
        expect(holdBoth(w, TITLE, turns % 2 === 1 ? 'A' : 'B')).toBe(true);
      }),
    );
  });

  it('values that never come back, from whichever side', () => {
    fc.assert(
      fc.property(kinds, fc.array(sides, { maxLength: 20 }), (kind, turns) => {
        const w = calm({ kind });
        turns.forEach((side, n) => {
          edit(w, side, 'title', `v${n}`);
          cycle(w);
          never(w);
        });
      }),
    );
  });

  it('one edit that takes many calls', () => {
    const fates = fc.array(fc.constantFrom(...FATES.filter((fate) => fate !== 'refused')), { maxLength: 8 });
    fc.assert(
      fc.property(kinds, sides, fates, (kind, side, all) => {
        const w = calm({ kind, fates: all });
        edit(w, side, 'title', 'A');
        runUntilQuiet(w);
        never(w);
        expect(holdBoth(w, TITLE, 'A')).toBe(true);
      }),
    );
  });
});

it('Deciding twice says the same', () => {
  const w = calm({ kind: 'contact' });
  edit(w, 'marketo', 'title', 'A');
  run(w, 6, { marketo: 'A', dynamics: 'B' });
  const context = { fields: w.fields, cycle: w.cycle, at: '' };
  const once = plan({ ...w.link, parked: {} }, context);
  expect(once.swinging).toEqual(['title']);
  expect(plan(once.link, context)).toMatchObject({ decisions: [], swinging: [], link: once.link });
});
