import type { Column } from '../schema/columns.js';
import { DataverseError, payloadError } from '../errors.js';
import type { TableShape } from '../schema/tables.js';
import { isCalendarDay, isGuid, isoSeconds, parseDateTime, type ColumnValue } from './values.js';

const edmTypes: Partial<Record<Column['type'], string>> = {
  Integer: 'Edm.Int32',
  Picklist: 'Edm.Int32',
  State: 'Edm.Int32',
  Status: 'Edm.Int32',
  BigInt: 'Edm.Int64',
  Decimal: 'Edm.Decimal',
  Money: 'Edm.Decimal',
  Double: 'Edm.Double',
  Boolean: 'Edm.Boolean',
  Uniqueidentifier: 'Edm.Guid',
};

const edmType = (column: Column): string => {
  if (column.type === 'DateTime')
    return column.dateBehavior === 'DateOnly' ? 'Edm.Date' : 'Edm.DateTimeOffset';
  return edmTypes[column.type] ?? 'Edm.String';
};

/** Whether a value, as JSON has it, is of the column's type. */
export const fitsType = (column: Column, value: ColumnValue): boolean => {
  switch (edmType(column)) {
    case 'Edm.Int32':
      return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 31;
    case 'Edm.Int64':
      return Number.isInteger(value);
    case 'Edm.Decimal':
    case 'Edm.Double':
      return typeof value === 'number';
    case 'Edm.Boolean':
      return typeof value === 'boolean';
    case 'Edm.Date':
      return typeof value === 'string' && isCalendarDay(value);
    case 'Edm.DateTimeOffset':
      return typeof value === 'string' && parseDateTime(value) !== undefined;
    case 'Edm.Guid':
      return typeof value === 'string' && isGuid(value);
    default:
      return typeof value === 'string';
  }
};

/** The JSON value of a column in the form that rows keep; a value of another type is a payload error. */
export const readValue = (shape: TableShape, column: Column, raw: unknown): ColumnValue => {
  if (raw === null || raw === '') return readBlank(shape, column, raw);
  const value = raw as ColumnValue;
  if (typeof raw === 'object' || !fitsType(column, value)) {
    const literal = typeof raw === 'string' ? raw : JSON.stringify(raw);
    const reason = `Cannot convert the literal '${literal}' to the expected type '${edmType(column)}'.`;
    throw payloadError(shape.entitySet, reason);
  }
  if (column.type === 'Uniqueidentifier') return String(value).toLowerCase();
  if (column.type !== 'DateTime' || column.dateBehavior === 'DateOnly') return value;
  return isoSeconds(parseDateTime(String(value)) ?? 0);
};

/** An empty text is stored as null; an empty literal of another type is none. */
const readBlank = (shape: TableShape, column: Column, raw: null | ''): null => {
  if (raw === null || edmType(column) === 'Edm.String') return null;
  throw payloadError(
    shape.entitySet,
    `Cannot convert the literal '' to the expected type '${edmType(column)}'.`,
  );
};

const refusal = (code: string, message: string): DataverseError =>
  new DataverseError(400, code, `A validation error occurred.  ${message}`);

const checkLength = (shape: TableShape, column: Column, value: string): void => {
  if (column.maxLength === undefined || value.length <= column.maxLength) return;
  throw refusal(
    '0x80044331',
    `The length of the '${column.logicalName}' attribute of the '${shape.logicalName}' entity exceeded the maximum allowed length of '${column.maxLength}'.`,
  );
};

const checkRange = (shape: TableShape, column: Column, value: number): void => {
  const { min = -Infinity, max = Infinity } = column;
  if (value >= min && value <= max) return;
  throw refusal(
    column.type === 'Integer' ? '0x8004432f' : '0x80044330',
    `The value ${value} of '${column.logicalName}' on record of type '${shape.logicalName}' is outside the valid range. Accepted Values: ${min} to ${max}.`,
  );
};

const checkOption = (shape: TableShape, column: Column, values: readonly number[]): void => {
  const allowed = (column.options ?? []).map(({ value }) => value);
  const unknown = values.find((value) => !allowed.includes(value));
  if (unknown === undefined) return;
  throw refusal(
    '0x8004431a',
    `The value ${unknown} of '${column.logicalName}' on record of type '${shape.logicalName}' is outside the valid range. Accepted Values: ${allowed.join(',')}`,
  );
};

const checkMultiSelect = (shape: TableShape, column: Column, value: string): void => {
  if (!/^\d+(,\d+)*$/.test(value)) {
    const message = `Incorrect attribute value type System.String for '${column.logicalName}'`;
    throw new DataverseError(400, '0x80044354', message);
  }
  checkOption(shape, column, value.split(',').map(Number));
};

const checkDate = (column: Column, value: string): void => {
  if (value.slice(0, 10) >= '1753-01-01') return;
  const message = `DateTime is less than minumum value supported by CrmDateTime. Actual value: ${value}, Minimum value supported: 01/01/1753 00:00:00 (${column.logicalName})`;
  throw new DataverseError(400, '0x80040239', message);
};

/** Length, range, option and date rules of one value that already has the right type. */
export const checkValue = (shape: TableShape, column: Column, value: ColumnValue): void => {
  if (value === null) {
    if (column.requiredLevel !== 'SystemRequired') return;
    const message = `Required field '${column.logicalName}' is missing.`;
    throw new DataverseError(400, '0x80040200', message);
  }
  if (typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (column.options === undefined) checkRange(shape, column, value);
    else checkOption(shape, column, [value]);
    return;
  }
  if (column.type === 'MultiSelectPicklist') checkMultiSelect(shape, column, value);
  else if (column.type === 'DateTime') checkDate(column, value);
  else checkLength(shape, column, value);
};
