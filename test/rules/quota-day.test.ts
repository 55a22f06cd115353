import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { millisUntilQuotaReset, quotaDay } from '../../rules/quota-day.js';

const hours = (now: string): number => millisUntilQuotaReset(new Date(now)) / 3_600_000;

describe('The reset of the daily quota', () => {
  it('is at midnight US Central, winter and summer', () => {
    expect(hours('2026-01-15T05:30:00Z')).toBe(0.5);
    expect(hours('2026-01-15T06:00:00Z')).toBe(24);
    expect(hours('2026-07-15T04:30:00Z')).toBe(0.5);
    expect(hours('2026-07-15T05:00:00Z')).toBe(24);
  });

  it('is 23 or 25 hours away on the days when the clocks change', () => {
    expect(hours('2026-03-08T06:00:00Z')).toBe(23);
    expect(hours('2026-11-01T05:00:00Z')).toBe(25);
  });

  it('always is a midnight there, at most 25 hours away', () => {
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/Chicago', timeStyle: 'medium' });
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2026-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        (at) => {
          const now = new Date(Math.floor(at.getTime() / 1_000) * 1_000);
          const wait = millisUntilQuotaReset(now);
          expect(wait).toBeLessThanOrEqual(25 * 3_600_000);
          // Within the last minute before midnight the wait is a whole minute.
          expect(clock.format(now.getTime() + wait)).toMatch(/^00:00:/);
        },
      ),
    );
  });
});

describe('The day of the daily quota', () => {
  it.each([
    ['2026-01-15T05:59:59.999Z', '2026-01-14'],
    ['2026-01-15T06:00:00Z', '2026-01-15'],
    ['2026-07-15T04:59:59.999Z', '2026-07-14'],
    ['2026-07-15T05:00:00Z', '2026-07-15'],
    ['2026-11-02T05:30:00Z', '2026-11-01'],
  ])('of %s is %s', (now, day) => {
    expect(quotaDay(new Date(now))).toBe(day);
  });
});
