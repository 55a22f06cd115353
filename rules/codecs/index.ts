import type { DynamicsColumn, DynamicsType, MarketoField, MarketoType, Option } from '../catalog.js';
import { booleanCodec, readBoolean } from './boolean.js';
import type { Codec } from './codec.js';
import { dateCodec, datetimeCodec } from './date.js';
import { emailCodec } from './email-address.js';
import { numberCodec } from './number.js';
import { multiselectCodec, optionCodec } from './option.js';
import { textCodec } from './text.js';
import type { FieldValue, Side } from '../terms.js';

export type { Canonical, Codec, Encoded, EncodeRefusal } from './codec.js';

/** Two types that may not meet, with the reason for people. */
export interface CannotMeet {
  readonly cannotMeet: string;
}

type Family = 'text' | 'boolean' | 'number' | 'date' | 'datetime' | 'option' | 'multiselect';

const MARKETO_FAMILIES: Readonly<Record<MarketoType | 'unknown', Family | null>> = {
  string: 'text',
  text: 'text',
  email: 'text',
  phone: 'text',
  url: 'text',
  boolean: 'boolean',
  integer: 'number',
  score: 'number',
  float: 'number',
  currency: 'number',
  percent: 'number',
  date: 'date',
  datetime: 'datetime',
  reference: null,
  formula: null,
  unknown: null,
};

const DYNAMICS_FAMILIES: Readonly<Record<DynamicsType | 'unknown', Family | null>> = {
  string: 'text',
  memo: 'text',
  boolean: 'boolean',
  integer: 'number',
  decimal: 'number',
  double: 'number',
  money: 'number',
  picklist: 'option',
  state: 'option',
  status: 'option',
  multiselect: 'multiselect',
  dateOnly: 'date',
  datetime: 'datetime',
  bigint: null,
  lookup: null,
  uniqueidentifier: null,
  unknown: null,
};

/**
 * How values of the two meet, or why they cannot. `labelHistory` holds labels that options of the column had before they
 * were renamed: Marketo may still say them.
 */
export function codecFor(
  marketo: MarketoField,
  dynamics: DynamicsColumn,
  labelHistory: readonly Option[] = [],
): Codec | CannotMeet {
  const left = MARKETO_FAMILIES[marketo.type];
  const right = DYNAMICS_FAMILIES[dynamics.type];
  if (left === 'text' && right === 'option') return optionCodec(marketo, dynamics, labelHistory);
  if (left === 'text' && right === 'multiselect') return multiselectCodec(marketo, dynamics, labelHistory);
  if (left === null || left !== right) {
    return { cannotMeet: `${pair(marketo, dynamics)}: ${reason(marketo, dynamics)}` };
  }
  switch (left) {
    case 'text':
      return marketo.type === 'email' ? emailCodec(marketo, dynamics) : textCodec(marketo, dynamics);
    case 'number':
      return numberCodec(marketo, dynamics);
    case 'boolean':
      return booleanCodec();
    case 'date':
      return dateCodec();
    default:
      return datetimeCodec();
  }
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

const pair = (marketo: MarketoField, dynamics: DynamicsColumn): string =>
  `${marketo.name} (${marketo.type}) and ${dynamics.name} (${dynamics.type})`;

function reason(marketo: MarketoField, dynamics: DynamicsColumn): string {
  const left = MARKETO_FAMILIES[marketo.type];
  const right = DYNAMICS_FAMILIES[dynamics.type];
  if (left === null) return `this product cannot sync Marketo fields of type ${marketo.type}.`;
  if (right === null) return `this product cannot sync Dynamics columns of type ${dynamics.type}.`;
  const families = new Set<Family>([left, right]);
  if (families.has('date') && families.has('datetime')) {
    return 'a day and a moment differ by time zone, so the day would shift for some people.';
  }
  if (right === 'option' || right === 'multiselect') {
    return 'an option meets a text field of Marketo, which holds its label.';
  }
  if (families.has('text')) {
    const other = left === 'text' ? right : left;
    return `a text may hold what is no ${other}, and the same ${other} can be written in many ways.`;
  }
  return `a ${left} and a ${right} have no value in common.`;
}
