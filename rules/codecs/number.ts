import type { DynamicsColumn, DynamicsType, MarketoField, MarketoType } from '../catalog.js';
import { across, type FieldValue } from '../terms.js';
import { encoded, refused, shown, type Canonical, type Codec, type Encoded } from './codec.js';

/** Decimal places that a column without a stated precision is compared at. */
const DEFAULT_PRECISION = 2;
/** An integer column keeps its fractions visible, so that 1.5 is refused instead of becoming 2. */
const INTEGER_COMPARISON = 4;

/** What a column without stated bounds takes (Microsoft: "Types of columns", default minimum and maximum). */
const RANGES: Partial<Record<DynamicsType | 'unknown', readonly [number, number]>> = {
  integer: [-2_147_483_648, 2_147_483_647],
  decimal: [-100_000_000_000, 100_000_000_000],
  double: [-100_000_000_000, 100_000_000_000],
  money: [-922_337_203_685_477, 922_337_203_685_477],
};

/** Marketo writes only whole numbers to these, also to `percent` (Adobe REST docs, "Field types"). */
const WHOLE: ReadonlySet<MarketoType | 'unknown'> = new Set<MarketoType>(['integer', 'score', 'percent']);

/** Rounds to decimal places as the decimal text of the number does, and has no negative zero. */
const rounded = (value: number, places: number): number => Number(value.toFixed(places)) + 0;

/** The number that a value stands for; null when it stands for none. */
function readNumber(value: FieldValue): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/**
 * Two numbers, compared at the precision that the column keeps: what the column itself would round away is no
 * difference, so a converged pair causes no writes. A fraction for a field of whole numbers, on either side, is refused.
 */
export function numberCodec(field: MarketoField, column: DynamicsColumn): Codec {
  const places =
    column.type === 'integer' ? INTEGER_COMPARISON : Math.min(column.precision ?? DEFAULT_PRECISION, 10);
  const [least, most] = RANGES[column.type] ?? [-Infinity, Infinity];
  const min = column.min ?? least;
  const max = column.max ?? most;

  const canonical = (value: FieldValue | undefined): Canonical => {
    if (value === undefined || value === null || value === '') return null;
    const number = readNumber(value);
    return number === null ? `not-a-number:${String(value)}` : rounded(number, places);
  };
  const encode: Codec['encode'] = (side, value) => {
    if (value === null) return encoded(null);
    if (typeof value !== 'number') return refused('not-a-number', `${shown(value)} is not a number.`);
    const name = side === 'marketo' ? field.name : column.name;
    const whole = side === 'marketo' ? WHOLE.has(field.type) : column.type === 'integer';
    if (whole && !Number.isInteger(value)) {
      return refused('not-whole', `${name} takes whole numbers only; the value is ${value}.`);
    }
    return side === 'dynamics' ? inRange(value, name, min, max) : encoded(value);
  };
  return {
    blank: null,
    canonical: (_side, value) => canonical(value),
    encode,
    convert: (from, value) => encode(across(from), canonical(value)),
  };
}

function inRange(value: number, name: string, min: number, max: number): Encoded {
  return value < min || value > max
    ? refused('out-of-range', `${name} takes numbers from ${min} to ${max}; the value is ${value}.`)
    : encoded(value);
}
