import type { Column } from './columns.js';
import type { Organization, Table } from './organization.js';
import type { Privileges } from './privileges.js';
import type { Rule } from './rules.js';
import type { Settings } from './settings.js';
import type { TableName } from './tables.js';
import type { Change, StoredRow } from './versioned-rows.js';

interface TableState {
  /** Columns that an administrator has changed. */
  readonly columns: readonly Column[];
  /** In the order of their versions. */
  readonly rows: readonly StoredRow[];
  /** Deleted and not made again, in the order of their versions. */
  readonly deletions: readonly Change[];
  readonly tokensExpiredBelow: number;
}

/**
 * What an environment holds, as plain JSON: rows with their versions and what was deleted (delta tokens stand for
 * versions), rights, rules, settings. Sign-in tokens, the journal, faults and limits' windows belong to a run.
 */
export interface DataverseState {
  readonly version: number;
  readonly settings: Settings;
  readonly privileges: Privileges;
  readonly rules: readonly Rule[];
  /** A state kept before a table came into being has nothing for it. */
  readonly tables: Readonly<Partial<Record<TableName, TableState>>>;
}

const changedColumns = ({ shape, columns }: Table): Column[] => {
  const shipped = new Set(shape.columns);
  return [...columns.values()].filter((column) => !shipped.has(column));
};

const tableState = (table: Table): TableState => ({
  columns: changedColumns(table),
  rows: [...table.rows.changedAfter(0)],
  deletions: [...table.rows.deletedAfter(0)],
  tokensExpiredBelow: table.tokensExpiredBelow,
});

export const stateOf = ({ version, settings, privileges, rules, tables }: Organization): DataverseState => ({
  ...{ version, settings, privileges, rules },
  tables: Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, tableState(table)])),
});

const restoreTable = (table: Table, state: TableState | undefined): void => {
  if (state === undefined) return;
  for (const column of state.columns) table.columns.set(column.logicalName, column);
  // Only a row that was there can be deleted; it stood before all others, at version 0.
  for (const { id } of state.deletions) table.rows.put({ id, version: 0, cells: {} });
  for (const { id, version } of state.deletions) table.rows.delete(id, version);
  for (const row of state.rows) table.rows.put(row);
  table.tokensExpiredBelow = state.tokensExpiredBelow;
};

/** Fills an environment that is still empty. Whether limits are enforced is each run's own choice. */
export const restoreState = (organization: Organization, state: DataverseState): void => {
  const { limits } = organization.settings;
  organization.version = state.version;
  organization.settings = { ...organization.settings, ...state.settings, limits };
  organization.privileges = { ...organization.privileges, ...state.privileges };
  organization.rules = state.rules;
  for (const table of Object.values(organization.tables)) {
    restoreTable(table, state.tables[table.shape.logicalName]);
  }
};

/** Every change of a row takes a version, so the last one stands for all rows. */
export const revisionOf = ({ version, settings, privileges, rules, tables }: Organization): string => {
  const ofTables = Object.values(tables).map((table) => [table.tokensExpiredBelow, changedColumns(table)]);
  return JSON.stringify([version, settings, privileges, rules, ofTables]);
};
