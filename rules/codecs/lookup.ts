import type { DynamicsColumn, MarketoField } from '../catalog.js';
import { across } from '../terms.js';
import { encoded, refused, shown, type Codec } from './codec.js';
import { canonicalText, encodeText } from './text.js';

/**
 * A text field of Marketo that shows the *name* of what a Dynamics lookup points at. A name does not tell which of
 * several records of that name is meant, so it goes to Marketo only.
 */
export function lookupCodec(field: MarketoField, column: DynamicsColumn): Codec {
  const encode: Codec['encode'] = (side, value) => {
    if (value === null) return encoded(null);
    if (side === 'marketo') return encodeText(String(value), side, field, column);
    return refused(
      'name-of-a-record',
      `${column.name} points at a record; the name ${shown(value)} does not tell which.`,
    );
  };
  return {
    blank: null,
    canonical: (_side, value) => canonicalText(value),
    encode,
    convert: (from, value) => encode(across(from), canonicalText(value)),
  };
}
