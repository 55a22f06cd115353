import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkLimits,
  dailyCeiling,
  DYNAMICS_LIMITS,
  MARKETO_LIMITS,
  sharedCalls,
  sharedConcurrency,
  slotCeiling,
  unadvisedParallelism,
} from '../../rules/call-limits.js';

describe('limits', () => {
  it('of both remotes hold together, at their default share and whole', () => {
    for (const limits of [MARKETO_LIMITS, DYNAMICS_LIMITS]) {
      expect(() => checkLimits(limits)).not.toThrow();
      expect(() => checkLimits({ ...limits, share: 1 })).not.toThrow();
    }
  });

  it('follow the share', () => {
    expect(sharedCalls(MARKETO_LIMITS)).toBe(50);
    expect(sharedConcurrency(MARKETO_LIMITS)).toBe(5);
    expect(sharedCalls({ ...MARKETO_LIMITS, share: 0.57 })).toBe(57);
    expect(sharedConcurrency({ ...MARKETO_LIMITS, share: 0.1 })).toBe(1);
  });

  it('start with the calls at the same time that Dataverse allows on average', () => {
    expect(unadvisedParallelism(DYNAMICS_LIMITS)).toBe(4);
    expect(unadvisedParallelism(MARKETO_LIMITS)).toBe(5);
  });

  it.each([
    [{ share: 0 }, 'share is above 0'],
    [{ share: 1.5 }, 'share is above 0'],
    [{ share: 0.05 }, 'too few calls'],
    [{ calls: 0 }, 'counts are whole'],
    [{ concurrency: 2.5 }, 'counts are whole'],
    [{ windowMs: Number.NaN }, 'windowMs'],
    [{ driftMs: -1 }, 'driftMs'],
    [{ onDemandReserve: { callsPerWindow: 4, slots: 1 } }, 'burst exceeds the reserve'],
    [{ onDemandReserve: { callsPerWindow: 1, slots: -1 } }, 'reserves are whole'],
    [{ daily: { calls: 0.5, reserve: 0 } }, 'daily quota is whole'],
    [{ daily: { calls: 10, reserve: -1 } }, 'daily reserve is whole'],
    [{ daily: { calls: 10, reserve: 10 } }, 'a daily quota of 10 exceeds its reserve of 10'],
  ])('that contradict themselves are refused by name: %j', (change, rule) => {
    expect(() => checkLimits({ ...MARKETO_LIMITS, ...change })).toThrow(rule);
  });
});

describe('slots', () => {
  const anyParallelism = fc.integer({ min: 1, max: 100 });
  const anyLimits = fc.constantFrom(MARKETO_LIMITS, DYNAMICS_LIMITS, { ...MARKETO_LIMITS, share: 1 });

  it('are nested by lane, never none, never more than the advice or the limit', () => {
    fc.assert(
      fc.property(anyLimits, anyParallelism, (limits, parallelism) => {
        const onDemand = slotCeiling(limits, 'on-demand', parallelism);
        const cycle = slotCeiling(limits, 'cycle', parallelism);
        const backfill = slotCeiling(limits, 'backfill', parallelism);
        expect(backfill).toBeGreaterThanOrEqual(1);
        expect(cycle).toBeGreaterThanOrEqual(backfill);
        expect(onDemand).toBeGreaterThanOrEqual(cycle);
        expect(onDemand).toBeLessThanOrEqual(Math.min(parallelism, sharedConcurrency(limits)));
      }),
    );
  });

  it('keep one for on-demand from an advice of two on, and at most a quarter', () => {
    const reserved = (parallelism: number): number =>
      slotCeiling(DYNAMICS_LIMITS, 'on-demand', parallelism) -
      slotCeiling(DYNAMICS_LIMITS, 'cycle', parallelism);
    expect([1, 2, 4, 8, 12, 52].map(reserved)).toEqual([0, 1, 1, 2, 3, 4]);
  });
});

describe('the day', () => {
  it('ends for backfill before the cycle, for the cycle before the reserve, for on-demand never', () => {
    const { daily } = MARKETO_LIMITS;
    expect(dailyCeiling(daily, 'backfill')).toBe(40_000);
    expect(dailyCeiling(daily, 'cycle')).toBe(45_000);
    expect(dailyCeiling(daily, 'on-demand')).toBe(Number.POSITIVE_INFINITY);
  });

  it('is in this order, and never below nothing, whatever the quota', () => {
    const daily = fc
      .tuple(fc.integer({ min: 1, max: 1_000_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }))
      .map(([calls, part]) => ({ calls, reserve: Math.floor(calls * part) }));
    fc.assert(
      fc.property(daily, (quota) => {
        expect(dailyCeiling(quota, 'backfill')).toBeGreaterThanOrEqual(0);
        expect(dailyCeiling(quota, 'backfill')).toBeLessThanOrEqual(dailyCeiling(quota, 'cycle'));
        expect(dailyCeiling(quota, 'cycle')).toBe(quota.calls - quota.reserve);
      }),
    );
  });
});
