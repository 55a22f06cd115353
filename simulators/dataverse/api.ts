import { countChanges, isTracked, readTracked } from './change-tracking.js';
import { isMetadata, readMetadata } from './definitions-route.js';
import { asCaller } from './caller.js';
import { isDirectory, readDirectory, whoAmI } from './directory.js';
import { metadataView } from './metadata-cache.js';
import { badQuery, DataverseError, errorBody, resourceNotFound } from './errors.js';
import { jsonResponse, type ApiRequest, type ApiResponse } from './messages.js';
import { apiRoot, tableNamed, type Organization, type Table } from './organization.js';
import { parsePrefer, parseQuery, type Query } from './query.js';
import { countRows, readCollection, readRow } from './reads.js';
import { isGuid } from './values.js';
import { deleteOne, patchRow, postRow, type Attempt } from './writes.js';

/** What a request needs to know beside itself. */
export interface Session {
  readonly organization: Organization;
  readonly clientId: string;
  /** Number of the batch that carries the request. */
  readonly batch?: number;
}

interface Target {
  readonly path: string;
  readonly query: Query;
}

const writeMethods = ['POST', 'PATCH', 'PUT', 'DELETE'];

export const isWrite = (method: string): boolean => writeMethods.includes(method);

/** Path below the API root and the query; the address may be absolute or a full URL of this environment. */
const targetOf = (organization: Organization, url: string): Target => {
  const local = url.startsWith(organization.origin) ? url.slice(organization.origin.length) : url;
  const mark = local.indexOf('?');
  const rawPath = mark < 0 ? local : local.slice(0, mark);
  if (!rawPath.startsWith(apiRoot)) throw resourceNotFound(rawPath);
  let path: string;
  try {
    path = decodeURIComponent(rawPath.slice(apiRoot.length));
  } catch {
    throw badQuery('The request URI is not valid.');
  }
  return { path, query: parseQuery(mark < 0 ? '' : local.slice(mark + 1)) };
};

const methodNotAllowed = (method: string, path: string): DataverseError =>
  new DataverseError(
    405,
    '0x8006088a',
    `The requested resource '${path}' does not support http method '${method}'.`,
  );

/** The key of `leads(...)`: a GUID. Alternate keys are not defined in this environment. */
const keyOf = (table: Table, text: string): string => {
  if (isGuid(text)) return text.toLowerCase();
  const type = `Microsoft.Dynamics.CRM.${table.shape.logicalName}`;
  const message = `The key in the request URI is not valid for resource '${type}'. Ensure that the names and number of key properties match the declared or alternate key properties for the resource '${type}'.`;
  throw new DataverseError(400, '0x80060890', message);
};

/** Runs a write and tells the journal how it ended, also when it is refused. */
const journalled = (
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

const collectionRoute = (session: Session, table: Table, query: Query, request: ApiRequest): ApiResponse => {
  const { organization } = session;
  if (request.method === 'GET') {
    return isTracked(query, parsePrefer(request.headers['prefer']))
      ? readTracked(organization, table, query, request)
      : readCollection(organization, table, query, request);
  }
  if (request.method !== 'POST') throw methodNotAllowed(request.method, table.shape.entitySet);
  return journalled(session, table, { id: null, kind: 'create', columns: [] }, (attempt) =>
    postRow(organization, table, query, request, attempt),
  );
};

const rowRoute = (
  session: Session,
  table: Table,
  id: string,
  query: Query,
  request: ApiRequest,
): ApiResponse => {
  const { organization } = session;
  switch (request.method) {
    case 'GET':
      return readRow(organization, table, id, query, request);
    case 'PATCH':
      return journalled(session, table, { id, kind: 'update', columns: [] }, (attempt) =>
        patchRow(organization, table, id, query, request, attempt),
      );
    case 'DELETE':
      return journalled(session, table, { id, kind: 'delete', columns: [] }, () =>
        deleteOne(organization, table, id, request),
      );
    default:
      throw methodNotAllowed(request.method, table.shape.entitySet);
  }
};

const tableRoute = (session: Session, target: Target, request: ApiRequest): ApiResponse | undefined => {
  const match = /^(\w+)(?:\((.*)\))?(\/\$count)?$/s.exec(target.path);
  const [, set = '', key, count] = match ?? [];
  const table = tableNamed(session.organization, set);
  if (match === null || table?.shape.entitySet !== set) return undefined;
  if (key !== undefined && count === undefined) {
    return rowRoute(session, table, keyOf(table, key), target.query, request);
  }
  if (key !== undefined) return undefined;
  if (count === undefined) return collectionRoute(session, table, target.query, request);
  const read = target.query.deltaToken === null ? countRows : countChanges;
  return read(session.organization, table, target.query);
};

const directoryRoute = (
  organization: Organization,
  clientId: string,
  { path, query }: Target,
): ApiResponse | undefined => {
  const [, set = '', id, call] = /^(\w+)(?:\(([\w-]+)\))?(?:\/(.+))?$/s.exec(path) ?? [];
  if (!isDirectory(set)) return undefined;
  return readDirectory(organization, set, id?.toLowerCase() ?? null, call, query, clientId);
};

const route = (session: Session, request: ApiRequest): ApiResponse => {
  const { organization } = session;
  const target = targetOf(organization, request.url);
  const { path, query } = target;
  const table = tableRoute(session, target, request);
  if (table !== undefined) return table;
  if (request.method === 'GET') {
    if (path === 'WhoAmI' || path === 'WhoAmI()') return whoAmI(organization);
    const seen = metadataView(organization, request.headers['consistency']);
    if (isMetadata(path)) return readMetadata(seen, path, query, request);
    const directory = directoryRoute(seen, session.clientId, target);
    if (directory !== undefined) return directory;
  }
  throw resourceNotFound(path);
};

/** A refusal as an answer. */
export const refusalResponse = (error: DataverseError, prefer?: string): ApiResponse => {
  const annotated = parsePrefer(prefer).get('odata.include-annotations') === '*';
  return { ...jsonResponse(error.status, errorBody(error, annotated), error.headers), code: error.code };
};

/** Carries out one request; refusals are answers, only defects are thrown. */
export const answer = (session: Session, request: ApiRequest): ApiResponse => {
  try {
    return asCaller(session.organization, request.headers, () => route(session, request));
  } catch (error) {
    if (error instanceof DataverseError) return refusalResponse(error, request.headers['prefer']);
    throw error;
  }
};
