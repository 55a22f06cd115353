import { readValue } from '../rows/check-value.js';
import { cellsOf, checkSent, insertRow, settleState, updateRow, writeBeneath } from '../rows/commit.js';
import { runWorkflows } from '../rows/crm-workflows.js';
import { DataverseError, duplicateKey, rowNotFound } from '../errors.js';
import { deleteWithLinks } from '../rows/links.js';
import { columnOf, rowColumns, type Organization, type Table } from '../organization.js';
import type { Sent } from '../rows/payload.js';
import { people } from '../rights/people.js';
import { refuseByRule } from '../rows/rules.js';
import { isGuid, newGuid, type ColumnValue, type SeedRow } from '../rows/values.js';
import type { StoredRow } from '../rows/versioned-rows.js';

const unknownColumn = (table: Table, name: string): DataverseError =>
  new DataverseError(400, '0x80060888', `Table '${table.shape.logicalName}' has no column '${name}'.`);

/** A person in the product may reach every column; lookups go by logical name or by `_name_value`. */
export const readCells = (table: Table, values: SeedRow): Sent[] =>
  Object.entries(values).map(([name, raw]) => {
    const column = columnOf(table, name) ?? columnOf(table, `_${name}_value`);
    if (column === undefined || column.type === 'BigInt') throw unknownColumn(table, name);
    if (column.navigations === undefined) return { column, value: readValue(table.shape, column, raw) };
    if (raw !== null && !(typeof raw === 'string' && isGuid(raw))) {
      throw new DataverseError(400, '0x80048d19', `'${String(raw)}' is not a row id for '${name}'.`);
    }
    const target = Object.values(column.navigations)[0]?.[0] ?? '';
    return raw === null ? { column, value: null } : { column, value: raw.toLowerCase(), target };
  });

const check = (
  organization: Organization,
  table: Table,
  mode: 'create' | 'update',
  sent: readonly Sent[],
  force: boolean,
): void => {
  if (force) return;
  checkSent(table, sent);
  refuseByRule(organization.rules, table.shape.logicalName, mode, cellsOf(sent));
};

/** A sales user makes a row in the product's screen; `force` passes over checks and plug-ins. Returns the id. */
export const addByUser = (
  organization: Organization,
  table: Table,
  values: SeedRow,
  force: boolean,
): StoredRow => {
  const all = readCells(table, values);
  const key = all.find(({ column }) => column.logicalName === table.shape.key)?.value;
  const sent = all.filter(({ column }) => column.logicalName !== table.shape.key);
  check(organization, table, 'create', sent, force);
  const id = typeof key === 'string' ? key : newGuid();
  if (table.rows.get(id) !== undefined) throw duplicateKey();
  const row = insertRow(organization, table, id, cellsOf(sent), people.sales);
  tell(organization, table, id, 'create', sent);
  if (!force) runWorkflows(organization, table, id, 'create', namesOf(sent));
  return row;
};

/** A person edits a row; `asSync` when they work with the sync user's account. */
export const editByUser = (
  organization: Organization,
  table: Table,
  id: string,
  values: SeedRow,
  options: { readonly force: boolean; readonly asSync: boolean },
): StoredRow => {
  const row = table.rows.get(id);
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  const sent = readCells(table, values).filter(({ column }) => column.logicalName !== table.shape.key);
  check(organization, table, 'update', sent, options.force);
  const by = options.asSync ? people.sync : people.sales;
  const updated = updateRow(organization, table, row, cellsOf(sent), by);
  tell(organization, table, id, 'update', sent);
  if (!options.force) runWorkflows(organization, table, id, 'update', namesOf(sent));
  return updated;
};

/** A row changed by a statement against the database. */
export const editBeneath = (
  organization: Organization,
  table: Table,
  id: string,
  values: SeedRow,
  version: 'kept' | 'moved',
): StoredRow => {
  const row = table.rows.get(id);
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  return writeBeneath(organization, table, row, cellsOf(readCells(table, values)), version);
};

/** A row that is gone without any trace, as one whose deletion is older than change tracking keeps it. */
export const deleteBeneath = (table: Table, id: string): void => {
  if (!table.rows.forget(id)) throw rowNotFound(table.shape.logicalName, id);
};

export const deleteByUser = (organization: Organization, table: Table, id: string): void => {
  if (table.rows.get(id) === undefined) throw rowNotFound(table.shape.logicalName, id);
  deleteWithLinks(organization, table, id, people.sales);
  tell(organization, table, id, 'delete', []);
};

const namesOf = (sent: readonly Sent[]): string[] => sent.map(({ column }) => column.logicalName);

const tell = (
  organization: Organization,
  table: Table,
  id: string,
  kind: 'create' | 'update' | 'delete',
  sent: readonly Sent[],
): void => {
  organization.journal.write({
    table: table.shape.logicalName,
    id,
    kind,
    columns: sent.map(({ column }) => column.logicalName),
    by: 'user',
    status: kind === 'create' ? 201 : 204,
    code: null,
  });
};

/** Rows that were there before the simulation began: no checks, no plug-ins, not journalled. */
export const seedRows = (organization: Organization, table: Table, rows: readonly SeedRow[]): void => {
  for (const values of rows) {
    const sent = readCells(table, values);
    const cells = cellsOf(sent.filter(({ column }) => column.logicalName !== table.shape.key));
    const key = sent.find(({ column }) => column.logicalName === table.shape.key)?.value;
    const createdOn = cells['createdon'] === undefined ? {} : { modifiedon: cells['createdon'] };
    const id = typeof key === 'string' ? key : newGuid();
    if (table.rows.get(id) !== undefined) throw new Error(`Two seed rows have the id ${id}.`);
    settleState(table, id, {}, cells);
    insertRow(organization, table, id, { ...createdOn, ...cells }, people.sales);
  }
};

/** Every column of a row as it is stored, secured ones too. */
export const wholeRow = (table: Table, row: StoredRow): Record<string, ColumnValue> =>
  Object.fromEntries(rowColumns(table).map(({ property }) => [property, row.cells[property] ?? null]));

/** Rows in version order, those after the given version. */
export const pageOfRows = (
  table: Table,
  after: number,
  limit: number,
): { rows: Record<string, ColumnValue>[]; next: number | null } => {
  const found: StoredRow[] = [];
  for (const row of table.rows.changedAfter(after)) {
    if (found.push(row) > limit) break;
  }
  const page = found.slice(0, limit);
  const next = found.length > limit ? (page.at(-1)?.version ?? null) : null;
  return { rows: page.map((row) => wholeRow(table, row)), next };
};
