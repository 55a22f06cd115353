import type { ColumnShare } from './rights/column-access.js';
import type { Column } from './schema/columns.js';
import type { CrmWorkflow } from './rows/crm-workflows.js';
import type { DuplicateRule } from './rows/duplicate-rules.js';
import { defineKey, type AlternateKey } from './rows/keys.js';
import type { Organization, Table } from './organization.js';
import type { Privileges } from './rights/privileges.js';
import type { Rule } from './rows/rules.js';
import { defaultSettings, type Settings } from './settings.js';
import type { TableName } from './schema/tables.js';
import type { Change, StoredRow } from './rows/versioned-rows.js';

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
  readonly shares?: readonly ColumnShare[];
  readonly metadataVersion?: number;
  readonly keys?: readonly AlternateKey[];
  readonly duplicateRules?: readonly DuplicateRule[];
  readonly workflows?: readonly CrmWorkflow[];
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

const wholeState = (organization: Organization) => {
  const { version, settings, privileges, rules, shares, metadataVersion } = organization;
  const { keys, duplicateRules, workflows } = organization;
  return { version, settings, privileges, rules, shares, metadataVersion, keys, duplicateRules, workflows };
};

export const stateOf = (organization: Organization): DataverseState => ({
  ...wholeState(organization),
  tables: Object.fromEntries(
    Object.entries(organization.tables).map(([name, table]) => [name, tableState(table)]),
  ),
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
  organization.versionBefore = state.version;
  organization.settings = { ...defaultSettings, ...state.settings, limits };
  organization.privileges = { ...organization.privileges, ...state.privileges };
  organization.rules = state.rules;
  organization.shares = state.shares ?? [];
  organization.metadataVersion = state.metadataVersion ?? organization.metadataVersion;
  organization.duplicateRules = state.duplicateRules ?? organization.duplicateRules;
  organization.workflows = state.workflows ?? [];
  for (const table of Object.values(organization.tables)) {
    restoreTable(table, state.tables[table.shape.logicalName]);
  }
  for (const key of state.keys ?? []) defineKey(organization, key);
};

/** A change of a row takes a version, so that the last one stands for all rows; changes without one are counted. */
export const revisionOf = (organization: Organization): string => {
  const ofTables = Object.values(organization.tables).map((table) => [
    table.tokensExpiredBelow,
    changedColumns(table),
    table.rows.untold,
  ]);
  return JSON.stringify([wholeState(organization), ofTables]);
};
