import { describe, expect, it } from 'vitest';
import type { Catalog } from '../../rules/catalog.js';
import { mapFields } from '../../rules/map-fields.js';
import type { FieldChoice } from '../../rules/mapping.js';
import { plan } from '../../rules/plan.js';
import { markRegained, regainedOf } from '../../rules/regained.js';
import { pair } from './pair.js';
import { column, person } from './schema.js';

const CHOICE: FieldChoice = { marketo: 'title', lead: 'jobtitle', direction: 'both', consent: false };

const catalogOf = ({ readable = true, hidden = false } = {}): Catalog => ({
  marketo: hidden ? {} : { title: { ...person('string'), name: 'title' } },
  dynamics: {
    lead: { jobtitle: { ...column('string'), name: 'jobtitle', readable } },
    contact: {},
  },
});

const mappingOf = (catalog: Catalog) => mapFields({ choices: [CHOICE], scope: {}, catalog });

const regained = (before: Catalog, now: Catalog) => regainedOf(mappingOf(before), mappingOf(now));

const fieldsUnder = (before: Catalog, now: Catalog) =>
  mappingOf(markRegained(before, now, regained(before, now))).fields.lead;

/** Agreed long ago, and edited in Marketo since. */
const edited = pair({
  kind: 'lead',
  agreed: { marketo: { title: 'CTO' }, dynamics: { title: 'CTO' } },
  seen: { marketo: { title: 'CEO' }, dynamics: {} },
});

const decidedFor = (link: typeof edited, fields: ReturnType<typeof fieldsUnder>) => {
  const { decisions, unread } = plan(link, { fields, cycle: 1, at: '2026-11-20T10:00:00.000Z' });
  return { decided: decisions.map(({ field }) => field), unread };
};

describe('A field that may be read again', () => {
  it('is known by what the mapping was, on whichever side it was missing', () => {
    for (const before of [catalogOf({ readable: false }), catalogOf({ hidden: true })])
      expect(regained(before, catalogOf())).toMatchObject([
        { kind: 'lead', fields: [{ name: 'title' }], flag: null },
      ]);
    expect(regained(catalogOf(), catalogOf())).toEqual([]);
  });

  it.each([
    ['waits for the backfill lane', { backfillDynamics: true }],
    ['waits for it to read the person', { backfillMarketo: true }],
    ['was left by the lane to the cycle', { backfillDynamics: true, rereadDynamics: true }],
  ])('is not decided while its link %s', (_what, waiting) => {
    const fields = fieldsUnder(catalogOf({ readable: false }), catalogOf());
    expect(decidedFor({ ...edited, ...waiting }, fields)).toEqual({ decided: [], unread: ['title'] });
  });

  it('is decided once its record was read, and was never waited for by others', () => {
    const fields = fieldsUnder(catalogOf({ readable: false }), catalogOf());
    for (const link of [edited, { ...edited, rereadMarketo: true, rereadDynamics: true }])
      expect(decidedFor(link, fields)).toEqual({ decided: ['title'], unread: [] });
    const other = mappingOf(catalogOf()).fields.lead;
    expect(decidedFor({ ...edited, backfillDynamics: true }, other)).toEqual({
      decided: ['title'],
      unread: [],
    });
  });

  it('stays marked over later readings of the schema, until it is lost again', () => {
    const once = markRegained(
      catalogOf({ readable: false }),
      catalogOf(),
      regained(catalogOf({ readable: false }), catalogOf()),
    );
    expect(markRegained(once, catalogOf(), []).dynamics.lead['jobtitle']?.regained).toBe(true);
    const lost = markRegained(once, catalogOf({ readable: false }), []);
    expect(lost.dynamics.lead['jobtitle']?.regained).toBeUndefined();
  });
});
