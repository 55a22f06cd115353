import { badQuery, unknownProperty } from '../errors.js';
import { rowsPointingAt, type IncomingLookup } from '../rows/links.js';
import type { Column } from '../schema/columns.js';
import { tableNamed, type Organization, type Table } from '../organization.js';
import { navigationOf } from '../rows/payload.js';
import { everyUser } from '../rights/people.js';
import { demandPrivilege } from '../rights/privileges.js';
import { parseQuery, splitTopLevel, type Query } from './query.js';
import { selectRows } from './reads.js';
import { collectionsOf } from '../schema/relationships.js';
import { representRow, selectedColumns } from './represent.js';
import { readableTest } from '../rights/row-access.js';
import type { StoredRow } from '../rows/versioned-rows.js';

type Wants = (name: string) => boolean;

/** One navigation property that an answer brings along, ready to be read for each row. */
export interface Expansion {
  readonly name: string;
  readonly read: (row: StoredRow, wants: Wants) => unknown;
}

const termPattern = /^(\w+)(?:\((.*)\))?$/s;

/** `name($select=a;$top=3)`: options inside the parentheses are separated by semicolons. */
const readTerm = (term: string): { name: string; query: Query } => {
  const match = termPattern.exec(term);
  if (match === null) throw badQuery(`Syntax error in '$expand' at '${term}'.`);
  const options = (match[2] ?? '')
    .split(/;(?=\s*\$)/)
    .map((one) => one.trim())
    .map((one) => one.replace(/=(.*)$/s, (_, value: string) => `=${encodeURIComponent(value)}`));
  const query = parseQuery(options.join('&'));
  if (query.expand.length > 0) throw badQuery('Only one level of $expand is supported on this request.');
  return { name: match[1] ?? '', query };
};

/** Names in a context address: `parentcustomerid_account(name)`. */
export const expansionContext = (terms: readonly string[]): string[] =>
  terms.map((term) => {
    const [name = ''] = /^\w+/.exec(term) ?? [];
    const select = /\$select=([^;)]*)/.exec(term)?.[1] ?? '';
    return `${name}(${splitTopLevel(select).join(',')})`;
  });

const userEntity = (id: string, query: Query): Record<string, unknown> | null => {
  const user = everyUser.find((one) => one.id === id);
  if (user === undefined) return null;
  const columns: Record<string, unknown> = {
    fullname: user.fullName,
    internalemailaddress: user.email,
    domainname: user.email,
    azureactivedirectoryobjectid: user.objectId,
    isdisabled: false,
  };
  const unknown = query.select?.find((name) => !Object.hasOwn(columns, name) && !name.endsWith('id'));
  if (unknown !== undefined) throw unknownProperty(unknown, 'systemuser');
  const kept = Object.entries(columns).filter(([name]) => query.select?.includes(name) ?? true);
  return {
    '@odata.type': '#Microsoft.Dynamics.CRM.systemuser',
    ...Object.fromEntries(kept),
    systemuserid: id,
    ownerid: id,
  };
};

const singleValued = (
  organization: Organization,
  column: Column,
  name: string,
  query: Query,
): Expansion['read'] => {
  const [target = ''] = column.navigations?.[name] ?? [];
  const table = tableNamed(organization, target);
  if (table === undefined) {
    return (row) => userEntity(String(row.cells[column.property] ?? ''), query);
  }
  demandPrivilege(organization.privileges, table.shape, 'Read');
  if (query.filter !== null || query.top !== null || query.orderBy.length > 0) {
    throw badQuery(`Only $select may be used in the $expand of the single-valued property '${name}'.`);
  }
  const columns = selectedColumns(table, query.select);
  const readable = readableTest(organization, table);
  return (row, wants) => {
    const other = table.rows.get(String(row.cells[column.property] ?? ''));
    return other === undefined || !readable(other) ? null : representRow(organization, columns, other, wants);
  };
};

const collectionValued = (
  organization: Organization,
  lookup: IncomingLookup,
  query: Query,
): Expansion['read'] => {
  const { table } = lookup;
  demandPrivilege(organization.privileges, table.shape, 'Read');
  const columns = selectedColumns(table, query.select);
  const limit = query.top ?? 5000;
  return (row, wants) => {
    const children = rowsPointingAt(lookup, row.id);
    const found = selectRows(organization, table, query, null, limit, children);
    return found.map((child) => representRow(organization, columns, child, wants));
  };
};

const readExpansion = (organization: Organization, table: Table, term: string): Expansion => {
  const { name, query } = readTerm(term);
  const column = navigationOf(table, name);
  if (column !== undefined) return { name, read: singleValued(organization, column, name, query) };
  const lookup = collectionsOf(organization, table).get(name);
  if (lookup === undefined) throw unknownProperty(name, table.shape.logicalName);
  return { name, read: collectionValued(organization, lookup, query) };
};

/** Reads `$expand`: one level, parents with `$select`, children with `$filter`, `$orderby` and `$top` too. */
export const readExpansions = (
  organization: Organization,
  table: Table,
  terms: readonly string[],
): Expansion[] => terms.map((term) => readExpansion(organization, table, term));

/** The related rows of one row, by navigation property. */
export const expandRow = (
  expansions: readonly Expansion[],
  row: StoredRow,
  wants: Wants,
): Record<string, unknown> =>
  Object.fromEntries(expansions.map(({ name, read }) => [name, read(row, wants)]));
