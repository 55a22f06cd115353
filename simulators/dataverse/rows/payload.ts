import { readValue } from './check-value.js';
import type { Column } from '../schema/columns.js';
import { DataverseError, payloadError, rowNotFound } from '../errors.js';
import { notFoundByKey, resolveAddress } from './keys.js';
import { columnOf, tableNamed, type Organization, type Table } from '../organization.js';
import { everyUser, integrationTeam } from '../rights/people.js';
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

/** The body as a JSON object; anything else is a payload error. */
export const parseObject = (table: Table, body: string): Record<string, unknown> => {
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

/** The lookup that a navigation property name, in its exact case, sets. */
export const navigationOf = (table: Table, name: string): Column | undefined =>
  [...table.columns.values()].find(
    ({ navigations, removed }) => !removed && navigations !== undefined && Object.hasOwn(navigations, name),
  );

const undeclared = (table: Table, name: string): DataverseError =>
  payloadError(
    table.shape.entitySet,
    `An undeclared property '${name}' which only has property annotations in the payload but no property value was found in the payload.`,
  );

const OWNERS: Readonly<Record<string, readonly { readonly id: string }[]>> = {
  systemuser: everyUser,
  team: [integrationTeam],
};

/** Id of the row that a reference names. Rows of tables that the environment holds must exist. */
const targetId = (organization: Organization, target: string, key: string): string | undefined => {
  const table = tableNamed(organization, target);
  if (table === undefined) {
    const id = key.toLowerCase();
    if (!isGuid(id)) return undefined;
    if (OWNERS[target]?.some((owner) => owner.id === id) === false) throw rowNotFound(target, id);
    return id;
  }
  const address = resolveAddress(organization, table, key);
  if (address.id === null) throw notFoundByKey(table);
  if (table.rows.get(address.id) === undefined) throw rowNotFound(target, address.id);
  return address.id;
};

const referencePattern = /(?:^|\/)(\w+)\(([^()]+|.*'.*')\)$/s;

/** What `/accounts(id)` or a full URL names: the table and the row's id; undefined when it is no reference. */
export const readReference = (
  organization: Organization,
  raw: unknown,
): { target: string; id: string } | undefined => {
  const match = typeof raw === 'string' ? referencePattern.exec(raw) : null;
  const target = entitySets[match?.[1] ?? ''];
  if (target === undefined) return undefined;
  const id = targetId(organization, target, match?.[2] ?? '');
  return id === undefined ? undefined : { target, id };
};

/** Value of `x@odata.bind`, or of a `$ref`, for a navigation property. */
export const readBind = (organization: Organization, table: Table, name: string, raw: unknown): Sent => {
  const column = navigationOf(table, name);
  if (column === undefined) throw undeclared(table, name);
  if (raw === null) return { column, value: null };
  const found = readReference(organization, raw);
  if (found === undefined || !(column.navigations?.[name] ?? []).includes(found.target)) {
    throw payloadError(
      table.shape.entitySet,
      `Invalid reference ${JSON.stringify(raw)} for '${name}@odata.bind'.`,
    );
  }
  return { column, value: found.id, target: found.target };
};

/** One plain property, or a navigation property that is set to null. */
export const readProperty = (table: Table, name: string, raw: unknown): Sent => {
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
  readObject(organization, table, parseObject(table, body));

/** The same for an object that is part of a larger body. */
export const readObject = (
  organization: Organization,
  table: Table,
  values: Readonly<Record<string, unknown>>,
): Sent[] =>
  Object.entries(values).flatMap(([key, raw]) => {
    const at = key.indexOf('@');
    if (at < 0) return [readProperty(table, key, raw)];
    if (key.slice(at) !== '@odata.bind') return [];
    return [readBind(organization, table, key.slice(0, at), raw)];
  });
