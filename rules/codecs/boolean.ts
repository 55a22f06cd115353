import { across, type FieldValue } from '../terms.js';
import { encoded, notRead, refused, shown, typed, type Canonical, type Codec } from './codec.js';

const TRUE = new Set(['true', '1', 'yes']);
const FALSE = new Set(['', 'false', '0', 'no']);

/** Reads a boolean, a number or a word as Marketo's log writes it; null for anything else. */
export function readBoolean(value: FieldValue | undefined): boolean | null {
  const word = String(value ?? '')
    .trim()
    .toLowerCase();
  if (TRUE.has(word)) return true;
  return FALSE.has(word) ? false : null;
}

/** Two booleans. Blank is false: Marketo never reads null for a boolean (Adobe REST docs, "Field types"). */
export function booleanCodec(): Codec {
  const canonical = (value: FieldValue | undefined): Canonical =>
    readBoolean(value) ?? notRead('not-a-boolean', value);
  const encode: Codec['encode'] = (_side, value) => {
    if (value === null) return encoded(false);
    if (typeof value === 'boolean') return encoded(value);
    return refused('not-a-boolean', `${shown(typed(value))} is neither true nor false.`);
  };
  return {
    blank: false,
    canonical: (_side, value) => canonical(value),
    encode,
    convert: (from, value) => encode(across(from), canonical(value)),
  };
}
