import { deleteRow, updateRow } from './commit.js';
import type { Column } from '../schema/columns.js';
import { DataverseError } from '../errors.js';
import type { Organization, Table } from '../organization.js';
import type { SystemUser } from '../rights/people.js';
import type { Cells } from './values.js';
import type { StoredRow } from './versioned-rows.js';

/** A lookup of some table that may point at rows of the table in question. */
export interface IncomingLookup {
  readonly table: Table;
  readonly column: Column;
}

export const incomingLookups = (organization: Organization, table: Table): IncomingLookup[] =>
  Object.values(organization.tables).flatMap((other) =>
    [...other.columns.values()]
      .filter(({ navigations = {}, removed }) => {
        const targets = Object.values(navigations).flat();
        return !removed && targets.includes(table.shape.logicalName);
      })
      .map((column) => ({ table: other, column })),
  );

/** Rows whose lookup points at that row. */
export const rowsPointingAt = ({ table, column }: IncomingLookup, id: string): StoredRow[] =>
  table.rows.withValues(column.property, [id]) ??
  [...table.rows.inKeyOrder()].filter(({ cells }) => cells[column.property] === id);

/** Cells that clear a lookup, or point it at another row of the same table. */
const pointed = (column: Column, to: string | null): Cells => ({
  [column.property]: to,
  ...(to === null ? { [`${column.logicalName}type`]: null } : {}),
});

/** Every lookup that points at one row points at another one, or at none; each child row is written once. */
export const repoint = (
  organization: Organization,
  lookups: readonly IncomingLookup[],
  from: string,
  to: string | null,
  by: SystemUser,
): void => {
  for (const lookup of lookups) {
    for (const { id } of rowsPointingAt(lookup, from)) {
      const row = lookup.table.rows.get(id);
      // A row never comes to point at itself.
      const other = lookup.table.rows.get(to ?? '')?.id === id ? null : to;
      if (row !== undefined) updateRow(organization, lookup.table, row, pointed(lookup.column, other), by);
    }
  }
};

/** Deletes a row; what pointed at it loses its link, or forbids the deletion when it is set up so. */
export const deleteWithLinks = (
  organization: Organization,
  table: Table,
  id: string,
  by: SystemUser,
): void => {
  const lookups = incomingLookups(organization, table);
  if (organization.settings.deleteWithChildren === 'restrict') {
    const used = lookups.find((lookup) => rowsPointingAt(lookup, id).some((row) => row.id !== id));
    if (used !== undefined) {
      const message = `The record cannot be deleted because it is associated with another record: ${used.table.shape.logicalName} rows point at it by '${used.column.logicalName}'. Remove the association first.`;
      throw new DataverseError(405, '0x80040227', message);
    }
  }
  deleteRow(organization, table, id);
  repoint(organization, lookups, id, null, by);
};
