import type { DynamicsColumn, MarketoField } from '../catalog.js';
import type { FieldValue, Side } from '../terms.js';
import { booleanCodec, readBoolean } from './boolean.js';
import { whyNot } from './cannot-meet.js';
import type { Codec } from './codec.js';
import { dateCodec, datetimeCodec } from './date.js';
import { emailCodec } from './email-address.js';
import { DYNAMICS_FAMILIES, MARKETO_FAMILIES, MEETINGS, type DynamicsFamily } from './families.js';
import { lookupCodec } from './lookup.js';
import { numberCodec } from './number.js';
import { multiselectCodec, optionCodec } from './option.js';
import { textCodec } from './text.js';

export type { Canonical, Codec, Encoded, EncodeRefusal } from './codec.js';

/** Two types that may not meet, with the reason for people. */
export interface CannotMeet {
  readonly cannotMeet: string;
}

type MakeCodec = (field: MarketoField, column: DynamicsColumn) => Codec;

/** By what the column holds; only an e-mail field has a say of its own. */
const CODECS: Readonly<Record<DynamicsFamily, MakeCodec>> = {
  text: (field, column) => (field.type === 'email' ? emailCodec : textCodec)(field, column),
  option: optionCodec,
  multiselect: multiselectCodec,
  lookup: lookupCodec,
  number: numberCodec,
  boolean: booleanCodec,
  date: dateCodec,
  datetime: datetimeCodec,
};

/** How values of the two meet, or why they cannot. */
export function codecFor(field: MarketoField, column: DynamicsColumn): Codec | CannotMeet {
  const left = MARKETO_FAMILIES[field.type];
  const right = DYNAMICS_FAMILIES[column.type];
  if (left === null || right === null || !MEETINGS[left].includes(right)) {
    return { cannotMeet: whyNot(field, column) };
  }
  return CODECS[right](field, column);
}

export const meets = (found: Codec | CannotMeet): found is Codec => !('cannotMeet' in found);

/** A value as one side holds it. */
export interface Sided {
  readonly side: Side;
  readonly value: FieldValue | undefined;
}

/** True when both are the same value, each in its own side's form. */
export const same = (codec: Codec, a: Sided, b: Sided): boolean =>
  codec.canonical(a.side, a.value) === codec.canonical(b.side, b.value);

/**
 * A value of Marketo's change log, which writes every type as a string, in the form in which Marketo reads that field.
 * A string that is not of the field's type stays what it is: it then equals nothing.
 */
export function fromLog(field: MarketoField, value: string | null): FieldValue {
  const family = MARKETO_FAMILIES[field.type];
  if (family === 'boolean') return readBoolean(value) ?? value;
  if (value === null || value === '') return null;
  if (family === 'number' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  return value;
}
