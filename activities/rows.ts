import { lookupName, type Row } from '../dynamics/index.js';
import { emailKey } from '../rules/email.js';
import type { MappedField } from '../rules/mapping.js';
import type { FieldValue, FieldValues, Kind } from '../rules/terms.js';

/** Columns that the sync reads of every row besides the mapped ones: for matching and for rows that take no part. */
const ALWAYS = ['emailaddress1', 'statecode', 'merged'] as const;

/** State of a qualified lead (Microsoft: lead table, statecode). */
const QUALIFIED = 1;

export const selectionOf = (fields: readonly MappedField[]): string[] =>
  [...new Set([...fields.map(selected), ...ALWAYS])].sort();

const selected = ({ column, dynamicsColumn }: MappedField): string =>
  dynamicsColumn.type === 'lookup' ? lookupName(column) : column;

/** The row's values by field; a column that was not in the answer stays absent. */
export const valuesOf = (row: Row, fields: readonly MappedField[]): FieldValues => {
  const values: Record<string, FieldValue> = {};
  for (const { name, column } of fields) {
    if (Object.hasOwn(row.values, column)) values[name] = row.values[column] ?? null;
  }
  return values;
};

export const rowEmailKey = (row: Row): string | null => emailKey(textOf(row.values['emailaddress1']));

export const textOf = (value: FieldValue | undefined): string | null =>
  typeof value === 'string' ? value : null;

/** Rows that never create a person and never match one: qualified leads and rows that were merged away. */
export const takesNoPart = (row: Row, kind: Kind): boolean =>
  row.values['merged'] === true || (kind === 'lead' && row.values['statecode'] === QUALIFIED);
