import { lookupColumn, lookupName, type Row } from '../dynamics/index.js';
import { emailKey } from '../rules/email.js';
import type { Link } from '../rules/link.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import { predecessorOf, successorOf, takesNoPart as isClosed, type RowMarks } from '../rules/succession.js';
import type { FieldValue, FieldValues, Kind } from '../rules/terms.js';

/** The address by which rows are matched. */
export const EMAIL_COLUMN = 'emailaddress1';

/** Columns that the sync reads of every row besides the mapped ones: for matching and for rows that take no part. */
const ALWAYS = [EMAIL_COLUMN, 'statecode', 'merged'] as const;

export const selectionOf = ({ fields, lineage, scope, stampColumns }: Mapping, kind: Kind): string[] => {
  const flag = scope[kind]?.readable === true ? [scope[kind].name] : [];
  const stamp = stampColumns[kind];
  return [
    ...new Set([
      ...fields[kind].map(selectedColumn),
      ...lineage[kind].map(lookupColumn),
      ...flag,
      ...(stamp === null ? [] : [stamp]),
      ...ALWAYS,
    ]),
  ].sort();
};

/** What is asked for to get the field's value. */
export const selectedColumn = ({ column, dynamicsColumn }: MappedField): string =>
  dynamicsColumn.type === 'lookup' ? lookupName(column) : column;

/** The row's values by field; a column that was not in the answer stays absent. */
export const valuesOf = (row: Row, fields: readonly MappedField[]): FieldValues => {
  const values: Record<string, FieldValue> = {};
  for (const { name, column } of fields) {
    if (Object.hasOwn(row.values, column)) values[name] = row.values[column] ?? null;
  }
  return values;
};

/** Which call of ours wrote the row last, as far as it tells. */
export const rowStampOf = ({ values }: Row, { stampColumns }: Mapping, kind: Kind): string | null => {
  const column = stampColumns[kind];
  return column === null ? null : textOf(values[column]);
};

export const rowEmailKey = (row: Row): string | null => emailKey(textOf(row.values[EMAIL_COLUMN]));

export const textOf = (value: FieldValue | undefined): string | null =>
  typeof value === 'string' ? value : null;

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Anybody can write anything into a person's key field. */
export const isGuid = (text: string): boolean => GUID.test(text);

/** Rows that never create a person and never match one: qualified leads and rows that were merged away. */
export const takesNoPart = (row: Row, kind: Kind): boolean => isClosed(kind, marksOf(row));

const marksOf = ({ values }: Row): RowMarks => ({
  merged: values['merged'],
  statecode: values['statecode'],
  masterid: values[lookupColumn('masterid')],
  parentcontactid: values[lookupColumn('parentcontactid')],
  originatingleadid: values[lookupColumn('originatingleadid')],
});

/** What became of the row, and of what it came, as it says itself. */
export const lineageOf = (row: Row, kind: Kind): Pick<Link, 'successor' | 'predecessor'> => {
  const marks = marksOf(row);
  return { successor: successorOf(kind, marks), predecessor: predecessorOf(kind, marks) };
};
