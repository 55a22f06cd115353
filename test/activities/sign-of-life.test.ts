import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CycleRef } from '../../activities/contract.js';
import { createCycleActivities } from '../../activities/index.js';
import { markActive, planCycle } from '../../store/cycles.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

/** The workflow's clock, which may be far from the worker's. */
const AT = '2030-01-01T00:00:00.000Z';
const MINUTE = 60_000;

describe('A cycle that is cut off', () => {
  it('ended when a step of it last showed a sign of life, not when the step was scheduled', async () => {
    const { number } = await planCycle(world.db);
    await markActive(world.db, number, AT);
    const steps = createCycleActivities(world.ports);
    // An attempt that begins two minutes after the step was scheduled: the earlier ones met a remote that was down.
    const environment = new MockActivityEnvironment({ scheduledTimestampMs: Date.now() - 2 * MINUTE });
    await environment.run((input: CycleRef) => steps.prepare(input), { cycle: number, at: AT });
    const { lastEnded } = await planCycle(world.db);
    expect(lastEnded).toBeGreaterThanOrEqual(Date.parse(AT) + 2 * MINUTE);
    expect(lastEnded).toBeLessThan(Date.parse(AT) + 3 * MINUTE);
  });

  it('shows no sign of life any more once it has ended', async () => {
    const { number } = await planCycle(world.db);
    await markActive(world.db, number, AT);
    const { lastEnded } = await planCycle(world.db);
    await markActive(world.db, number, '2030-01-01T01:00:00.000Z');
    expect((await planCycle(world.db)).lastEnded).toBe(lastEnded);
    expect(lastEnded).toBe(Date.parse(AT));
  });
});
