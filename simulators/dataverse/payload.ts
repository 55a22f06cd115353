import { readValue } from './check-value.js';
import type { Column } from './columns.js';
import { DataverseError, payloadError, rowNotFound } from './errors.js';
import { columnOf, tableNamed, type Organization, type Table } from './organization.js';
import { everyUser } from './people.js';
import { isGuid, type ColumnValue } from './values.js';

/** One column of a payload, its value in the form that rows keep. */
export interface Sent {
  readonly column: Column;
  readonly value: ColumnValue;
  /** For lookups: the table that the value points at. */
  readonly target?: string;
}

const entitySets: Readonly<Record<string, string>> = {
  accounts: 'account',
  campaigns: 'campaign',
  contacts: 'contact',
  leads: 'lead',
  opportunities: 'opportunity',
  systemusers: 'systemuser',
  teams: 'team',
  transactioncurrencies: 'transactioncurrency',
};

const parseObject = (table: Table, body: string): Record<string, unknown> => {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
  } catch {
    // Falls through to the refusal of a body that is no JSON object.
  }
  throw payloadError(table.shape.entitySet, 'Invalid JSON. A value was not recognized as a JSON object.');
};

const navigationOf = (table: Table, name: string): Column | undefined =>
  [...table.columns.values()].find(
    ({ navigations, removed }) => !removed && navigations !== undefined && Object.hasOwn(navigations, name),
  );

const undeclared = (table: Table, name: string): DataverseError =>
  payloadError(
    table.shape.entitySet,
    `An undeclared property '${name}' which only has property annotations in the payload but no property value was found in the payload.`,
  );

/** Rows that the environment knows must exist; accounts and the like are outside of the simulation. */
const demandTarget = (organization: Organization, target: string, id: string): void => {
  const rows = tableNamed(organization, target)?.rows;
  const exists =
    rows === undefined
      ? target !== 'systemuser' || everyUser.some((user) => user.id === id)
      : rows.get(id) !== undefined;
  if (!exists) throw rowNotFound(target, id);
};

const readBind = (organization: Organization, table: Table, name: string, raw: unknown): Sent => {
  const column = navigationOf(table, name);
  if (column === undefined) throw undeclared(table, name);
  if (raw === null) return { column, value: null };
  const match = typeof raw === 'string' ? /(?:^|\/)(\w+)\(([^)]+)\)$/.exec(raw) : null;
  const [target, id] = [entitySets[match?.[1] ?? ''], match?.[2]?.toLowerCase() ?? ''];
  if (target === undefined || !isGuid(id) || !(column.navigations?.[name] ?? []).includes(target)) {
    throw payloadError(
      table.shape.entitySet,
      `Invalid reference ${JSON.stringify(raw)} for '${name}@odata.bind'.`,
    );
  }
  demandTarget(organization, target, id);
  return { column, value: id, target };
};

const readProperty = (table: Table, name: string, raw: unknown): Sent => {
  const navigation = navigationOf(table, name);
  if (navigation !== undefined && raw === null) return { column: navigation, value: null };
  const column = columnOf(table, name);
  if (column === undefined) {
    const type = `Microsoft.Dynamics.CRM.${table.shape.logicalName}`;
    throw new DataverseError(400, '0x80060888', `Invalid property '${name}' was found in entity '${type}'.`);
  }
  if (column.navigations !== undefined) {
    const message =
      'CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.';
    throw new DataverseError(400, '0x80060888', message);
  }
  return { column, value: readValue(table.shape, column, raw) };
};

/** Reads the JSON body of a create or update; annotations other than `@odata.bind` are passed over. */
export const readPayload = (organization: Organization, table: Table, body: string): Sent[] =>
  Object.entries(parseObject(table, body)).flatMap(([key, raw]) => {
    const at = key.indexOf('@');
    if (at < 0) return [readProperty(table, key, raw)];
    if (key.slice(at) !== '@odata.bind') return [];
    return [readBind(organization, table, key.slice(0, at), raw)];
  });
