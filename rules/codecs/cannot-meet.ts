import type { DynamicsColumn, DynamicsType, MarketoField, MarketoType } from '../catalog.js';
import {
  DYNAMICS_FAMILIES,
  dynamicsTypesFor,
  MARKETO_FAMILIES,
  marketoTypesFor,
  type DynamicsFamily,
  type MarketoFamily,
} from './families.js';

/** Why no field of these types is synced at all. */
const NOT_SYNCED: Readonly<Partial<Record<MarketoType | DynamicsType, string>>> = {
  reference: 'a reference of Marketo points at another of its records, and its API cannot write one.',
  formula: 'Marketo computes a formula by itself, and neither lets it be written nor logs its changes.',
  bigint:
    'Dynamics keeps big integers for itself, such as row versions, and JSON does not hold all their digits.',
  uniqueidentifier: 'the sync keeps the id of the row in dynamicsId by itself, and other ids name nothing.',
};

const UNKNOWN_FIELD = 'this version does not know the type that Marketo gives the field.';
const UNKNOWN_COLUMN =
  'this version does not know the type that Dynamics gives the column (an image, a file, a date whose behavior it hides).';

/** Why two types may not meet, with what to do about it: one text for set-up, for notices and for docs/types.md. */
export function whyNot(field: MarketoField, column: DynamicsColumn): string {
  const pair = `${field.name} (${field.type}) and ${column.name} (${column.type})`;
  return `${pair}: ${reasonOf(field.type, column.type)} ${adviceFor(field, column)}`;
}

/** The reason alone, a sentence. */
export function reasonOf(marketo: MarketoField['type'], dynamics: DynamicsColumn['type']): string {
  const left = MARKETO_FAMILIES[marketo];
  const right = DYNAMICS_FAMILIES[dynamics];
  if (left === null) return marketo === 'unknown' ? UNKNOWN_FIELD : (NOT_SYNCED[marketo] ?? UNKNOWN_FIELD);
  if (right === null) {
    return dynamics === 'unknown' ? UNKNOWN_COLUMN : (NOT_SYNCED[dynamics] ?? UNKNOWN_COLUMN);
  }
  return mismatch(left, right);
}

/** Words for people. */
const WORDS: Readonly<Record<DynamicsFamily | MarketoFamily, string>> = {
  text: 'text',
  email: 'e-mail address',
  boolean: 'boolean',
  number: 'number',
  date: 'day',
  datetime: 'moment',
  option: 'option',
  multiselect: 'selection',
  lookup: 'lookup',
};

function mismatch(left: MarketoFamily, right: DynamicsFamily): string {
  if (right === 'lookup') return 'a lookup meets a text field of Marketo, which shows the name it points at.';
  if (right === 'option') return 'an option meets a text field of Marketo, which holds its label.';
  if (right === 'multiselect') return 'a selection meets a text field of Marketo, which holds its labels.';
  if (left === 'email') return `Marketo takes nothing but e-mail addresses, and no ${WORDS[right]} is one.`;
  if ((left === 'date' && right === 'datetime') || (left === 'datetime' && right === 'date')) {
    return 'a day and a moment differ by time zone, so the day would shift for some people.';
  }
  if (left === 'text' || right === 'text') {
    const other = WORDS[left === 'text' ? right : left];
    return `a text may hold what is no ${other}, and the same ${other} can be written in many ways.`;
  }
  return `a ${WORDS[left]} and a ${WORDS[right]} have no value in common.`;
}

function adviceFor(field: MarketoField, column: DynamicsColumn): string {
  const left = MARKETO_FAMILIES[field.type];
  const right = DYNAMICS_FAMILIES[column.type];
  const ways = [
    right === null ? [] : `${column.name} to a field of type ${anyOf(marketoTypesFor(right))}`,
    left === null ? [] : `${field.name} to a column of type ${anyOf(dynamicsTypesFor(left))}`,
  ].flat();
  if (ways.length === 0) return 'Leave the row out.';
  const map = `Map ${ways.join(', or ')}`;
  return left === 'date' && right === 'datetime'
    ? `${map}; or give ${column.name} the behavior Date Only in Dynamics.`
    : `${map}.`;
}

const anyOf = (types: readonly string[]): string =>
  types.length < 2 ? types.join('') : `${types.slice(0, -1).join(', ')} or ${types.at(-1) ?? ''}`;
