import type { DynamicsColumn, MarketoField } from '../catalog.js';
import { emailKey } from '../email.js';
import { across, type Side } from '../terms.js';
import { encoded, refused, shown, type Codec, type Encoded } from './codec.js';
import { encodeText } from './text.js';

// Marketo takes no other address, and for one that it does not take it skips the whole person (Adobe REST docs, "Field
// types"; error 1003). What else it refuses is not documented, and left to it.
const ascii = /^[\x20-\x7e]*$/;
const address = /^\S+@\S+$/;

/**
 * An e-mail field of Marketo and a text column: compared without letter case and outer spaces, so that a change of case
 * alone is no edit; carried across with the case in which it was typed.
 */
export function emailCodec(field: MarketoField, column: DynamicsColumn): Codec {
  const encodeAddress = (side: Side, typed: string): Encoded => {
    if (side === 'marketo' && !ascii.test(typed)) {
      return refused(
        'not-ascii-email',
        `Marketo takes only ASCII e-mail addresses; ${field.name} would be ${shown(typed)}. ` +
          'Write a domain of other letters as "xn--…".',
      );
    }
    if (side === 'marketo' && !address.test(typed)) {
      return refused('not-an-email', `${shown(typed)} is no e-mail address; Marketo takes no other value.`);
    }
    return encodeText(typed, side, field, column);
  };
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
