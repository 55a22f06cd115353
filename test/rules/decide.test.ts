import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type Question, type Verdict } from '../../rules/decide.js';
import type { FieldValue } from '../../rules/terms.js';
import { field, flag } from './pair.js';

const text = field('title');

const question = (over: Partial<Question>): Question => ({
  kind: 'lead',
  codec: text.codec,
  column: 'jobtitle',
  direction: 'both',
  narrowed: false,
  consent: false,
  base: { marketo: 'A', dynamics: 'A' },
  marketo: 'A',
  dynamics: 'A',
  ...over,
});

const verdict = (over: Partial<Question>): Verdict => decide(question(over));

describe('a two-way field that was agreed on', () => {
  it.each<[string, FieldValue, FieldValue, Verdict]>([
    ['unchanged on both sides, is equal', 'A', 'A', { rule: 'equal' }],
    ['edited to the same on both sides, is equal', 'B', 'B', { rule: 'equal' }],
    ['edited in Marketo, goes to Dynamics', 'B', 'A', { rule: 'one-sided', winner: 'marketo' }],
    ['edited in Dynamics, goes to Marketo', 'A', 'B', { rule: 'one-sided', winner: 'dynamics' }],
    ['cleared in Marketo, is cleared in Dynamics', null, 'A', { rule: 'one-sided', winner: 'marketo' }],
    ['cleared in Dynamics, is cleared in Marketo', 'A', '', { rule: 'one-sided', winner: 'dynamics' }],
    ['blank in two ways, is equal', null, '', { rule: 'equal' }],
  ])('%s', (_name, marketo, dynamics, expected) => {
    expect(verdict({ marketo, dynamics })).toEqual(expected);
    expect(verdict({ kind: 'contact', marketo, dynamics })).toEqual(expected);
  });

  it('edited on both sides, takes the value of the authority and names the loser', () => {
    const edited = { marketo: 'M', dynamics: 'D' };
    expect(verdict({ kind: 'lead', ...edited })).toEqual({
      rule: 'authority',
      winner: 'marketo',
      loser: { side: 'dynamics', value: 'D' },
    });
    expect(verdict({ kind: 'contact', ...edited })).toEqual({
      rule: 'authority',
      winner: 'dynamics',
      loser: { side: 'marketo', value: 'M' },
    });
  });

  it('collides when a write of ours covered the edit, also where one side looks unchanged', () => {
    const covered = { marketo: 'M', dynamics: 'A', collides: true };
    expect(verdict({ kind: 'contact', ...covered })).toMatchObject({ rule: 'authority', winner: 'dynamics' });
  });

  it('takes the value of Dynamics where only the meaning of its options moved', () => {
    expect(verdict({ base: { marketo: 'A', dynamics: 'B' }, marketo: 'A', dynamics: 'B' })).toEqual({
      rule: 'one-sided',
      winner: 'dynamics',
    });
  });
});

describe('a one-way field', () => {
  it.each([
    ['toMarketo', 'dynamics'],
    ['toDynamics', 'marketo'],
  ] as const)('%s always takes the value of %s', (direction, winner) => {
    for (const kind of ['lead', 'contact'] as const) {
      for (const base of [undefined, { marketo: 'A', dynamics: 'A' }]) {
        for (const [marketo, dynamics] of [
          ['M', 'A'],
          ['A', 'D'],
          ['M', 'D'],
          ['M', null],
          [null, 'D'],
        ] as const) {
          expect(verdict({ kind, direction, base, marketo, dynamics })).toEqual({
            rule: 'direction',
            winner,
          });
          expect(verdict({ kind, direction, base, marketo, dynamics, collides: true })).toEqual({
            rule: 'direction',
            winner,
          });
        }
      }
    }
  });
});

describe('a two-way field that may not be written to Dynamics', () => {
  const narrow = (over: Partial<Question>): Verdict =>
    verdict({ direction: 'toMarketo', narrowed: true, ...over });

  it('takes what Dynamics brings', () => {
    expect(narrow({ dynamics: 'D' })).toEqual({ rule: 'one-sided', winner: 'dynamics' });
    expect(narrow({ base: undefined, marketo: null })).toEqual({ rule: 'first-blank', winner: 'dynamics' });
    expect(narrow({ kind: 'contact', marketo: 'M', dynamics: 'D' })).toMatchObject({ rule: 'authority' });
  });

  it('leaves what would go to Dynamics: edits, first values, opt-outs', () => {
    const stands = { rule: 'stands' };
    expect(narrow({ marketo: 'M' })).toEqual(stands);
    expect(narrow({ marketo: null })).toEqual(stands);
    expect(narrow({ marketo: 'M', dynamics: 'D' })).toEqual(stands);
    expect(narrow({ base: undefined, dynamics: null })).toEqual(stands);
    const { codec } = flag('unsubscribed');
    const optOut = { codec, column: 'donotbulkemail', consent: true, marketo: true, dynamics: false };
    expect(narrow({ ...optOut, base: undefined })).toEqual(stands);
    expect(narrow({ ...optOut, base: { marketo: false, dynamics: false } })).toEqual(stands);
    expect(narrow({ ...optOut, base: { marketo: true, dynamics: true } })).toMatchObject({
      winner: 'dynamics',
    });
  });
});

describe('a field on which nothing was agreed yet', () => {
  const first = (over: Partial<Question>): Verdict => verdict({ base: undefined, ...over });

  it('agrees on equal values', () => {
    expect(first({ marketo: 'X', dynamics: 'X' })).toEqual({ rule: 'equal' });
  });

  it('fills the side that is blank', () => {
    expect(first({ marketo: null, dynamics: 'D' })).toEqual({ rule: 'first-blank', winner: 'dynamics' });
    expect(first({ kind: 'contact', marketo: 'M', dynamics: '' })).toEqual({
      rule: 'first-blank',
      winner: 'marketo',
    });
  });

  it('takes the value of the authority otherwise', () => {
    const both = { marketo: 'M', dynamics: 'D' };
    expect(first({ kind: 'lead', ...both })).toEqual({ rule: 'first-authority', winner: 'marketo' });
    expect(first({ kind: 'contact', ...both })).toEqual({ rule: 'first-authority', winner: 'dynamics' });
  });
});

describe('a consent field', () => {
  const { codec } = flag('unsubscribed');
  const consent = (over: Partial<Question>): Verdict =>
    verdict({ codec, column: 'donotbulkemail', consent: true, base: undefined, ...over });

  it.each(['lead', 'contact'] as const)(
    'keeps the opt-out of either side at the first agreement (%s)',
    (kind) => {
      expect(consent({ kind, marketo: true, dynamics: false })).toMatchObject({ winner: 'marketo' });
      expect(consent({ kind, marketo: false, dynamics: true })).toMatchObject({ winner: 'dynamics' });
      expect(consent({ kind, marketo: true, dynamics: null })).toMatchObject({ winner: 'marketo' });
      expect(consent({ kind, marketo: null, dynamics: true })).toMatchObject({ winner: 'dynamics' });
    },
  );

  it('takes false for the opt-out of `followemail` alone', () => {
    expect(consent({ column: 'followemail', marketo: true, dynamics: false })).toEqual({
      rule: 'first-consent',
      winner: 'dynamics',
    });
  });

  it('lets a person opt in again once something was agreed', () => {
    const base = { marketo: true, dynamics: true };
    expect(consent({ base, marketo: false, dynamics: true })).toEqual({
      rule: 'one-sided',
      winner: 'marketo',
    });
  });
});

describe('any question', () => {
  const values = fc.constantFrom<FieldValue>(null, '', 'A', 'B', 'C');
  const base = fc.option(
    fc.constantFrom('A', 'B', null).map((v) => ({ marketo: v, dynamics: v })),
    { nil: undefined },
  );
  const questions = fc
    .record({
      kind: fc.constantFrom('lead' as const, 'contact' as const),
      direction: fc.constantFrom('both' as const, 'toMarketo' as const, 'toDynamics' as const),
      consent: fc.boolean(),
      ...{ narrowed: fc.boolean(), base },
      marketo: values,
      dynamics: values,
    })
    .map(question);

  it('is answered: equal exactly when both sides hold the same', () => {
    fc.assert(
      fc.property(questions, (asked) => {
        const { codec, marketo, dynamics } = asked;
        const same = codec.canonical('marketo', marketo) === codec.canonical('dynamics', dynamics);
        expect(decide(asked).rule === 'equal').toBe(same);
      }),
    );
  });

  it('names a loser only where both sides moved away from what was agreed, and the loser lost', () => {
    fc.assert(
      fc.property(questions, (asked) => {
        const answer = decide(asked);
        if (!('loser' in answer)) return;
        const { codec } = asked;
        expect(answer.loser.side).not.toBe(answer.winner);
        expect(answer.loser.value).toBe(asked[answer.loser.side]);
        for (const side of ['marketo', 'dynamics'] as const) {
          expect(codec.canonical(side, asked[side])).not.toBe(codec.canonical(side, asked.base?.[side]));
        }
      }),
    );
  });
});
