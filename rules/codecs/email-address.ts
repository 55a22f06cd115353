import type { DynamicsColumn, MarketoField } from '../catalog.js';
import { emailKey } from '../email.js';
import { across, type Side } from '../terms.js';
import { encoded, refused, shown, type Codec, type Encoded } from './codec.js';
import { encodeText } from './text.js';

// Printable ASCII only: Marketo takes no other address (Adobe REST docs, "Field types").
const ascii = /^[\x20-\x7e]*$/;

/**
 * An e-mail field of Marketo and a text column: compared without letter case and outer spaces, so that a change of case
 * alone is no edit; carried across with the case in which it was typed.
 */
export function emailCodec(field: MarketoField, column: DynamicsColumn): Codec {
  const encodeAddress = (side: Side, address: string): Encoded =>
    side === 'marketo' && !ascii.test(address)
      ? refused(
          'not-ascii-email',
          `Marketo takes only ASCII e-mail addresses; ${field.name} would be ${shown(address)}.`,
        )
      : encodeText(address, side, field, column);
  return {
    blank: null,
    canonical: (_side, value) => emailKey(value),
    encode: (side, value) => (value === null ? encoded(null) : encodeAddress(side, String(value))),
    convert(from, value) {
      const typed = String(value ?? '').trim();
      return typed === '' ? encoded(null) : encodeAddress(across(from), typed);
    },
  };
}
