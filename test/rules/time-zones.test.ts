import { afterEach, describe, expect, it } from 'vitest';
import { codecFor, meets, type Codec } from '../../rules/codecs/index.js';
import { column, person } from './schema.js';

const codec = (marketo: 'date' | 'datetime', dynamics: 'dateOnly' | 'datetime'): Codec => {
  const found = codecFor(person(marketo), column(dynamics));
  if (!meets(found)) throw new Error(found.cannotMeet);
  return found;
};
const date = codec('date', 'dateOnly');
const datetime = codec('datetime', 'datetime');

const zone = process.env['TZ'];
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

/** Days on which some place changes its clocks, skips a day or had a mean time of its own, and the ends of calendars. */
const DAYS = [
  ...['0001-01-01', '0099-12-31', '1753-01-01', '1883-11-18', '1900-02-28', '1969-12-31', '1970-01-01'],
  ...['1993-08-21', '2000-02-29', '2011-12-30', '2024-02-29', '2026-03-08', '2026-03-29', '2026-04-05'],
  ...['2026-10-04', '2026-10-25', '2026-11-01', '9999-12-31'],
];
const TIMES = [
  '00:00:00',
  '00:30:00',
  '01:30:00',
  '02:00:00',
  '02:30:00',
  '03:00:00',
  '12:00:00',
  '23:59:59',
];

/** Whatever of a day or a moment went wrong, in words. */
function faultsOf(day: string): string[] {
  const faults: string[] = [];
  const expectSame = (what: string, found: unknown, wanted: string): void => {
    if (found !== wanted) faults.push(`${what}: ${String(found)} instead of ${wanted}`);
  };
  for (const side of ['marketo', 'dynamics'] as const) {
    expectSame(`day of ${side}`, date.canonical(side, day), day);
    for (const time of TIMES) {
      expectSame(`moment of ${side}`, datetime.canonical(side, `${day}T${time}Z`), `${day}T${time}Z`);
    }
    expectSame(`bare moment of ${side}`, datetime.canonical(side, `${day} 02:30:00`), `${day}T02:30:00Z`);
  }
  const kept = day >= '1753';
  const converted = [date.convert('marketo', day), datetime.convert('marketo', `${day}T02:30:00Z`)];
  const wanted = kept ? [day, `${day}T02:30:00Z`] : ['out-of-range', 'out-of-range'];
  converted.forEach((result, at) => {
    expectSame('to Dynamics', result.ok ? result.value : result.code, wanted[at] ?? '');
  });
  const back = [date.convert('dynamics', day), datetime.convert('dynamics', `${day}T02:30:00Z`)];
  back.forEach((result, at) => {
    expectSame('to Marketo', result.ok && result.value, [day, `${day}T02:30:00Z`][at] ?? '');
  });
  return faults;
}

describe('Days and moments', () => {
  it('are the same in every time zone of the world that the process may run in', () => {
    const offsets = new Set<number>();
    const faults: string[] = [];
    for (const place of Intl.supportedValuesOf('timeZone')) {
      process.env['TZ'] = place;
      offsets.add(new Date('2026-01-15T12:00:00Z').getTimezoneOffset());
      faults.push(...DAYS.flatMap(faultsOf).map((fault) => `${place}: ${fault}`));
    }
    expect(faults).toEqual([]);
    // The zones did take effect: the world has some forty offsets.
    expect(offsets.size).toBeGreaterThan(30);
  });

  it('of no calendar are none in any zone', () => {
    for (const place of ['UTC', 'Pacific/Apia', 'Europe/Berlin', 'America/New_York']) {
      process.env['TZ'] = place;
      for (const none of ['1900-02-29', '2026-02-29', '2026-02-30', '2026-06-31', '2026-00-10']) {
        expect(date.convert('marketo', none)).toMatchObject({ ok: false, code: 'not-a-date' });
        expect(datetime.convert('marketo', `${none}T10:00:00Z`)).toMatchObject({ code: 'not-a-date' });
      }
    }
  });

  it('written with an offset are the moment that it names, also over the end of a day or a year', () => {
    const moments = {
      '2026-03-08T02:30:00-05:00': '2026-03-08T07:30:00Z',
      '2025-12-31T23:30:00-01:00': '2026-01-01T00:30:00Z',
      '2024-03-01T05:00:00+05:30': '2024-02-29T23:30:00Z',
      '2026-10-25T02:30:00+0200': '2026-10-25T00:30:00Z',
      '2026-11-20T10:00:00Z+0000': '2026-11-20T10:00:00Z',
    };
    for (const [written, meant] of Object.entries(moments)) {
      expect(datetime.canonical('marketo', written)).toBe(meant);
    }
  });
});
