import { checkValue } from './check-value.js';
import { DataverseError } from '../errors.js';
import { demandUniqueKeys } from './keys.js';
import { compact, layered, type Layers } from './layers.js';
import { nextVersion, type Organization, type Table } from '../organization.js';
import { people, type SystemUser } from '../rights/people.js';
import type { Sent } from './payload.js';
import { isoSeconds, type Cells, type ColumnValue } from './values.js';
import { remember } from './transaction.js';
import type { StoredRow } from './versioned-rows.js';

/** Values by property; lookups that may point at several tables bring along which one. */
export const cellsOf = (sent: readonly Sent[]): Cells => {
  const cells: Record<string, ColumnValue> = {};
  for (const { column, value, target } of sent) {
    cells[column.property] = value;
    if (column.navigations !== undefined) cells[`${column.logicalName}type`] = target ?? null;
  }
  return cells;
};

const defaultsOf = (table: Table): Cells => {
  const cells: Record<string, ColumnValue> = {};
  for (const { property, defaultValue, removed } of table.columns.values()) {
    if (defaultValue !== undefined && !removed) cells[property] = defaultValue;
  }
  return cells;
};

const badPair = (table: Table, state: ColumnValue, status: ColumnValue, id: string): DataverseError => {
  const { logicalName, schemaName } = table.shape;
  const label = table.columns.get('statecode')?.options?.find(({ value }) => value === state)?.label;
  const message = `${status ?? 'null'} is not a valid status code for state code ${schemaName}State.${label ?? String(state)} on ${logicalName} with Id ${id}.`;
  return new DataverseError(400, '0x80048408', message);
};

/** State and status as a pair that belongs together; a state alone brings its default status. */
export const settleState = (table: Table, id: string, before: Cells, sent: Cells): Cells => {
  const state = sent['statecode'] ?? before['statecode'] ?? 0;
  const statuses = table.columns.get('statuscode')?.options ?? [];
  const fallback = statuses.find((option) => option.state === state)?.value ?? null;
  const kept = state === before['statecode'] ? before['statuscode'] : undefined;
  const status = sent['statuscode'] ?? kept ?? fallback;
  if (!statuses.some((option) => option.value === status && option.state === state)) {
    throw badPair(table, state, status, id);
  }
  return { statecode: state, statuscode: status };
};

/** Checks each value sent, in the order of the payload. */
export const checkSent = (table: Table, sent: readonly Sent[]): void => {
  for (const { column, value } of sent) checkValue(table.shape, column, value);
};

const joined = (cells: Layers, columns: readonly string[], separator: string): string | null => {
  const parts = columns.map((name) => cells.get(name)).filter((value) => typeof value === 'string');
  return parts.length === 0 ? null : parts.join(separator);
};

const NAME = ['firstname', 'lastname'];
const ADDRESS = [
  'address1_line1',
  'address1_line2',
  'address1_line3',
  'address1_city',
  'address1_stateorprovince',
  'address1_postalcode',
  'address1_country',
];

const store = (organization: Organization, table: Table, id: string, cells: Layers): StoredRow => {
  demandUniqueKeys(organization, table, id, cells);
  remember(organization, table, id);
  const version = nextVersion(organization);
  cells.set('fullname', joined(cells, NAME, ' '));
  cells.set('address1_composite', joined(cells, ADDRESS, '\r\n'));
  cells.set(table.shape.key, id);
  cells.set('versionnumber', version);
  const row: StoredRow = { id, version, cells: compact(cells) };
  table.rows.put(row);
  return row;
};

/** `createdonbehalfby` and `modifiedonbehalfby`: the signed-in user, when it acts as another. */
const onBehalfOf = ({ caller }: Organization, by: SystemUser): string | null =>
  caller.realUser !== null && by === caller.user ? caller.realUser.id : null;

/** Stores a new row by that user. Values are taken as they are: checks come before. */
export const insertRow = (
  organization: Organization,
  table: Table,
  id: string,
  sent: Cells,
  by: SystemUser,
): StoredRow => {
  const now = isoSeconds(organization.now());
  const createdOn = sent['overriddencreatedon'] ?? sent['createdon'] ?? now;
  const before = { _ownerid_value: by.id, owneridtype: 'systemuser', modifiedon: now };
  const cells = layered(defaultsOf(table), before, sent, {
    createdon: createdOn,
    _createdby_value: by.id,
    _modifiedby_value: by.id,
    _createdonbehalfby_value: onBehalfOf(organization, by),
    _modifiedonbehalfby_value: onBehalfOf(organization, by),
  });
  const state = settleState(table, id, {}, sent);
  for (const name of Object.keys(state)) cells.set(name, state[name] ?? null);
  return store(organization, table, id, cells);
};

/** Changes a row by that user; any write moves its version, also one that changes nothing. */
export const updateRow = (
  organization: Organization,
  table: Table,
  row: StoredRow,
  sent: Cells,
  by: SystemUser,
): StoredRow => {
  const state = settleState(table, row.id, row.cells, sent);
  const stamps: Cells = {
    modifiedon: isoSeconds(organization.now()),
    _modifiedby_value: by.id,
    _modifiedonbehalfby_value: onBehalfOf(organization, by),
  };
  return store(organization, table, row.id, layered(row.cells, sent, state, stamps));
};

/**
 * Changes a row beneath the product, by a statement against its database: no checks, no `modifiedon`, no plug-ins. SQL
 * Server moves a `rowversion` with every update of its row, so that change tracking tells of it (`moved`); a value that is
 * kept elsewhere and shown with the row moves nothing.
 */
export const writeBeneath = (
  organization: Organization,
  table: Table,
  row: StoredRow,
  sent: Cells,
  version: 'kept' | 'moved',
): StoredRow => {
  const cells = layered(row.cells, sent);
  if (version === 'moved') return store(organization, table, row.id, cells);
  return table.rows.overwrite(row.id, compact(cells)) ?? row;
};

/** A background workflow of the environment touches the row that was just written. */
export const touchRow = (organization: Organization, table: Table, id: string): void => {
  const row = table.rows.get(id);
  if (row !== undefined) updateRow(organization, table, row, {}, people.system);
};

export const deleteRow = (organization: Organization, table: Table, id: string): boolean => {
  remember(organization, table, id);
  return table.rows.delete(id, nextVersion(organization));
};
