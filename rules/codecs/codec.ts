import type { FieldValue, Side } from '../terms.js';

/**
 * A value in the form in which both sides are compared: equal canonical values are the same value. `null` is blank.
 * A value that cannot be read as its type has a canonical form of its own, which `encode` refuses by name.
 */
export type Canonical = string | number | boolean | null;

/** Why a value cannot be written to a side. Known before the call, so it costs none. */
export type EncodeRefusal =
  | 'too-long'
  | 'out-of-range'
  | 'not-whole'
  | 'unknown-option'
  | 'ambiguous-option'
  | 'not-a-date'
  | 'not-a-number'
  | 'not-a-boolean'
  | 'not-an-email'
  | 'not-ascii-email'
  | 'too-precise'
  | 'name-of-a-record';

/** A value in the target's form, or the reason why the target would not take it. `message` may hold the value. */
export type Encoded =
  | { readonly ok: true; readonly value: FieldValue }
  | { readonly ok: false; readonly code: EncodeRefusal; readonly message: string };

/** How the values of one Marketo field and one Dynamics column meet. */
export interface Codec {
  /** The canonical form of what `side` holds; `undefined` counts as blank. Never throws. */
  readonly canonical: (side: Side, value: FieldValue | undefined) => Canonical;
  /** The canonical value in the form that `side` takes. Nothing is ever cut or rounded to make it fit. */
  readonly encode: (side: Side, canonical: Canonical) => Encoded;
  /**
   * What `from` holds, in the form for the other side, with what the canonical form drops but people care about: the
   * letter case of an e-mail. Canonically equal to its source whenever it is ok.
   */
  readonly convert: (from: Side, value: FieldValue | undefined) => Encoded;
  /** The canonical form of a blank. */
  readonly blank: Canonical;
}

export const encoded = (value: FieldValue): Encoded => ({ ok: true, value });

export const refused = (code: EncodeRefusal, message: string): Encoded => ({ ok: false, code, message });

/** What kind of value a text was to be, and is not. */
type NotRead = 'not-a-date' | 'not-a-number' | 'not-a-boolean' | 'label' | 'value';
const NOT_READ = /^(?:not-a-date|not-a-number|not-a-boolean|label|value):/;

/** The canonical form of a value that cannot be read as its type: no value that can be read equals it. */
export const notRead = (as: NotRead, value: FieldValue | undefined): string => `${as}:${String(value)}`;

/** The value in it as somebody typed it, for a sentence for people. */
export const typed = (canonical: Canonical): string => String(canonical).replace(NOT_READ, '');

/** The part of a value that fits into a sentence for people. */
export const shown = (value: FieldValue): string => {
  const text = String(value);
  return text.length > 60 ? `"${text.slice(0, 60)}…"` : `"${text}"`;
};
