import type { Column } from '../schema/columns.js';
import { DataverseError } from '../errors.js';
import type { Table } from '../organization.js';
import { fitsType } from '../rows/check-value.js';
import type { ColumnValue } from '../rows/values.js';

const refuse = (message: string): DataverseError => new DataverseError(400, 'admin', message);

export const demandOptions = ({ type, options = [] }: Column): void => {
  const isChoice = type === 'Picklist' || type === 'MultiSelectPicklist';
  if (isChoice && options.length === 0) throw refuse(`A ${type} column needs options.`);
};

/** Types that the platform works by itself. */
const platformTypes: readonly Column['type'][] = [
  'Uniqueidentifier',
  'BigInt',
  'State',
  'Status',
  'Owner',
  'EntityName',
  'Virtual',
];

/** The names that `fullname` is put together from. */
const nameParts: readonly string[] = ['firstname', 'middlename', 'lastname'];

/** What a table cannot be without: its key, its primary name and parts of it, what the platform sets or works by. */
const isOfThePlatform = ({ shape }: Table, { logicalName }: Column): boolean => {
  const shipped = shape.columns.find((one) => one.logicalName === logicalName);
  if (shipped === undefined) return false;
  const { type, attributeOf, validForCreate, validForUpdate } = shipped;
  const isReadOnly = !validForCreate && !validForUpdate;
  const isName = logicalName === shape.primaryName || nameParts.includes(logicalName);
  return isName || isReadOnly || attributeOf !== null || platformTypes.includes(type);
};

const valuesOf = function* (table: Table, { property }: Column): Generator<ColumnValue> {
  for (const { cells } of table.rows.inKeyOrder()) yield cells[property] ?? null;
};

/** Refuses what would leave a table that no environment has: without a system column, or with values of another type. */
export const demandChangeable = (table: Table, before: Column, after: Column): void => {
  const isRetyped = before.type !== after.type;
  const isRemoved = after.removed && !before.removed;
  if (!isRetyped && !isRemoved) return;
  const name = `'${after.logicalName}' of '${table.shape.logicalName}'`;
  if (isOfThePlatform(table, before) || (isRetyped && before.navigations !== undefined)) {
    throw refuse(`${name} is a column of the platform: it can be neither removed nor given another type.`);
  }
  if (!isRetyped) return;
  demandOptions(after);
  for (const value of valuesOf(table, before)) {
    if (value === null || fitsType(after, value)) continue;
    throw refuse(
      `${name} has values that are no ${after.type}, such as ${JSON.stringify(value)}: clear them first.`,
    );
  }
};
