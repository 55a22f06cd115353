import { afterEach, describe, expect, it } from 'vitest';
import { httpDate, retryAfterMs } from '../../rules/retry-after.js';

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

describe('A date of a header', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 09:49:37 +0100',
  ])('%s is one instant, wherever this process runs', (text) => {
    for (const place of ['America/New_York', 'UTC', 'Asia/Kolkata']) {
      process.env['TZ'] = place;
      expect(httpDate(text)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
    }
  });

  it.each(['soon', '', undefined])('%s is none', (text) => {
    expect(httpDate(text)).toBeUndefined();
  });

  it('of the oldest form counts for a wait', () => {
    process.env['TZ'] = 'America/New_York';
    expect(retryAfterMs('Sun Nov  6 08:51:37 1994', 'Sun Nov  6 08:49:37 1994')).toBe(120_000);
  });
});
