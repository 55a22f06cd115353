import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUTHORITY } from '../../rules/authority.js';
import { across } from '../../rules/terms.js';
import { cycle } from './model/cycle.js';
import {
  differences,
  holdBoth,
  lostEdits,
  NOTHING,
  ownTracesTakenForEdits,
  runUntilQuiet,
  unrest,
} from './model/oracle.js';
import { CALM, FIELDS, scenarios, STALLING, STORM, type Faults } from './model/scenarios.js';
import { edit, schedule, world, type Scenario, type World } from './model/world.js';

const RUNS = { numRuns: 800, seed: 20_261_123 };

/** Fields in which nobody can type the same value twice by chance, so that each value tells who put it there. */
const TELLING = FIELDS.filter(({ name }) => name !== 'optOut');
const TWO_WAY = FIELDS.filter(({ name }) => name === 'title' || name === 'city');

const ran = (scenario: Scenario, fields = FIELDS): World => {
  const w = world(fields, scenario);
  runUntilQuiet(w);
  return w;
};

const always = (faults: Faults, fields: typeof FIELDS, holds: (scenario: Scenario) => void): void => {
  fc.assert(fc.property(scenarios(faults, fields), holds), RUNS);
};

describe('whatever people do and whatever calls come to', () => {
  it('both sides end equal, field by field, or parked: refused, or set aside for swinging', () => {
    always(STALLING, FIELDS, (scenario) => {
      expect(differences(ran(scenario))).toEqual([]);
    });
  });

  it('a pair at rest plans nothing, and another cycle calls nobody', () => {
    always(STALLING, FIELDS, (scenario) => {
      const w = ran(scenario);
      expect(unrest(w)).toEqual(NOTHING);
      const { calls } = w;
      cycle(w);
      expect(w.calls).toBe(calls);
    });
  });

  it('no edit is lost but the loser of a recorded decision', () => {
    always({ ...STORM, oddValues: false }, TELLING, (scenario) => {
      expect(lostEdits(ran(scenario, TELLING))).toEqual([]);
    });
  });

  it('a value of ours that comes back is never taken for an edit', () => {
    always({ ...STORM, oddValues: false }, TELLING, (scenario) => {
      expect(ownTracesTakenForEdits(ran(scenario, TELLING))).toEqual([]);
    });
  });
});

/** A pair that has agreed on everything, so that no first agreement overrules anybody. */
const agreed = (scenario: Scenario): World =>
  ran({ ...scenario, dynamics: scenario.marketo, happenings: [] }, TWO_WAY);

const UNREFUSED: Faults = {
  ...STORM,
  fates: STORM.fates.filter((fate) => fate !== 'refused'),
  blocks: false,
  oddValues: false,
};

describe('when nobody competes', () => {
  it.each(['marketo', 'dynamics'] as const)('the last edit stands on both sides (edited in %s)', (side) => {
    always(UNREFUSED, TWO_WAY, (scenario) => {
      const happenings = scenario.happenings.map(({ after, what }) => ({
        after,
        what: what.type === 'edit' ? { ...what, side } : what,
      }));
      const w = agreed(scenario);
      schedule(w, happenings);
      runUntilQuiet(w);
      for (const field of TWO_WAY) expect(holdBoth(w, field, w.typed[side][field.name]?.at(-1))).toBe(true);
    });
  });

  const inTurns = (scenario: Scenario): World => {
    const w = agreed(scenario);
    for (const { what } of scenario.happenings) {
      if (what.type !== 'edit') continue;
      edit(w, what.side, what.field, what.value, what.viaApi);
      runUntilQuiet(w);
    }
    return w;
  };

  it('edits made in turns go across one after the other, whatever the authority', () => {
    always(UNREFUSED, TWO_WAY, (scenario) => {
      const w = inTurns(scenario);
      expect(w.decisions.filter(({ loser }) => loser !== undefined)).toEqual([]);
      for (const field of TWO_WAY) {
        const last = w.typed[w.editedLast[field.name] ?? 'marketo'][field.name]?.at(-1);
        expect(holdBoth(w, field, last)).toBe(true);
      }
    });
  });

  it('each edit costs one write, and its echo none', () => {
    always(CALM, TWO_WAY, (scenario) => {
      const w = inTurns(scenario);
      const edits = scenario.happenings.length;
      expect(w.sent).toHaveLength(edits);
      expect(w.calls).toBe(edits);
    });
  });
});

describe('when both sides edit a field between two cycles', () => {
  it.each(['lead', 'contact'] as const)('the authority for a %s wins, and the loser is recorded', (kind) => {
    const winner = AUTHORITY[kind];
    const w = world(TWO_WAY, { ...SCENE, kind });
    runUntilQuiet(w);
    edit(w, across(winner), 'title', 'loser');
    edit(w, winner, 'title', 'winner');
    edit(w, across(winner), 'city', 'survives too');
    runUntilQuiet(w);
    expect(w.person.values).toEqual({ title: 'winner', city: 'survives too' });
    expect(w.row.values).toEqual({ title: 'winner', city: 'survives too' });
    expect(w.decisions.filter(({ loser }) => loser !== undefined)).toMatchObject([
      { field: 'title', rule: 'authority', winner, value: 'winner', loser: { value: 'loser' } },
    ]);
  });
});

const SCENE: Scenario = {
  kind: 'lead',
  marketo: { title: 'as ever', city: 'as ever' },
  dynamics: { title: 'as ever', city: 'as ever' },
  happenings: [],
  fates: [],
  lags: [],
  turns: [],
};
