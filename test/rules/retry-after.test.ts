import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../rules/retry-after.js';

describe('Retry-After', () => {
  it.each([
    ['17', 17_000],
    [' 2.5 ', 2500],
    ['0', 1000],
    ['99999999', 3_600_000],
    ['Sat, 22 Aug 2026 08:11:30 GMT', 30_000],
    ['Sat, 22 Aug 2020 08:11:30 GMT', 1000],
    ['soon', undefined],
    ['-5', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s means %s ms', (header, expected) => {
    expect(retryAfterMs(header, 'Sat, 22 Aug 2026 08:11:00 GMT')).toBe(expected);
  });

  it.each([[undefined], ['yesterday']])('is counted by our own clock where the answer says %s', (date) => {
    const now = Date.parse('2026-08-22T08:11:20Z');
    expect(retryAfterMs('Sat, 22 Aug 2026 08:11:30 GMT', date, now)).toBe(10_000);
  });
});
