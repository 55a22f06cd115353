import { cellsOf, updateRow } from '../rows/commit.js';
import { DataverseError, rowNotFound } from '../errors.js';
import { incomingLookups, repoint } from '../rows/links.js';
import type { Organization, Table } from '../organization.js';
import type { Sent } from '../rows/payload.js';
import type { SystemUser } from '../rights/people.js';
import { atomically } from '../rows/transaction.js';
import type { Cells } from '../rows/values.js';
import type { StoredRow } from '../rows/versioned-rows.js';

export interface Merging {
  readonly target: string;
  readonly subordinate: string;
  readonly content: readonly Sent[];
  readonly parentingChecks: boolean;
  readonly by: SystemUser;
}

/** Tables whose rows can be merged. */
export const isMergeable = (table: Table): boolean => table.columns.has('masterid');

const refused = (code: string, message: string): DataverseError => new DataverseError(400, code, message);

const rowOf = (table: Table, id: string): StoredRow => {
  const row = table.rows.get(id);
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  return row;
};

const demandActive = (row: StoredRow, role: string): void => {
  if ((row.cells['statecode'] ?? 0) === 0) return;
  throw refused('0x80045304', `Merge cannot be performed on a ${role} that is not active.`);
};

const parentProperties = ['_parentcustomerid_value', '_parentaccountid_value', '_parentcontactid_value'];

/** Rows of one table that a row belongs to, directly or further up. */
const isBelow = (table: Table, row: StoredRow, ancestor: string, seen = new Set<string>()): boolean => {
  if (seen.has(row.id)) return false;
  seen.add(row.id);
  const parents = parentProperties.map((property) => row.cells[property]);
  return parents.some((id) => {
    if (id === ancestor) return true;
    const parent = typeof id === 'string' ? table.rows.get(id) : undefined;
    return parent !== undefined && isBelow(table, parent, ancestor, seen);
  });
};

const demandNoCycle = (table: Table, target: StoredRow, subordinate: StoredRow): void => {
  if (!isBelow(table, target, subordinate.id)) return;
  throw refused('0x80045300', 'Merge could create cyclical parenting: the master is below the subordinate.');
};

/** Cells of `UpdateContent` that count: those of blank columns, unless the environment lets them all through. */
const takenOver = (organization: Organization, target: StoredRow, content: readonly Sent[]): Cells => {
  const taken = organization.settings.mergeOverwrites
    ? content
    : content.filter(({ column }) => (target.cells[column.property] ?? null) === null);
  return cellsOf(taken);
};

/** Keeps one row and puts another one under it: deactivated, marked, its children moved. All of it or nothing. */
export const mergeRows = (organization: Organization, table: Table, asked: Merging): void => {
  const { by } = asked;
  if (asked.target === asked.subordinate) {
    throw refused('0x80045305', 'Merge cannot be performed on a record and itself.');
  }
  const [target, subordinate] = [rowOf(table, asked.target), rowOf(table, asked.subordinate)];
  demandActive(target, 'master');
  demandActive(subordinate, 'subordinate');
  if (asked.parentingChecks) demandNoCycle(table, target, subordinate);
  atomically(organization, () => {
    const children = incomingLookups(organization, table).filter(
      ({ column }) => column.logicalName !== 'masterid',
    );
    repoint(organization, children, subordinate.id, target.id, by);
    const kept = takenOver(organization, target, asked.content);
    updateRow(organization, table, rowOf(table, target.id), kept, by);
    const closed = table.shape.logicalName === 'lead' ? 2 : 1;
    const marks: Cells = { statecode: closed, merged: true, _masterid_value: target.id };
    updateRow(organization, table, rowOf(table, subordinate.id), marks, by);
  });
};
