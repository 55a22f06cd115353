import { DataverseError, payloadError, resourceNotFound, rowNotFound } from '../errors.js';
import { resolveAddress } from './keys.js';
import type { IncomingLookup } from './links.js';
import { emptyResponse, type ApiResponse } from '../http/messages.js';
import { tableNamed, type Table } from '../organization.js';
import { navigationOf, parseObject, readBind, readReference, type Sent } from './payload.js';
import { demandPrivilege } from '../rights/privileges.js';
import type { Query } from '../query/query.js';
import { countRows, readCollection, readRow } from '../query/reads.js';
import { collectionsOf } from '../schema/relationships.js';
import { journalled, type RowRequest } from '../http/row-routes.js';
import type { StoredRow } from './versioned-rows.js';
import { afterWrite, update } from './writes.js';

const rowOf = (table: Table, id: string): StoredRow => {
  const row = table.rows.get(id);
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  return row;
};

/** Writes one lookup of one row, as an update that the journal tells. */
const writeLookup = (asked: RowRequest, table: Table, id: string, sent: Sent): ApiResponse => {
  const { organization } = asked.session;
  const columns = [sent.column.logicalName];
  return journalled(asked.session, table, { id, kind: 'update', columns }, () => {
    demandPrivilege(organization.privileges, table.shape, 'Write');
    update(organization, table, rowOf(table, id), [sent]);
    afterWrite(organization, table, id, 'update', columns);
    return emptyResponse(204);
  });
};

/** `@odata.id` of the body, or `?$id=` of a DELETE. */
const referenceOf = ({ table, request }: RowRequest): unknown =>
  parseObject(table, request.body)['@odata.id'];

const navigationOfLookup = (owner: Table, { column }: IncomingLookup): string => {
  const found = Object.entries(column.navigations ?? {}).find(([, targets]) =>
    targets.includes(owner.shape.logicalName),
  );
  return found?.[0] ?? '';
};

const addToCollection = (asked: RowRequest, id: string, lookup: IncomingLookup): ApiResponse => {
  const { session, table } = asked;
  rowOf(table, id);
  const child = readReference(session.organization, referenceOf(asked));
  if (child?.target !== lookup.table.shape.logicalName) {
    const reason = `A reference to a row of '${lookup.table.shape.entitySet}' was expected in '@odata.id'.`;
    throw payloadError(table.shape.entitySet, reason);
  }
  const navigation = navigationOfLookup(table, lookup);
  const sent = readBind(session.organization, lookup.table, navigation, `/${table.shape.entitySet}(${id})`);
  return writeLookup(asked, lookup.table, child.id, sent);
};

/** `PUT` and `DELETE` of `contacts(id)/parent/$ref`; `POST` of `accounts(id)/children/$ref`. */
export const changeReference = (asked: RowRequest, id: string, navigation: string): ApiResponse => {
  const { session, table, request } = asked;
  const { organization } = session;
  const column = navigationOf(table, navigation);
  if (column !== undefined && request.method === 'PUT') {
    return writeLookup(asked, table, id, readBind(organization, table, navigation, referenceOf(asked)));
  }
  if (column !== undefined && request.method === 'DELETE') {
    return writeLookup(asked, table, id, { column, value: null });
  }
  const lookup = collectionsOf(organization, table).get(navigation);
  if (lookup !== undefined && request.method === 'POST') return addToCollection(asked, id, lookup);
  if (column === undefined && lookup === undefined) throw resourceNotFound(navigation);
  const use = column === undefined ? 'POST, or DELETE with the key of the child' : 'PUT or DELETE';
  const message = `'${navigation}/$ref' does not support http method '${request.method}': use ${use}.`;
  throw new DataverseError(405, '0x8006088a', message);
};

/** `DELETE accounts(id)/children(childId)/$ref`: the child no longer points here. */
export const removeFromCollection = (
  asked: RowRequest,
  id: string,
  navigation: string,
  key: string,
): ApiResponse => {
  const lookup = collectionsOf(asked.session.organization, asked.table).get(navigation);
  if (lookup === undefined) throw resourceNotFound(navigation);
  rowOf(asked.table, id);
  const child = resolveAddress(asked.session.organization, lookup.table, key).id ?? key;
  const row = rowOf(lookup.table, child);
  if (row.cells[lookup.column.property] !== id) throw rowNotFound(lookup.table.shape.logicalName, child);
  return writeLookup(asked, lookup.table, child, { column: lookup.column, value: null });
};

/** The query of a collection, narrowed to the children of one row; links that it gives go on with that filter. */
const narrowed = (query: Query, property: string, id: string): Query => {
  const filter = query.filter === null ? '' : ` and (${query.filter})`;
  const whole = `${property} eq ${id}${filter}`;
  const others = query.linkText.split('&').filter((pair) => pair !== '' && !/^(\$|%24)filter=/i.test(pair));
  return { ...query, filter: whole, linkText: [...others, `$filter=${encodeURIComponent(whole)}`].join('&') };
};

/** `GET contacts(id)/parent` and `accounts(id)/children`; undefined when the name is no navigation property. */
export const readRelated = (
  asked: RowRequest,
  id: string,
  navigation: string,
  last: string | undefined,
): ApiResponse | undefined => {
  const { session, table, query, request } = asked;
  const { organization } = session;
  const column = navigationOf(table, navigation);
  const [target = ''] = column?.navigations?.[navigation] ?? [];
  const parents = tableNamed(organization, target);
  if (column !== undefined && parents !== undefined && last === undefined) {
    const other = rowOf(table, id).cells[column.property];
    const found = typeof other === 'string' && parents.rows.get(other) !== undefined;
    return found ? readRow(organization, parents, other, query, request) : emptyResponse(204);
  }
  const lookup = collectionsOf(organization, table).get(navigation);
  if (lookup === undefined || (last !== undefined && last !== '$count')) return undefined;
  rowOf(table, id);
  const children = narrowed(query, lookup.column.property, id);
  return last === '$count'
    ? countRows(organization, lookup.table, children)
    : readCollection(organization, lookup.table, children, request);
};
