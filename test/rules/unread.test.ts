import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan } from '../../rules/plan.js';
import { markUnread } from '../../rules/unread.js';
import { field, pair } from './pair.js';

const NAMES = ['title', 'city', 'phone'] as const;
const held = fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom('A', 'B', null));
const links = fc
  .record({
    marketo: held,
    dynamics: held,
    rereadMarketo: fc.boolean(),
    rereadDynamics: fc.boolean(),
    backfillMarketo: fc.boolean(),
    backfillDynamics: fc.boolean(),
  })
  .map(({ marketo, dynamics, ...marks }) => pair({ ...marks, dirty: false, seen: { marketo, dynamics } }));
const lacks = (values: object): boolean => NAMES.some((name) => !Object.hasOwn(values, name));

describe('A link with fields that a side was never read for', () => {
  it('is read there by somebody: by the cycle if it reads that side anyway, else by the lane', () => {
    fc.assert(
      fc.property(links, (link) => {
        const marked = markUnread(link, NAMES);
        if (lacks(link.seen.marketo)) expect(marked.rereadMarketo || marked.backfillMarketo).toBe(true);
        else expect(marked.backfillMarketo).toBe(link.backfillMarketo);
        if (lacks(link.seen.dynamics)) expect(marked.rereadDynamics || marked.backfillDynamics).toBe(true);
        else expect(marked.backfillDynamics).toBe(link.backfillDynamics);
      }),
    );
  });

  it('stays dirty only for a read of the cycle, and nothing else of it changes', () => {
    fc.assert(
      fc.property(links, (link) => {
        const marked = markUnread(link, NAMES);
        const waits =
          (lacks(link.seen.marketo) && link.rereadMarketo) ||
          (lacks(link.seen.dynamics) && link.rereadDynamics);
        expect(marked.dirty).toBe(waits);
        const { backfillMarketo, backfillDynamics } = marked;
        expect(marked).toEqual({ ...link, dirty: waits, backfillMarketo, backfillDynamics });
      }),
    );
  });

  it('has its other fields decided meanwhile', () => {
    const link = pair({
      agreed: { marketo: { title: 'A' }, dynamics: { title: 'A' } },
      seen: { marketo: { title: 'B' }, dynamics: { city: 'Oslo' } },
    });
    const fields = [field('title'), field('city')];
    const planned = plan(link, { fields, cycle: 1, at: '2026-11-20T10:00:00.000Z' });
    expect(planned.unread).toEqual(['city']);
    expect(planned.link.writes).toMatchObject([{ side: 'dynamics', field: 'title', to: 'B' }]);
  });
});
