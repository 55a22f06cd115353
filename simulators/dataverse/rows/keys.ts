import { z } from 'zod';
import { readValue } from './check-value.js';
import type { Column } from '../schema/columns.js';
import { DataverseError } from '../errors.js';
import { columnOf, type Organization, type Table } from '../organization.js';
import { tableNames } from '../schema/tables.js';
import { isGuid, type Cells, type ColumnValue } from './values.js';
import type { StoredRow } from './versioned-rows.js';

/** A customer's alternate key. Only an active one addresses rows and keeps them apart. */
export const alternateKeySchema = z.strictObject({
  table: z.enum(tableNames),
  /** Logical name: `new_marketoid_key`. */
  name: z.string().regex(/^[a-z]\w*$/, 'a key name has letters, digits and _, in lower case'),
  /** Logical names of the columns. */
  columns: z.array(z.string()).min(1).max(16),
  /** `EntityKeyIndexStatus`: the index is built some time after the definition. */
  status: z.enum(['Pending', 'InProgress', 'Active', 'Failed']).default('Active'),
});

export type AlternateKey = Readonly<z.infer<typeof alternateKeySchema>>;

/** One part of an address by key: the column and the value that rows keep. */
export interface KeyPart {
  readonly column: Column;
  readonly value: ColumnValue;
}

const sameValue = (left: ColumnValue, right: ColumnValue): boolean =>
  typeof left === 'string' && typeof right === 'string'
    ? left.toLowerCase() === right.toLowerCase()
    : left === right;

/** The first row, other than `except`, whose cells have all these values. */
export const findByValues = (
  table: Table,
  wanted: Cells,
  except: string | null = null,
): StoredRow | undefined => {
  const [first] = Object.entries(wanted);
  if (first === undefined) return undefined;
  const candidates = table.rows.withValues(first[0], [String(first[1])]) ?? table.rows.inKeyOrder();
  for (const row of candidates) {
    const same = Object.entries(wanted).every(([property, value]) =>
      sameValue(row.cells[property] ?? null, value),
    );
    if (same && row.id !== except) return row;
  }
  return undefined;
};

/** Column of a key or a rule by its logical name, as the table stands now. */
export const columnByName = (table: Table, name: string): Column | undefined => {
  const column = table.columns.get(name);
  return column === undefined ? undefined : columnOf(table, column.property);
};

const keysOf = (organization: Organization, table: Table): AlternateKey[] =>
  organization.keys.filter((key) => key.table === table.shape.logicalName && key.status === 'Active');

const violated = (table: Table, key: AlternateKey, twin: StoredRow): DataverseError => {
  const columns = key.columns.map((name) => table.columns.get(name)?.displayName ?? name).join(', ');
  const record = `<DuplicateRecords><Record entity="${table.shape.logicalName}" id="${twin.id}" /></DuplicateRecords>`;
  const message = `Entity Key ${key.name} violated. A record with the same value for ${columns} already exists. A duplicate record cannot be created. Select one or more unique values and try again. ${record}`;
  return new DataverseError(412, '0x80060892', message);
};

/** Refuses cells under a key that another row has; a null in any column of the key keeps a row out of it. */
export const demandUniqueKeys = (
  organization: Organization,
  table: Table,
  id: string,
  cells: ReadonlyMap<string, ColumnValue>,
): void => {
  for (const key of keysOf(organization, table)) {
    const properties = key.columns.map((name) => table.columns.get(name)?.property ?? name);
    const wanted = Object.fromEntries(properties.map((property) => [property, cells.get(property) ?? null]));
    if (Object.values(wanted).includes(null)) continue;
    const twin = findByValues(table, wanted, id);
    if (twin !== undefined) throw violated(table, key, twin);
  }
};

const invalidKey = (table: Table): DataverseError => {
  const type = `Microsoft.Dynamics.CRM.${table.shape.logicalName}`;
  const message = `The key in the request URI is not valid for resource '${type}'. Ensure that the names and number of key properties match the declared or alternate key properties for the resource '${type}'.`;
  return new DataverseError(400, '0x80060890', message);
};

export const notFoundByKey = (table: Table): DataverseError =>
  new DataverseError(
    404,
    '0x80060891',
    `A record with the specified key values does not exist in ${table.shape.logicalName} entity`,
  );

const pairPattern = /\s*(\w+)\s*=\s*(?:'((?:[^']|'')*)'|([^,']+))\s*(?:,|$)/y;

/** `new_key='x',b=1` as name and literal text. */
const pairsOf = (table: Table, text: string): [name: string, literal: string][] => {
  const pattern = new RegExp(pairPattern);
  const pairs: [string, string][] = [];
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw invalidKey(table);
    pairs.push([match[1] ?? '', match[2]?.replace(/''/g, "'") ?? (match[3] ?? '').trim()]);
  }
  return pairs;
};

const literalValue = (table: Table, column: Column, text: string): ColumnValue => {
  if (column.navigations !== undefined) return text.toLowerCase();
  if (['String', 'Memo', 'DateTime', 'Uniqueidentifier'].includes(column.type)) {
    return readValue(table.shape, column, text);
  }
  return readValue(table.shape, column, Number.isNaN(Number(text)) ? text : Number(text));
};

/** What stands in the parentheses of `contacts(...)`: the row's id, or alternate key values. */
export interface RowAddress {
  /** Null when no row has the key values. */
  readonly id: string | null;
  /** Empty for an address by id. */
  readonly key: readonly KeyPart[];
  readonly text: string;
}

/** Reads a row address; a key that is not defined, or not active yet, is a 400. */
export const resolveAddress = (organization: Organization, table: Table, text: string): RowAddress => {
  if (isGuid(text)) return { id: text.toLowerCase(), key: [], text: text.toLowerCase() };
  const pairs = pairsOf(table, text);
  const [name, literal = ''] = pairs[0] ?? [];
  if (pairs.length === 1 && name === table.shape.key && isGuid(literal)) {
    return { id: literal.toLowerCase(), key: [], text: literal.toLowerCase() };
  }
  const key = pairs.map(([property, value]) => {
    const column = columnOf(table, property);
    if (column === undefined) throw invalidKey(table);
    return { column, value: literalValue(table, column, value) };
  });
  const named = key.map(({ column }) => column.logicalName).sort();
  const defined = keysOf(organization, table).some(
    ({ columns }) => [...columns].sort().join() === named.join(),
  );
  if (!defined) throw invalidKey(table);
  const wanted = Object.fromEntries(key.map(({ column, value }) => [column.property, value]));
  return { id: findByValues(table, wanted)?.id ?? null, key, text };
};

const refused = (message: string): DataverseError => new DataverseError(400, 'admin', message);

const demandNoTwins = (table: Table, key: AlternateKey): void => {
  const seen = new Set<string>();
  const properties = key.columns.map((name) => table.columns.get(name)?.property ?? name);
  for (const { cells } of table.rows.inKeyOrder()) {
    const values = properties.map((property) => cells[property] ?? null);
    if (values.includes(null)) continue;
    const text = JSON.stringify(values).toLowerCase();
    if (seen.has(text)) throw refused(`Rows have the same values for the key '${key.name}'.`);
    seen.add(text);
  }
};

/** Defines a key or changes its status. An index over rows that are alike fails, as the product's does. */
export const defineKey = (organization: Organization, asked: AlternateKey): AlternateKey => {
  const table = organization.tables[asked.table];
  for (const name of asked.columns) {
    if (columnByName(table, name) === undefined) {
      throw refused(`Table '${asked.table}' has no column '${name}' to make a key of.`);
    }
  }
  table.rows.addIndex(table.columns.get(asked.columns[0] ?? '')?.property ?? '');
  let key = asked;
  try {
    if (asked.status === 'Active') demandNoTwins(table, asked);
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    key = { ...asked, status: 'Failed' };
  }
  const others = organization.keys.filter(({ table: of, name }) => of !== key.table || name !== key.name);
  organization.keys = [...others, key];
  return key;
};
