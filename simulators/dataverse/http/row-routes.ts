import type { Session } from './api.js';
import { changeReference, readRelated, removeFromCollection } from '../rows/associations.js';
import { runBulkMessage } from '../actions/bulk-messages.js';
import { countChanges, isTracked, readTracked } from '../rows/change-tracking.js';
import { DataverseError, resourceNotFound } from '../errors.js';
import { notFoundByKey, resolveAddress, type RowAddress } from '../rows/keys.js';
import type { ApiRequest, ApiResponse } from './messages.js';
import { tableNamed, type Table } from '../organization.js';
import { changeProperty, readProperty } from '../query/properties.js';
import { qualifyByApi } from '../actions/qualify-route.js';
import { parsePrefer, type Query } from '../query/query.js';
import { countRows, readCollection, readRow } from '../query/reads.js';
import { segmentsOf, type Segment } from './segments.js';
import { newGuid } from '../rows/values.js';
import { condition, deleteOne, patchRow, postRow, type Attempt } from '../rows/writes.js';

/** A request below a table, taken apart. */
export interface RowRequest {
  readonly session: Session;
  readonly table: Table;
  readonly query: Query;
  readonly request: ApiRequest;
}

const methodNotAllowed = ({ request, table }: RowRequest): DataverseError =>
  new DataverseError(
    405,
    '0x8006088a',
    `The requested resource '${table.shape.entitySet}' does not support http method '${request.method}'.`,
  );

/** Runs a write and tells the journal how it ended, also when it is refused. */
export const journalled = (
  session: Session,
  table: Table,
  attempt: Attempt,
  run: (attempt: Attempt) => ApiResponse,
): ApiResponse => {
  const tell = (status: number, code: string | null): void => {
    session.organization.journal.write({
      table: table.shape.logicalName,
      ...attempt,
      by: 'sync',
      status,
      code,
      ...(session.batch === undefined ? {} : { batch: session.batch }),
    });
  };
  try {
    const response = run(attempt);
    tell(response.status, null);
    return response;
  } catch (error) {
    if (error instanceof DataverseError) tell(error.status, error.code);
    throw error;
  }
};

const collectionRoute = (asked: RowRequest): ApiResponse => {
  const { session, table, query, request } = asked;
  const { organization } = session;
  if (request.method === 'GET') {
    return isTracked(query, parsePrefer(request.headers['prefer']))
      ? readTracked(organization, table, query, request)
      : readCollection(organization, table, query, request);
  }
  if (request.method !== 'POST') throw methodNotAllowed(asked);
  return journalled(session, table, { id: null, kind: 'create', columns: [] }, (attempt) =>
    postRow(organization, table, query, request, attempt),
  );
};

/** The id of a row that must be there. */
const existing = (table: Table, { id }: RowAddress): string => {
  if (id === null) throw notFoundByKey(table);
  return id;
};

/** Without a row of that key, a write that does not demand one makes it under an id of the server's. */
const idToWrite = (table: Table, address: RowAddress, request: ApiRequest): string => {
  const mayCreate = request.method === 'PATCH' && condition(request, 'if-match') === null;
  return mayCreate ? (address.id ?? newGuid()) : existing(table, address);
};

const rowRoute = (asked: RowRequest, address: RowAddress): ApiResponse => {
  const { session, table, query, request } = asked;
  const { organization } = session;
  const id = idToWrite(table, address, request);
  switch (request.method) {
    case 'GET':
      return readRow(organization, table, id, query, request);
    case 'PATCH':
      return journalled(session, table, { id, kind: 'update', columns: [] }, (attempt) =>
        patchRow(organization, table, id, query, request, attempt, address),
      );
    case 'DELETE':
      return journalled(session, table, { id, kind: 'delete', columns: [] }, () =>
        deleteOne(organization, table, id, request),
      );
    default:
      throw methodNotAllowed(asked);
  }
};

/** What follows a row's address: an action, a navigation property, or one of its columns. */
const belowRow = (
  asked: RowRequest,
  id: string,
  segment: Segment,
  last: Segment | undefined,
): ApiResponse => {
  const { session, table, query, request } = asked;
  const { name, key } = segment;
  if (name.startsWith('Microsoft.Dynamics.CRM.') && last === undefined && request.method === 'POST') {
    return boundAction(asked, id, name.slice('Microsoft.Dynamics.CRM.'.length));
  }
  if (last?.name === '$ref' && key !== undefined && request.method === 'DELETE') {
    return removeFromCollection(asked, id, name, key);
  }
  if (key !== undefined) throw resourceNotFound(name);
  if (last?.name === '$ref') return changeReference(asked, id, name);
  const related = request.method === 'GET' ? readRelated(asked, id, name, last?.name) : undefined;
  if (related !== undefined) return related;
  if (request.method === 'GET' && (last === undefined || last.name === '$value')) {
    return readProperty(session.organization, table, id, name, last !== undefined);
  }
  if (last !== undefined) throw resourceNotFound(last.name);
  if (request.method !== 'PUT' && request.method !== 'DELETE') throw methodNotAllowed(asked);
  return journalled(session, table, { id, kind: 'update', columns: [name] }, () =>
    changeProperty(session.organization, table, id, name, request, query),
  );
};

const boundAction = (asked: RowRequest, id: string, action: string): ApiResponse => {
  if (action === 'QualifyLead' && asked.table.shape.logicalName === 'lead') return qualifyByApi(asked, id);
  throw resourceNotFound(`Microsoft.Dynamics.CRM.${action}`);
};

/** Everything under `leads`, `contacts`, ...; undefined when the path is not that of a table. */
export const tableRoute = (
  session: Session,
  path: string,
  query: Query,
  request: ApiRequest,
): ApiResponse | undefined => {
  const [first, second, third, ...rest] = segmentsOf(path);
  const table = tableNamed(session.organization, first?.name ?? '');
  if (first === undefined || table?.shape.entitySet !== first.name || rest.length > 0) return undefined;
  const asked: RowRequest = { session, table, query, request };
  if (first.key !== undefined) {
    const address = resolveAddress(session.organization, table, first.key);
    if (second === undefined) return rowRoute(asked, address);
    return belowRow(asked, existing(table, address), second, third);
  }
  if (second === undefined) return collectionRoute(asked);
  if (third !== undefined || second.key !== undefined) return undefined;
  if (second.name === '$count') {
    const read = query.deltaToken === null ? countRows : countChanges;
    return read(session.organization, table, query);
  }
  return request.method === 'POST' ? runBulkMessage(asked, second.name) : undefined;
};
