import { asCaller } from '../rights/caller.js';
import { isMetadata, readMetadata } from '../schema/definitions-route.js';
import { isDirectory, readDirectory, whoAmI } from '../schema/directory.js';
import { environmentRoute } from './environment-routes.js';
import { metadataView } from '../schema/metadata-cache.js';
import { badQuery, DataverseError, errorBody, resourceNotFound, tooDeep } from '../errors.js';
import { jsonResponse, type ApiRequest, type ApiResponse } from './messages.js';
import { apiRoot, type Organization } from '../organization.js';
import { parsePrefer, parseQuery, type Query } from '../query/query.js';
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

const directoryRoute = (
  organization: Organization,
  clientId: string,
  { path, query }: Target,
): ApiResponse | undefined => {
  const [, set = '', id, call] = /^(\w+)(?:\(([\w-]+)\))?(?:\/(.+))?$/s.exec(path) ?? [];
  if (!isDirectory(set)) return undefined;
  return readDirectory(organization, set, id?.toLowerCase() ?? null, call, query, clientId);
};

/** A GET may have 32,768 characters, inside a batch 65,536 (as Microsoft's Python client found). */
const refuseLongUrl = (session: Session, { method, url }: ApiRequest): void => {
  const limit = session.batch === undefined ? 32_768 : 65_536;
  if (method !== 'GET' || url.length <= limit) return;
  const message = `The request URL has ${url.length} characters; at most ${limit} are allowed. Send it inside a $batch or in pieces.`;
  throw new DataverseError(414, '0x80040203', message);
};

/** Bodies are JSON (outside of `$batch`); one that does not say what it is passes for that. */
const refuseOtherMedia = ({ method, headers, body }: ApiRequest): void => {
  const type = headers['content-type'];
  if (!isWrite(method) || body === '' || type === undefined || /^application\/json\b/i.test(type)) return;
  const media = (type.split(';')[0] ?? '').trim();
  const message = `The request entity's media type '${media}' is not supported for this resource.`;
  throw new DataverseError(415, '0x8006088a', message);
};

const route = (session: Session, request: ApiRequest): ApiResponse => {
  const { organization } = session;
  refuseLongUrl(session, request);
  refuseOtherMedia(request);
  const target = targetOf(organization, request.url);
  const { path, query } = target;
  const table = tableRoute(session, path, query, request) ?? environmentRoute(session, path, query, request);
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

/**
 * The answer to whatever was thrown: a refusal; input that is nested too deeply; else a defect, told to the process as
 * well, for it must not pass for a simulated fault.
 */
export const failureResponse = (error: unknown, prefer?: string): ApiResponse => {
  if (error instanceof DataverseError) return refusalResponse(error, prefer);
  if (error instanceof RangeError && error.message.startsWith('Maximum call stack'))
    return refusalResponse(tooDeep(), prefer);
  const { message, stack: detail = '' } = error instanceof Error ? error : new Error(String(error));
  process.emitWarning(message, { type: 'DataverseSimulatorDefect', detail });
  return refusalResponse(new DataverseError(500, '0x80040216', 'An unexpected error occurred.'), prefer);
};

/** Carries out one request; nothing is thrown, refusals and defects are answers. */
export const answer = (session: Session, request: ApiRequest): ApiResponse => {
  try {
    return asCaller(session.organization, request.headers, () => route(session, request));
  } catch (error) {
    return failureResponse(error, request.headers['prefer']);
  }
};
