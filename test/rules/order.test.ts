import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Link } from '../../rules/link.js';
import { observe, type Observation } from '../../rules/observe.js';
import { plan, type Planned } from '../../rules/plan.js';
import { cycle } from './model/cycle.js';
import { FIELDS, scenarios, STALLING } from './model/scenarios.js';
import { OVERLAP, world, type World } from './model/world.js';

const RUNS = { numRuns: 500, seed: 20_261_123 };

/** A pair in the middle of its life: edits on their way, calls in doubt, fields parked. */
const inMidLife = fc.tuple(scenarios(STALLING), fc.integer({ min: 0, max: 6 })).map(([scenario, cycles]) => {
  const w = world(FIELDS, scenario);
  for (let n = 0; n < cycles; n += 1) cycle(w);
  return w;
});

const planned = (link: Link, fields = FIELDS): Planned => plan(link, { fields, cycle: 9, at: '' });

/** What a plan says, without any order of its own. */
const said = ({ link, decisions, refusals, unread, waiting, released }: Planned): unknown => {
  const sorted = (some: readonly unknown[]) => some.map((each) => JSON.stringify(each)).sort();
  const { writes, ...rest } = link;
  return {
    writes: sorted(writes),
    decisions: sorted(decisions),
    refusals: sorted(refusals),
    fields: [...unread, ...waiting, ...released].sort(),
    rest,
  };
};

const reads = (w: World): readonly Observation[] => [
  { side: 'marketo', values: { ...w.person.values } },
  { side: 'dynamics', values: { ...w.row.values }, etag: w.row.etag },
];

const afterReads = (w: World, observations: readonly Observation[]): Link =>
  observations.reduce(
    (link, observation) =>
      observe(link, observation, { fields: FIELDS, now: w.now, overlapMs: OVERLAP }).link,
    w.link,
  );

describe('at any moment of a pair', () => {
  it('planning twice says the same as planning once', () => {
    fc.assert(
      fc.property(inMidLife, ({ link }) => {
        const once = planned(link);
        const twice = planned(once.link);
        expect(said({ ...twice, released: once.released })).toEqual(said(once));
      }),
      RUNS,
    );
  });

  it('the order of fields does not matter to the plan', () => {
    fc.assert(
      fc.property(
        inMidLife,
        fc.shuffledSubarray([...FIELDS], { minLength: FIELDS.length }),
        ({ link }, shuffled) => {
          expect(said(planned(link, shuffled))).toEqual(said(planned(link)));
        },
      ),
      RUNS,
    );
  });

  it('it does not matter which side was fetched first', () => {
    fc.assert(
      fc.property(inMidLife, (w) => {
        const forth = afterReads(w, reads(w));
        const back = afterReads(w, reads(w).toReversed());
        expect(said(planned(back))).toEqual(said(planned(forth)));
      }),
      RUNS,
    );
  });

  it('reading the same once more changes nothing', () => {
    fc.assert(
      fc.property(inMidLife, (w) => {
        const once = afterReads(w, reads(w));
        expect(afterReads({ ...w, link: once }, reads(w))).toEqual(once);
      }),
      RUNS,
    );
  });

  it('rules leave the link they are given as it was', () => {
    fc.assert(
      fc.property(inMidLife, (w) => {
        const before = structuredClone(w.link);
        planned(w.link);
        afterReads(w, reads(w));
        expect(w.link).toEqual(before);
      }),
      RUNS,
    );
  });
});
