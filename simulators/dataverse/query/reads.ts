import { rowNotFound } from '../errors.js';
import { expandRow, expansionContext, readExpansions } from './expand.js';
import { compareValues, compileFilter, type Sort, type Subject } from './filter.js';
import { parseFilter, type Filter } from './filter-parse.js';
import {
  emptyResponse,
  jsonResponse,
  textResponse,
  type ApiRequest,
  type ApiResponse,
} from '../http/messages.js';
import { rootUrl, type Organization, type Table } from '../organization.js';
import { isPageSize, pageSize, readCookie, writeCookie } from './paging.js';
import { demandPrivilege } from '../rights/privileges.js';
import { parsePrefer, type Query } from './query.js';
import { annotationTest, etagOf, representRow, selectedColumns } from './represent.js';
import { demandRowAccess, readableTest } from '../rights/row-access.js';
import { subjectOf } from './subjects.js';
import type { ColumnValue } from '../rows/values.js';
import type { StoredRow } from '../rows/versioned-rows.js';

/** The header that repeats which preferences were followed. */
export const appliedPreferences = (prefer: ReadonlyMap<string, string>): Record<string, string> => {
  const followed = [...prefer].filter(([name, value]) =>
    name === 'odata.maxpagesize'
      ? isPageSize(value)
      : ['odata.track-changes', 'odata.include-annotations', 'return'].includes(name),
  );
  const texts = followed.map(([name, value]) => {
    if (value === '') return name;
    return name === 'odata.include-annotations' ? `${name}="${value}"` : `${name}=${value}`;
  });
  return texts.length === 0 ? {} : { 'Preference-Applied': texts.join(',') };
};

export const contextUrl = (organization: Organization, table: Table, query: Query, suffix = ''): string => {
  const names = [...(query.select ?? []), ...expansionContext(query.expand)];
  const selected = names.length === 0 ? '' : `(${names.join(',')})`;
  return `${rootUrl(organization)}$metadata#${table.shape.entitySet}${selected}${suffix}`;
};

/** A link that continues this query: the same text with one more token. */
export const linkWith = (
  organization: Organization,
  table: Table,
  query: Query,
  name: '$skiptoken' | '$deltatoken',
  encodedToken: string,
): string => {
  const text = query.linkText === '' ? '' : `${query.linkText}&`;
  return `${rootUrl(organization)}${table.shape.entitySet}?${text}${name}=${encodedToken}`;
};

type Ordering = readonly {
  readonly sort: Sort;
  readonly descending: boolean;
  readonly read: (row: StoredRow) => ColumnValue;
}[];

const orderingOf = (subject: Subject<StoredRow>, query: Query): Ordering =>
  query.orderBy.map(({ property, descending }) => ({
    sort: subject.sort(property),
    descending,
    read: subject.read(property),
  }));

const sortKey = (ordering: Ordering, row: StoredRow): ColumnValue[] => [
  ...ordering.map(({ read }) => read(row)),
  row.id,
];

const compareKeys = (
  ordering: Ordering,
  left: readonly ColumnValue[],
  right: readonly ColumnValue[],
): number => {
  for (const [index, { sort, descending }] of ordering.entries()) {
    const order = compareValues(sort, left[index] ?? null, right[index] ?? null);
    if (order !== 0) return descending ? -order : order;
  }
  return compareValues('guid', left.at(-1) ?? null, right.at(-1) ?? null);
};

/** Rows that an index narrows the filter down to; undefined when none helps. */
const indexedRows = (table: Table, filter: Filter | null): StoredRow[] | undefined => {
  if (filter?.kind === 'and') return indexedRows(table, filter.left) ?? indexedRows(table, filter.right);
  if (filter?.kind === 'in') return table.rows.withValues(filter.property, filter.values);
  if (filter?.kind !== 'compare' || filter.operator !== 'eq') return undefined;
  const { property, value } = filter;
  return typeof value === 'string' ? table.rows.withValues(property, [value]) : undefined;
};

/** At most `limit` matching rows after the given sort key, of all or among some; without an order, in key order. */
export const selectRows = (
  organization: Organization,
  table: Table,
  query: Query,
  after: readonly ColumnValue[] | null,
  limit: number,
  among?: readonly StoredRow[],
): StoredRow[] => {
  const subject = subjectOf(organization, table);
  const filter = query.filter === null ? null : parseFilter(query.filter, query.aliases);
  const readable = readableTest(organization, table);
  const matches = filter === null ? () => true : compileFilter(filter, subject);
  const test = (row: StoredRow): boolean => readable(row) && matches(row);
  const ordering = orderingOf(subject, query);
  const found = among ?? indexedRows(table, filter);
  const rows: StoredRow[] = [];
  if (ordering.length === 0) {
    const lastId = typeof after?.at(-1) === 'string' ? String(after.at(-1)) : null;
    for (const row of found ?? table.rows.inKeyOrder(lastId)) {
      if ((lastId === null || row.id > lastId) && test(row) && rows.push(row) === limit) break;
    }
    return rows;
  }
  for (const row of found ?? table.rows.inKeyOrder()) {
    if (!test(row)) continue;
    if (after === null || compareKeys(ordering, sortKey(ordering, row), after) > 0) rows.push(row);
  }
  const keyed = rows.map((row) => ({ row, key: sortKey(ordering, row) }));
  keyed.sort((a, b) => compareKeys(ordering, a.key, b.key));
  return keyed.slice(0, limit).map(({ row }) => row);
};

const countFields = (
  organization: Organization,
  table: Table,
  query: Query,
  wants: (name: string) => boolean,
): Record<string, unknown> => {
  if (!query.count) return {};
  const total = selectRows(organization, table, { ...query, orderBy: [] }, null, 5001).length;
  const annotations = {
    '@Microsoft.Dynamics.CRM.totalrecordcount': Math.min(total, 5000),
    '@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded': total > 5000,
  };
  return {
    '@odata.count': Math.min(total, 5000),
    ...Object.fromEntries(Object.entries(annotations).filter(([name]) => wants(name.slice(1)))),
  };
};

/** Tells caches of metadata when they are out of date; part of `odata.include-annotations="*"`. */
const versionField = (
  { metadataVersion }: Organization,
  wants: (name: string) => boolean,
): Record<string, string> => {
  const name = 'Microsoft.Dynamics.CRM.globalmetadataversion';
  return wants(name) ? { [`@${name}`]: String(metadataVersion) } : {};
};

const nextLink = (
  organization: Organization,
  table: Table,
  query: Query,
  last: StoredRow,
  page: number,
): string => {
  const after = sortKey(orderingOf(subjectOf(organization, table), query), last);
  return linkWith(organization, table, query, '$skiptoken', writeCookie({ kind: 'rows', page, after }));
};

/** `GET leads?...` without change tracking. */
export const readCollection = (
  organization: Organization,
  table: Table,
  query: Query,
  request: ApiRequest,
): ApiResponse => {
  demandPrivilege(organization.privileges, table.shape, 'Read');
  const expansions = readExpansions(organization, table, query.expand);
  const columns = selectedColumns(table, query.select);
  const prefer = parsePrefer(request.headers['prefer']);
  const position = query.skipToken === null ? null : readCookie(query.skipToken);
  const after = position?.kind === 'rows' ? position.after : null;
  const size = query.top ?? pageSize(prefer.get('odata.maxpagesize'));
  const rows = selectRows(organization, table, query, after, size + 1);
  const wants = annotationTest(prefer.get('odata.include-annotations'));
  const page = rows.slice(0, size);
  const last = page.at(-1);
  const more = query.top === null && rows.length > size && last !== undefined;
  const body = {
    '@odata.context': contextUrl(organization, table, query),
    ...countFields(organization, table, query, wants),
    ...versionField(organization, wants),
    value: page.map((row) => ({
      ...representRow(organization, columns, row, wants),
      ...expandRow(expansions, row, wants),
    })),
    ...(more
      ? { '@odata.nextLink': nextLink(organization, table, query, last, (position?.page ?? 1) + 1) }
      : {}),
  };
  return jsonResponse(200, body, appliedPreferences(prefer));
};

/** `GET leads/$count`, as bare text, capped like the product does. */
export const countRows = (organization: Organization, table: Table, query: Query): ApiResponse => {
  demandPrivilege(organization.privileges, table.shape, 'Read');
  return textResponse(String(selectRows(organization, table, { ...query, orderBy: [] }, null, 5000).length));
};

/** `GET leads(id)`, 304 when the etag of `If-None-Match` still holds. */
export const readRow = (
  organization: Organization,
  table: Table,
  id: string,
  query: Query,
  request: ApiRequest,
): ApiResponse => {
  demandPrivilege(organization.privileges, table.shape, 'Read');
  const columns = selectedColumns(table, query.select);
  const row = table.rows.get(id);
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  demandRowAccess(organization, table, row, 'Read');
  const etag = etagOf(row);
  const prefer = parsePrefer(request.headers['prefer']);
  const plain = query.expand.length === 0 && !prefer.has('odata.include-annotations');
  if (plain && request.headers['if-none-match'] === etag) return emptyResponse(304, { ETag: etag });
  const expansions = readExpansions(organization, table, query.expand);
  const wants = annotationTest(prefer.get('odata.include-annotations'));
  const body = {
    '@odata.context': contextUrl(organization, table, query, '/$entity'),
    ...representRow(organization, columns, row, wants),
    ...expandRow(expansions, row, wants),
  };
  return jsonResponse(200, body, { ETag: etag, ...appliedPreferences(prefer) });
};
