import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cycle } from './model/cycle.js';
import {
  differences,
  lostEdits,
  NOTHING,
  ownTracesTakenForEdits,
  runUntilQuiet,
  unrest,
} from './model/oracle.js';
import { FIELDS, scenarios, STORM } from './model/scenarios.js';
import { world, type Scenario, type World } from './model/world.js';

const RUNS = { numRuns: Number(process.env['RUNS'] ?? 400), seed: Number(process.env['SEED'] ?? 20_261_123) };

const ran = (scenario: Scenario): World => {
  const w = world(FIELDS, scenario);
  runUntilQuiet(w);
  return w;
};

describe('whatever people do and whatever calls come to', () => {
  it('both sides end equal, field by field, or parked with a refusal', () => {
    fc.assert(
      fc.property(scenarios(STORM), (scenario) => {
        expect(differences(ran(scenario))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('a pair at rest plans nothing, and another cycle calls nobody', () => {
    fc.assert(
      fc.property(scenarios(STORM), (scenario) => {
        const w = ran(scenario);
        expect(unrest(w)).toEqual(NOTHING);
        const { calls } = w;
        cycle(w);
        expect(w.calls).toBe(calls);
      }),
      RUNS,
    );
  });

  it('no edit is lost but the loser of a recorded decision', () => {
    fc.assert(
      fc.property(scenarios({ ...STORM, oddValues: false }, FIELDS.slice(0, 4)), (scenario) => {
        const w = world(FIELDS.slice(0, 4), scenario);
        runUntilQuiet(w);
        expect(lostEdits(w)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('a value of ours that comes back is never taken for an edit', () => {
    fc.assert(
      fc.property(scenarios({ ...STORM, oddValues: false }, FIELDS.slice(0, 4)), (scenario) => {
        const w = world(FIELDS.slice(0, 4), scenario);
        runUntilQuiet(w);
        expect(ownTracesTakenForEdits(w)).toEqual([]);
      }),
      RUNS,
    );
  });
});
