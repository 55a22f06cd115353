import { readDefinitions } from './definitions-route.js';
import { attributePrivileges, isDirectory, readDirectory, userPrivileges, whoAmI } from './directory.js';
import { environmentRoute } from './environment-routes.js';
import { badQuery, DataverseError, errorBody, resourceNotFound } from './errors.js';
import { jsonResponse, type ApiRequest, type ApiResponse } from './messages.js';
import { apiRoot, type Organization } from './organization.js';
import { parsePrefer, parseQuery, type Query } from './query.js';
import { tableRoute } from './row-routes.js';

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

const directoryRoute = (session: Session, { path, query }: Target): ApiResponse | undefined => {
  const { organization, clientId } = session;
  const [, set = '', id, call] = /^(\w+)(?:\(([\w-]+)\))?(?:\/(.+))?$/.exec(path) ?? [];
  if (!isDirectory(set)) return undefined;
  if (call === undefined) return readDirectory(organization, set, id?.toLowerCase() ?? null, query, clientId);
  if (set !== 'systemusers' || id === undefined) return undefined;
  if (call === 'Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges()') {
    return attributePrivileges(organization, id.toLowerCase());
  }
  if (call === 'Microsoft.Dynamics.CRM.RetrieveUserPrivileges()') {
    return userPrivileges(organization, id.toLowerCase());
  }
  return undefined;
};

const route = (session: Session, request: ApiRequest): ApiResponse => {
  const { organization } = session;
  const target = targetOf(organization, request.url);
  const { path, query } = target;
  const table = tableRoute(session, path, query, request) ?? environmentRoute(session, path, query, request);
  if (table !== undefined) return table;
  if (request.method === 'GET') {
    if (path === 'WhoAmI' || path === 'WhoAmI()') return whoAmI(organization);
    if (path.startsWith('EntityDefinitions')) return readDefinitions(organization, path, query);
    const directory = directoryRoute(session, target);
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
    return route(session, request);
  } catch (error) {
    if (error instanceof DataverseError) return refusalResponse(error, request.headers['prefer']);
    throw error;
  }
};
