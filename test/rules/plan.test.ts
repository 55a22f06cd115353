import { describe, expect, it } from 'vitest';
import type { Link, Overtaken } from '../../rules/link.js';
import { markSent, park, settleSent } from '../../rules/outcome.js';
import { plan, type Planned } from '../../rules/plan.js';
import { isCreationRefused, restTrials, tryAgain } from '../../rules/trials.js';
import { at, field, pair, titled, write } from './pair.js';
import { column } from './schema.js';

const title = field('title', {}, { dynamics: column('string', { maxLength: 5 }) });

const planned = (link: Link, fields = [title]): Planned => plan(link, { fields, cycle: 4, at: at(60) });
const writes = ({ link }: Planned): string[] =>
  link.writes
    .filter(({ state }) => state === 'planned')
    .map(({ side, from, to, rule }) => `${side}: ${String(from)} -> ${String(to)} (${rule})`);

describe('a plan', () => {
  it('carries a one-sided edit across, and keeps the pair dirty until it is there', () => {
    const result = planned(titled('A', { marketo: 'B' }, { dirty: false }));
    expect(writes(result)).toEqual(['dynamics: A -> B (one-sided)']);
    expect(result.link.dirty).toBe(true);
  });

  it('agrees on what is equal, without a write', () => {
    const result = planned(titled('A', { marketo: 'B', dynamics: 'B' }));
    expect(writes(result)).toEqual([]);
    expect(result.link).toMatchObject({
      dirty: false,
      agreed: { marketo: { title: 'B' }, dynamics: { title: 'B' } },
      seen: { marketo: {}, dynamics: {} },
    });
  });

  it('replaces what was planned and not sent', () => {
    const stale = titled('A', { marketo: 'C' }, { writes: [write({ side: 'dynamics', state: 'planned' })] });
    expect(writes(planned(stale))).toEqual(['dynamics: A -> C (one-sided)']);
  });

  it('leaves a name alone that could not be read, instead of asking for it in every cycle', () => {
    const owner = field('title', { direction: 'toMarketo' }, { dynamics: column('lookup') });
    const result = planned(pair({ seen: { marketo: { title: 'A' }, dynamics: {} } }), [owner]);
    expect([result.unread, writes(result), result.link.dirty]).toEqual([[], [], false]);
  });

  it('leaves the pair dirty whose person is to be told its key, whatever field is still to be read', () => {
    const stamp = { dynamicsId: '00000000-0000-0000-0000-000000000007' };
    const result = planned(pair({ stamp, seen: { marketo: { title: 'A' }, dynamics: {} } }));
    expect(result.unread).toEqual(['title']);
    expect(result.link.dirty).toBe(true);
  });

  it('names a field that a side was never read for, which holds up nothing', () => {
    const result = planned(pair({ seen: { marketo: { title: 'A' }, dynamics: {} } }));
    expect(result.unread).toEqual(['title']);
    expect(result.link.dirty).toBe(false);
  });

  it('takes back what turned up as the trace of a write given up', () => {
    const link = titled('E', { marketo: 'B' }, { writes: [write({ state: 'superseded' })] });
    expect(writes(planned(link))).toEqual(['marketo: B -> E (restore)']);
  });

  it('takes a value for an edit when a person typed it since', () => {
    const link = titled('E', { marketo: 'B' }, { writes: [write({ state: 'superseded', retyped: true })] });
    expect(writes(planned(link))).toEqual(['dynamics: E -> B (one-sided)']);
  });
});

describe('while a write of ours is under way', () => {
  it.each(['marketo', 'dynamics'] as const)(
    'a field in doubt waits (%s), and the pair stays dirty',
    (side) => {
      const link = titled('A', { marketo: 'C' }, { writes: [write({ side, state: 'sent' })], dirty: false });
      const result = planned(link);
      expect(result).toMatchObject({ waiting: ['title'], decisions: [], link: { dirty: true } });
      expect(writes(result)).toEqual([]);
    },
  );

  it('an answered write is believed: nothing is planned, nothing is agreed', () => {
    const result = planned(titled('A', { dynamics: 'B' }, { writes: [write()] }));
    expect(result).toMatchObject({ waiting: [], decisions: [], link: { dirty: false } });
    expect(result.link.agreed.marketo).toEqual({ title: 'A' });
  });

  it('a newer edit waits for the answered write to settle, so that it replaces what is known', () => {
    const result = planned(titled('A', { dynamics: 'A' }, { writes: [write()] }));
    expect(result).toMatchObject({ waiting: ['title'], decisions: [], link: { dirty: true } });
    expect(result.link.writes).toMatchObject([{ state: 'answered' }]);
  });

  it('a value read before the first agreement is never taken for an edit made after our write', () => {
    const first = pair({
      seen: { marketo: { title: 'A' }, dynamics: { title: 'E' } },
      writes: [write({ from: 'A', to: 'B' })],
    });
    expect(planned(first)).toMatchObject({ waiting: ['title'], decisions: [] });
  });
});

describe('an edit that our write covered', () => {
  const covered = (as: Overtaken['as'], over: Partial<Link> = {}): Link =>
    titled('B', {}, { overtaken: { title: { value: 'C', as, written: 'B', source: 'B' } }, ...over });

  it('wins a collision for a lead: it goes back to Marketo and across', () => {
    const result = planned(covered('collision'));
    expect(writes(result)).toEqual(['marketo: B -> C (authority)', 'dynamics: B -> C (authority)']);
    expect(result.decisions).toMatchObject([{ winner: 'marketo', value: 'C', loser: { value: 'B' } }]);
  });

  it('counts also where the field was cleared', () => {
    const cleared = { title: { value: null, as: 'collision', written: 'B', source: 'B' } } as const;
    const result = planned(titled('B', {}, { overtaken: cleared }));
    expect(writes(result)).toEqual(['marketo: B -> null (authority)', 'dynamics: B -> null (authority)']);
    expect(result.decisions).toMatchObject([{ winner: 'marketo', value: null }]);
  });

  it('loses it for a contact: nothing is written, the loser is told, and the case is closed', () => {
    const result = planned(covered('collision', { kind: 'contact' }));
    expect(writes(result)).toEqual([]);
    expect(result.decisions).toMatchObject([{ winner: 'dynamics', loser: { side: 'marketo', value: 'C' } }]);
    expect(result.link).toMatchObject({ overtaken: {}, agreed: { marketo: { title: 'B' } } });
  });

  it.each(['lead', 'contact'] as const)(
    'goes across as a later edit, whatever the authority (%s)',
    (kind) => {
      const result = planned(covered('later', { kind }));
      expect(writes(result)).toEqual(['marketo: B -> C (one-sided)', 'dynamics: B -> C (one-sided)']);
    },
  );

  it('is restored over our own write if Dynamics has it already, and planning twice says the same', () => {
    const held = covered('later', {
      agreed: { marketo: { title: 'C' }, dynamics: { title: 'C' } },
      seen: { marketo: { title: 'B' }, dynamics: {} },
    });
    const once = planned(held);
    expect(writes(once)).toEqual(['marketo: B -> C (restore)']);
    expect(writes(planned(once.link))).toEqual(writes(once));
  });

  it('gives way to a newer edit in Marketo', () => {
    const result = planned(covered('collision', { seen: { marketo: { title: 'D' }, dynamics: {} } }));
    expect(writes(result)).toEqual(['dynamics: B -> D (one-sided)']);
    expect(result.link.overtaken).toEqual({});
  });

  it('does not give way to a write of ours', () => {
    const link = covered('later', {
      agreed: { marketo: { title: 'E' }, dynamics: { title: 'E' } },
      writes: [write({ from: 'B', to: 'E', source: 'E', state: 'settled' })],
    });
    expect(planned(link).decisions).toMatchObject([
      { rule: 'authority', loser: { side: 'dynamics', value: 'E' } },
    ]);
  });

  it('that Dynamics cannot take goes back to Marketo first, and is refused once it stands there', () => {
    const long = titled(
      'B',
      {},
      {
        overtaken: { title: { value: 'far too long', as: 'later', written: 'B', source: 'B' } },
      },
    );
    const first = planned(long);
    expect(writes(first)).toEqual(['marketo: B -> far too long (one-sided)']);
    expect(first.refusals).toEqual([]);
    const back = planned({ ...long, seen: { marketo: { title: 'far too long' }, dynamics: {} } });
    expect(back.refusals).toMatchObject([{ side: 'dynamics', field: 'title', code: 'too-long' }]);
  });
});

describe('a value that the target cannot take', () => {
  const long = titled('A', { marketo: 'far too long' });

  it('is refused without a write', () => {
    const result = planned(long);
    expect(writes(result)).toEqual([]);
    expect(result.refusals).toMatchObject([{ side: 'dynamics', field: 'title', code: 'too-long' }]);
  });

  it('is left alone once parked, for exactly these values', () => {
    const parked = park(long, 'title', { marketo: 'far too long', dynamics: 'A' }, 'refused', 'r1');
    expect(planned(parked)).toMatchObject({
      refusals: [],
      decisions: [],
      released: [],
      link: { dirty: false },
    });
  });

  it('is judged by the metadata of today once it was parked, and not told again', () => {
    const values = { marketo: 'far too long', dynamics: 'A' };
    const refused = { side: 'dynamics', code: 'too-long', local: true } as const;
    const parked = park({ ...long, dirty: true }, 'title', values, 'refused', 'r1', refused);
    const still = planned(parked);
    expect(still).toMatchObject({ refusals: [], decisions: [], link: { dirty: false } });
    expect(still.link.parked).toEqual(parked.parked);
    const wide = field('title', {}, { dynamics: column('string', { maxLength: 50 }) });
    const taken = planned(parked, [wide]);
    expect(writes(taken)).toEqual(['dynamics: A -> far too long (one-sided)']);
    expect(taken.link.parked).toEqual({});
  });

  it('is tried again when a value moves, with every field of the same refusal', () => {
    const link = pair({
      agreed: { marketo: { title: 'A', city: 'A' }, dynamics: { title: 'A', city: 'A' } },
      seen: { marketo: { title: 'B', city: 'B' }, dynamics: {} },
    });
    const values = { marketo: 'B', dynamics: 'A' };
    const parked = ['title', 'city'].reduce((each, name) => park(each, name, values, 'refused', 'r1'), link);
    const moved = { ...parked, seen: { marketo: { title: 'C', city: 'B' }, dynamics: {} } };
    const result = planned(moved, [title, field('city')]);
    expect(result.released).toEqual(['r1']);
    expect(writes(result)).toEqual(['dynamics: A -> C (one-sided)', 'dynamics: A -> B (one-sided)']);
  });
});

describe('a field on trial', () => {
  const edited = titled('A', { marketo: 'B' });
  const values = { marketo: 'B', dynamics: 'A' };
  const tried = tryAgain(
    park(edited, 'title', values, 'refused', 'r1', { side: 'dynamics', code: '0x80040265' }),
    new Set(['r1']),
  );

  it('is planned although no value moved, and stays parked until it is known to pass', () => {
    const result = planned(tried);
    expect(writes(result)).toEqual(['dynamics: A -> B (one-sided)']);
    expect(result.link.parked).toEqual(tried.parked);
    expect(result.released).toEqual([]);
  });

  it('is parked no more once its write is settled', () => {
    const sent = markSent(planned(tried).link, 'dynamics', { at: at(61), deadline: at(91) });
    expect(settleSent(sent, 'dynamics', [title]).parked).toEqual({});
  });

  it('is parked no more once both sides hold the same', () => {
    const equal = { ...tried, seen: { marketo: { title: 'B' }, dynamics: { title: 'B' } } };
    expect(planned(equal).link.parked).toEqual({});
  });

  it('of another refusal stays where it is', () => {
    expect(tryAgain(edited, new Set(['r2'])).parked).toEqual(edited.parked);
  });

  it('of a person that was refused as a whole brings along what another refusal of it had named', () => {
    const lone: Link = { ...edited, status: 'unmatched', marketoId: null };
    const refused = { side: 'marketo' as const, code: '1003' };
    const parked = ['title', 'city'].reduce(
      (link, name, nth) => park(link, name, values, 'refused', `r${String(nth + 1)}`, refused),
      lone,
    );
    expect(isCreationRefused(parked)).toBe(true);
    const whole = tryAgain(parked, new Set(['r1']));
    expect(isCreationRefused(whole)).toBe(false);
    expect(Object.values(whole.parked).map(({ trial }) => trial)).toEqual([true, true]);
    expect(isCreationRefused(restTrials(whole))).toBe(true);
    // Fields that were named while the creation goes on are left out of it.
    const creation = { values: {}, sentAt: null, deadline: null };
    expect(isCreationRefused({ ...parked, creation })).toBe(false);
  });
});
