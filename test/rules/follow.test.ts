import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeInto, qualifyInto, type NewRow } from '../../rules/follow.js';
import { actual, type Link } from '../../rules/link.js';
import type { MappedField } from '../../rules/mapping.js';
import { plan } from '../../rules/plan.js';
import type { FieldValue } from '../../rules/terms.js';
import { at, field, flag, pair, write } from './pair.js';
import { column } from './schema.js';

const CONTACT = '0000000c-0000-0000-0000-00000000000c';
const title = field('title');
const contact = (held: FieldValue | undefined, name = 'title'): NewRow => ({
  ...{ kind: 'contact', dynamicsId: CONTACT, etag: 'c1', emailKey: 'a@example.com' },
  ...{ values: held === undefined ? {} : { [name]: held }, successor: null, predecessor: null },
});

interface Scene {
  readonly agreed: FieldValue;
  readonly marketo?: FieldValue | undefined;
  readonly lead?: FieldValue | undefined;
  readonly contact: FieldValue;
}

const leadOf = ({ agreed, marketo, lead }: Scene, name = 'title'): Link =>
  pair({
    agreed: { marketo: { [name]: agreed }, dynamics: { [name]: agreed } },
    seen: {
      marketo: marketo === undefined ? {} : { [name]: marketo },
      dynamics: lead === undefined ? {} : { [name]: lead },
    },
  });

const qualified = (scene: Scene, before: MappedField = title, after: MappedField = before): Link =>
  qualifyInto(leadOf(scene, after.name), {}, contact(scene.contact, after.name), {
    ...{ before: [before], after: [after] },
  });

/** What the next plan writes. */
const planned = (link: Link, fields: readonly MappedField[] = [title]) =>
  plan(link, { fields, cycle: 2, at: at(0) }).link.writes.flatMap(({ side, to, state }) =>
    state === 'planned' ? [{ side, to }] : [],
  );

describe('A value of a qualified lead', () => {
  it.each<[string, Scene, ReturnType<typeof planned>]>([
    ['that the contact has is nothing to write', { agreed: 'A', contact: 'A' }, []],
    [
      'that was not carried comes from Marketo',
      { agreed: 'A', contact: null },
      [{ side: 'dynamics', to: 'A' }],
    ],
    [
      'that was not carried and edited in Marketo comes from there',
      { agreed: 'A', marketo: 'B', contact: '' },
      [{ side: 'dynamics', to: 'B' }],
    ],
    [
      'that was cleared on the lead before is cleared in Marketo',
      { agreed: 'A', lead: null, contact: null },
      [{ side: 'marketo', to: null }],
    ],
    [
      'that another one replaced is an edit of Dynamics',
      { agreed: 'A', contact: 'C' },
      [{ side: 'marketo', to: 'C' }],
    ],
    [
      'that was edited in Marketo alone goes to the contact',
      { agreed: 'A', marketo: 'B', contact: 'A' },
      [{ side: 'dynamics', to: 'B' }],
    ],
    [
      'that was edited on both sides is decided for a contact: Dynamics wins',
      { agreed: 'A', marketo: 'B', contact: 'C' },
      [{ side: 'marketo', to: 'C' }],
    ],
  ])('%s', (_name, scene, expected) => {
    expect(planned(qualified(scene))).toEqual(expected);
  });

  it('that the column holds by default was not carried', () => {
    const optionOf = (initial?: number) =>
      field(
        'method',
        {},
        {
          dynamics: column('picklist', {
            options: [
              { value: 1, label: 'Any' },
              { value: 2, label: 'Email' },
            ],
            ...(initial === undefined ? {} : { initial }),
          }),
        },
      );
    const scene = { agreed: 'Email', contact: 1 };
    const lead = {
      ...leadOf(scene, 'method'),
      agreed: { marketo: { method: 'Email' }, dynamics: { method: 2 } },
    };
    const writes = (initial?: number) => {
      const after = optionOf(initial);
      const there = qualifyInto(lead, {}, contact(1, 'method'), { before: [optionOf()], after: [after] });
      return planned(there, [after]);
    };
    expect(writes(1)).toEqual([{ side: 'dynamics', to: 2 }]);
    expect(writes()).toEqual([{ side: 'marketo', to: 'Any' }]);
  });

  it('that no lead has is agreed on by nobody yet', () => {
    const link = qualifyInto(pair(), { title: null }, contact('C'), { before: [], after: [title] });
    expect(planned(link)).toEqual([{ side: 'marketo', to: 'C' }]);
    expect(link.agreed).toEqual({ marketo: {}, dynamics: {} });
  });

  it('that the contact keeps to itself is not known, and waits', () => {
    const link = qualifyInto(leadOf({ agreed: 'A', contact: null }), {}, contact(undefined), {
      ...{ before: [title], after: [title] },
    });
    expect(actual(link, 'dynamics', 'title')).toBeUndefined();
    expect(plan(link, { fields: [title], cycle: 2, at: at(0) }).unread).toEqual(['title']);
  });

  it.each([
    [true, false],
    [false, true],
    [true, true],
  ])('that is a consent (agreed %s, on the contact %s) is the most restrictive', (agreed, held) => {
    const optOut = flag('unsubscribed', { consent: true, column: 'donotbulkemail' });
    const link = qualified({ agreed, contact: held }, optOut);
    const after = plan(link, { fields: [optOut], cycle: 2, at: at(0) }).link;
    for (const side of ['marketo', 'dynamics'] as const) {
      const to = after.writes.find((each) => each.side === side)?.to;
      expect(to ?? actual(after, side, 'unsubscribed')).toBe(true);
    }
  });
});

const values = fc.constantFrom<FieldValue>(null, '', 'A', 'B', 'C');
const maybe = fc.option(values, { nil: undefined });
const scenes = fc.record({ agreed: values, marketo: maybe, lead: maybe, contact: values });

describe('Whatever the four values were', () => {
  it('the pair converges: one write at most, after which both sides are equal', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const link = qualified(scene);
        const writes = planned(link);
        expect(writes.length).toBeLessThanOrEqual(1);
        const held = (side: 'marketo' | 'dynamics') =>
          writes.find((each) => each.side === side)?.to ??
          (writes.some((each) => each.side === side) ? null : actual(link, side, 'title'));
        expect(title.codec.canonical('marketo', held('marketo'))).toBe(
          title.codec.canonical('dynamics', held('dynamics')),
        );
      }),
    );
  });

  it('an edit of one side alone survives, and no edit is taken for none', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const same = (a: FieldValue, b: FieldValue) =>
          title.codec.canonical('marketo', a) === title.codec.canonical('marketo', b);
        const marketo = scene.marketo === undefined ? scene.agreed : scene.marketo;
        const onLead = scene.lead === undefined ? scene.agreed : scene.lead;
        const [write] = planned(qualified(scene));
        // The contact says what the lead said: only Marketo can have been edited, or only Dynamics.
        fc.pre(same(scene.contact, onLead) && !same(marketo, scene.contact));
        fc.pre(same(marketo, scene.agreed) !== same(scene.contact, scene.agreed));
        const winner = same(marketo, scene.agreed) ? scene.contact : marketo;
        expect(same(write?.to ?? null, winner)).toBe(true);
      }),
    );
  });

  it('a merge agrees on nothing, writes no blank over a value, and lets the authority decide the rest', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const link = mergeInto(leadOf(scene), {}, { ...contact(scene.contact), kind: 'lead' }, [title]);
        expect(link.agreed).toEqual({ marketo: {}, dynamics: {} });
        const [write] = planned(link);
        const blank = ({ to }: { to: FieldValue }) =>
          title.codec.canonical('marketo', to) === title.codec.blank;
        expect(write !== undefined && blank(write)).toBe(false);
      }),
    );
  });
});

describe('Writes of a pair that follows', () => {
  it('to the old row are over; to the person they stay ours, and nothing is planned or parked any more', () => {
    const link: Link = {
      ...leadOf({ agreed: 'A', contact: 'A' }),
      parked: { title: { reason: 'refused', rejectionId: 'r', marketo: 'A', dynamics: 'A' } },
      writes: [
        write({ side: 'dynamics', state: 'sent' }),
        write({ state: 'planned' }),
        write({ state: 'settled' }),
        write({ state: 'answered' }),
      ],
    };
    const there = qualifyInto(link, {}, contact('A'), { before: [title], after: [title] });
    expect(there.writes.map(({ side, state }) => [side, state])).toEqual([
      ['marketo', 'settled'],
      ['marketo', 'superseded'],
    ]);
    expect(there).toMatchObject({
      ...{ kind: 'contact', dynamicsId: CONTACT, etag: 'c1', emailKey: 'a@example.com', parked: {} },
      ...{ dirty: true, rereadMarketo: true, rereadDynamics: true, id: link.id, marketoId: link.marketoId },
    });
  });

  it('that covered an edit in Marketo still give it back, or across', () => {
    const covered = { value: 'X', written: 'B', source: 'B', as: 'later' } as const;
    const link = { ...leadOf({ agreed: 'B', contact: null }), overtaken: { title: covered } };
    const on = (held: FieldValue) =>
      planned(qualifyInto(link, {}, contact(held), { before: [title], after: [title] }));
    expect(on('B')).toContainEqual({ side: 'dynamics', to: 'X' });
    expect(on(null)).toContainEqual({ side: 'dynamics', to: 'X' });
    expect(on('C')).toEqual([{ side: 'marketo', to: 'C' }]);
  });
});

describe('A person that was read', () => {
  it('counts more than what was known of it', () => {
    const link = qualifyInto(leadOf({ agreed: 'A', contact: 'A' }), { title: 'B' }, contact('A'), {
      ...{ before: [title], after: [title] },
    });
    expect(planned(link)).toEqual([{ side: 'dynamics', to: 'B' }]);
  });
});
