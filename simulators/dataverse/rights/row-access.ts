import { DataverseError } from '../errors.js';
import type { Organization, Table } from '../organization.js';
import type { Sent } from '../rows/payload.js';
import { depthReaches } from './people.js';
import { demandPrivilege, depthOf, type Right } from './privileges.js';
import type { StoredRow } from '../rows/versioned-rows.js';

const ownerOf = (row: StoredRow): string => String(row.cells['_ownerid_value'] ?? '');

/** Rows that the sync user may read, by the owner of each. */
export const readableTest = (
  { privileges }: Organization,
  { shape }: Table,
): ((row: StoredRow) => boolean) => {
  const depth = depthOf(privileges, shape, 'Read');
  return depth === 'Global' ? () => true : (row) => depthReaches(depth, ownerOf(row));
};

const mayReach = (organization: Organization, table: Table, row: StoredRow, right: Right): boolean =>
  depthReaches(depthOf(organization.privileges, table.shape, right), ownerOf(row));

/** Throws the 403 of a row whose owner the privilege does not reach. */
export const demandRowAccess = (
  organization: Organization,
  table: Table,
  row: StoredRow,
  right: Right,
): void => {
  if (mayReach(organization, table, row, right)) return;
  const { id } = organization.caller.user;
  const message = `Principal with id ${id} does not have ${right}Access right(s) for record with id ${row.id} of entity ${table.shape.logicalName}.`;
  throw new DataverseError(403, '0x80048306', message);
};

/** Lookups need Append on the row and AppendTo on what they point at; a new owner needs Assign. */
export const demandLinkRights = (
  organization: Organization,
  table: Table,
  sent: readonly Sent[],
  mode: 'create' | 'update',
): void => {
  const { privileges } = organization;
  for (const { column, value, target } of sent) {
    if (target === undefined || value === null) continue;
    if (column.type === 'Owner') {
      if (mode === 'update' || value !== organization.caller.user.id) {
        demandPrivilege(privileges, table.shape, 'Assign');
      }
      continue;
    }
    demandPrivilege(privileges, table.shape, 'Append');
    const pointed = Object.values(organization.tables).find(({ shape }) => shape.logicalName === target);
    if (pointed !== undefined) demandPrivilege(privileges, pointed.shape, 'AppendTo');
  }
};

const rights: readonly Right[] = ['Read', 'Write', 'Append', 'AppendTo', 'Delete', 'Assign', 'Share'];

/** `ReadAccess, WriteAccess, ...`: what the sync user may do with one row; `None` when nothing. */
export const accessRights = (organization: Organization, table: Table, row: StoredRow): string => {
  const held = rights.filter((right) => mayReach(organization, table, row, right));
  return held.length === 0 ? 'None' : held.map((right) => `${right}Access`).join(', ');
};
