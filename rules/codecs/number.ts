import type { DynamicsColumn, DynamicsType, MarketoField, MarketoType } from '../catalog.js';
import { across, type FieldValue, type Side } from '../terms.js';
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

/** Decimal places that a column without a stated precision is compared at. */
const DEFAULT_PRECISION = 2;
/** The most places of any column. An integer column is compared at them too, so that 1.5 is refused, not made 2. */
const MOST_PLACES = 10;
/** What Marketo's whole numbers are (Adobe REST docs, "Field types": 32 bits). */
const WHOLE_RANGE = [-2_147_483_648, 2_147_483_647] as const;
/** Digits that a JSON number is sure to hold. */
const SURE_DIGITS = 15;

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
    column.type === 'integer' ? MOST_PLACES : Math.min(column.precision ?? DEFAULT_PRECISION, MOST_PLACES);
  const limits = limitsOf(field, column);

  const canonical = (value: FieldValue | undefined): Canonical => {
    if (value === undefined || value === null || value === '') return null;
    const number = readNumber(value);
    return number === null ? notRead('not-a-number', value) : rounded(number, places);
  };
  const encode: Codec['encode'] = (side, value) => {
    if (value === null) return encoded(null);
    if (typeof value !== 'number') return refused('not-a-number', `${shown(typed(value))} is not a number.`);
    const { name, whole, min, max } = limits[side];
    if (whole && !Number.isInteger(value)) {
      return refused('not-whole', `${name} takes whole numbers only; the value is ${value}.`);
    }
    if (value < min || value > max) {
      return refused('out-of-range', `${name} takes numbers from ${min} to ${max}; the value is ${value}.`);
    }
    return (whole ? Number.isSafeInteger(value) : isExact(value, places))
      ? encoded(value)
      : tooPrecise(name, value, places);
  };
  return {
    blank: null,
    canonical: (_side, value) => canonical(value),
    encode,
    convert(from, value) {
      const compared = canonical(value);
      const result = encode(across(from), compared);
      if (!result.ok || from === 'marketo' || column.type !== 'money' || limits.marketo.whole) return result;
      const all = ownPrecision(value);
      return all !== null && canonical(all) === compared ? encoded(all) : result;
    },
  };
}

interface Limits {
  readonly name: string;
  readonly whole: boolean;
  readonly min: number;
  readonly max: number;
}

function limitsOf(field: MarketoField, column: DynamicsColumn): Readonly<Record<Side, Limits>> {
  const whole = WHOLE.has(field.type);
  const [low, high] = whole ? WHOLE_RANGE : [-Infinity, Infinity];
  const [least, most] = RANGES[column.type] ?? [-Infinity, Infinity];
  return {
    marketo: { name: field.name, whole, min: low, max: high },
    dynamics: {
      name: column.name,
      whole: column.type === 'integer',
      min: column.min ?? least,
      max: column.max ?? most,
    },
  };
}

/**
 * A currency may have more places than its column is said to have (Microsoft: "PrecisionSource"): Marketo is given all
 * of them. The noise of a binary fraction goes.
 */
const ownPrecision = (value: FieldValue | undefined): number | null => {
  const number = readNumber(value ?? null);
  return number === null ? null : Number(number.toPrecision(SURE_DIGITS)) + 0;
};

/**
 * Whether a number is sure to be the one that was meant. A decimal of up to 15 digits comes back from a JSON number as it
 * was, so 2000000 is that, at any number of places. One of more digits may not: 99999999999999.1234 comes as
 * 99999999999999.125. It is sure where no other value of so many places comes as the same number.
 */
function isExact(value: number, places: number): boolean {
  if (Number(value.toPrecision(SURE_DIGITS)) === value) return true;
  if (Math.abs(value) >= 1e21) return false;
  const units = BigInt(value.toFixed(places).replace('.', ''));
  return [units - 1n, units + 1n].every((unit) => Number(`${unit}e-${places}`) !== value);
}

const tooPrecise = (name: string, value: number, places: number): Encoded =>
  refused(
    'too-precise',
    `The value has more than ${SURE_DIGITS} digits: the number that came, ${value}, stands for several values of ` +
      `${places} places, and ${name} might get another one.`,
  );
