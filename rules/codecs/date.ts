import { across, type FieldValue } from '../terms.js';
import {
  encoded,
  notRead,
  refused,
  shown,
  typed,
  type Canonical,
  type Codec,
  type Encoded,
} from './codec.js';

/** The earliest date of a Dataverse column (Microsoft: "Date and time columns"). */
const EARLIEST = '1753-01-01';

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAY_WITH_TIME = /^(\d{4}-\d{2}-\d{2})[T ]/;
// Offsets as Marketo is known to write them: Z, +00:00, +0000 and Z+0000. None means UTC.
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|Z?([+-])(\d{2}):?(\d{2}))?$/;

/** The calendar day of `text`, if there is such a day. Only reads digits: no time zone can shift it. */
function readDay(text: string): string | null {
  const day = DAY_WITH_TIME.exec(text)?.[1] ?? text;
  return midnight(day) === null ? null : day;
}

/** Milliseconds of a day's start in UTC; null for a day that no calendar has (February 30). */
function midnight(day: string): number | null {
  const [, year, month, date] = DAY.exec(day) ?? [];
  if (year === undefined || month === undefined || date === undefined) return null;
  // setUTCFullYear, because Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const time = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(date));
  return new Date(time).toISOString().startsWith(day) ? time : null;
}

/** The instant of `text` in UTC and whole seconds, e.g. `2026-11-20T10:00:00Z`; null if it is none. */
function readInstant(text: string): string | null {
  const [, day, hour, minute, second, sign, offsetHours, offsetMinutes] = MOMENT.exec(text) ?? [];
  const start = day === undefined ? null : midnight(day);
  const [h, m, s] = [Number(hour), Number(minute), Number(second ?? 0)];
  const [oh, om] = [Number(offsetHours ?? 0), Number(offsetMinutes ?? 0)];
  if (start === null || h > 23 || m > 59 || s > 59 || oh > 14 || om > 59) return null;
  const offset = (oh * 60 + om) * (sign === '-' ? -1 : 1);
  const iso = new Date(start + (h * 3600 + (m - offset) * 60 + s) * 1000).toISOString();
  // An offset at the very edge can leave the four-digit years.
  return /^\d{4}-/.test(iso) ? `${iso.slice(0, 19)}Z` : null;
}

function temporalCodec(read: (text: string) => string | null, isCanonical: RegExp): Codec {
  const canonical = (value: FieldValue | undefined): Canonical => {
    const text = String(value ?? '').trim();
    return text === '' ? null : (read(text) ?? notRead('not-a-date', text));
  };
  const encode = (side: 'marketo' | 'dynamics', value: Canonical): Encoded => {
    if (value === null) return encoded(null);
    if (typeof value !== 'string' || !isCanonical.test(value)) {
      return refused('not-a-date', `${shown(typed(value))} is not a date.`);
    }
    return side === 'dynamics' && value < EARLIEST
      ? refused('out-of-range', `Dynamics keeps no date before ${EARLIEST}; the value is ${value}.`)
      : encoded(value);
  };
  return {
    blank: null,
    canonical: (_side, value) => canonical(value),
    encode,
    convert: (from, value) => encode(across(from), canonical(value)),
  };
}

/** A calendar day on both sides, the same in every time zone. */
export const dateCodec = (): Codec => temporalCodec(readDay, DAY);

/** An instant on both sides: UTC and whole seconds, because Marketo has no finer; fractions are dropped. */
export const datetimeCodec = (): Codec => temporalCodec(readInstant, /^\d{4}-\d{2}-\d{2}T[\d:]{8}Z$/);
