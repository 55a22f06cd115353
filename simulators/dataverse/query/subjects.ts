import type { Column } from '../schema/columns.js';
import { DataverseError, unknownProperty } from '../errors.js';
import type { Sort, Subject } from './filter.js';
import { rowsPointingAt } from '../rows/links.js';
import { columnOf, tableNamed, type Organization, type Table } from '../organization.js';
import { navigationOf } from '../rows/payload.js';
import { collectionsOf } from '../schema/relationships.js';
import type { StoredRow } from '../rows/versioned-rows.js';

const sortOf = (column: Column): Sort => {
  switch (column.type) {
    case 'Boolean':
      return 'boolean';
    case 'Uniqueidentifier':
    case 'Lookup':
    case 'Customer':
    case 'Owner':
      return 'guid';
    case 'DateTime':
      return column.dateBehavior === 'DateOnly' ? 'day' : 'moment';
    case 'String':
    case 'Memo':
    case 'MultiSelectPicklist':
    case 'EntityName':
    case 'Virtual':
      return 'text';
    default:
      return 'number';
  }
};

/** A table through its columns; unreadable secured ones may not be used at all. */
const columnSubject = (table: Table): Subject<StoredRow> => {
  const find = (property: string): Column => {
    const column = columnOf(table, property);
    if (column === undefined) throw unknownProperty(property, table.shape.logicalName);
    if (column.secured && !column.canRead) {
      const message = `Caller user does not have read permissions to a ${column.displayName} secured field on entity ${table.shape.schemaName}. The requested operation could not be completed.`;
      throw new DataverseError(403, '0x8004f506', message);
    }
    return column;
  };
  return {
    sort: (property) => sortOf(find(property)),
    read: (property) => {
      const column = find(property);
      return (row) => row.cells[column.property] ?? null;
    },
  };
};

/** The other side of `parentcustomerid_account`: its table, and its row for a row of this one. */
const followed = (
  organization: Organization,
  table: Table,
  navigation: string,
): { table: Table; row: (from: StoredRow) => StoredRow | undefined } => {
  const column = navigationOf(table, navigation);
  const target = tableNamed(organization, column?.navigations?.[navigation]?.[0] ?? '');
  if (column === undefined || target === undefined) {
    throw unknownProperty(navigation, table.shape.logicalName);
  }
  return {
    table: target,
    row: (from) => {
      const id = from.cells[column.property];
      return typeof id === 'string' ? target.rows.get(id) : undefined;
    },
  };
};

const steps = (property: string): [navigation: string, column: string] | null => {
  const slash = property.indexOf('/');
  return slash < 0 ? null : [property.slice(0, slash), property.slice(slash + 1)];
};

/** What filters and sorts may name: columns, columns of a parent (`nav/column`), and collections of children. */
export const subjectOf = (organization: Organization, table: Table): Subject<StoredRow> => {
  const own = columnSubject(table);
  return {
    sort: (property) => {
      const path = steps(property);
      if (path === null) return own.sort(property);
      return columnSubject(followed(organization, table, path[0]).table).sort(path[1]);
    },
    read: (property) => {
      const path = steps(property);
      if (path === null) return own.read(property);
      const parent = followed(organization, table, path[0]);
      const read = columnSubject(parent.table).read(path[1]);
      return (row) => {
        const other = parent.row(row);
        return other === undefined ? null : read(other);
      };
    },
    related: (navigation) => {
      const lookup = collectionsOf(organization, table).get(navigation);
      if (lookup === undefined) throw unknownProperty(navigation, table.shape.logicalName);
      return { subject: columnSubject(lookup.table), rows: (row) => rowsPointingAt(lookup, row.id) };
    },
  };
};
