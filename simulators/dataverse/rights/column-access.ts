import type { Column, Mask } from '../schema/columns.js';
import type { Organization } from '../organization.js';
import type { ColumnValue } from '../rows/values.js';
import type { StoredRow } from '../rows/versioned-rows.js';

/** Rights on one secured column of one row, granted beside all profiles (`principalobjectattributeaccess`). */
export interface ColumnShare {
  readonly table: string;
  readonly id: string;
  readonly column: string;
  readonly read: boolean;
  readonly update: boolean;
}

/** The share of a row's column, if it was shared. */
export const shareOf = (organization: Organization, rowId: string, column: Column): ColumnShare | undefined =>
  organization.shares.find((one) => one.id === rowId && one.column === column.logicalName);

/** `****4711`: all but the last characters, or all, become the mask's character. */
const masked = (text: string, { character, keepLast }: Mask): string => {
  const letters = Array.from(text);
  const hidden = Math.max(0, letters.length - keepLast);
  return character.repeat(hidden) + letters.slice(hidden).join('');
};

/**
 * What the caller sees of a cell. A secured column without the right is null without any marker; one with a
 * masking rule comes masked, unless the caller may see it unmasked and asks for it.
 */
export const shownValue = (organization: Organization, column: Column, row: StoredRow): ColumnValue => {
  const value = row.cells[column.property] ?? null;
  if (!column.secured) return value;
  if (!column.canRead && shareOf(organization, row.id, column)?.read !== true) return null;
  const { mask } = column;
  if (mask === undefined || typeof value !== 'string') return value;
  return organization.caller.unmasked && mask.canReadUnmasked ? value : masked(value, mask);
};

/** Whether a secured column of this row may be written; a new row has no shares. */
export const mayWrite = (
  organization: Organization,
  column: Column,
  mode: 'create' | 'update',
  rowId?: string,
): boolean => {
  if (!column.secured || (mode === 'create' ? column.canCreate : column.canUpdate)) return true;
  return rowId !== undefined && shareOf(organization, rowId, column)?.update === true;
};
