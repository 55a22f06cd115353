import type { Session } from './api.js';
import { readJob, startBulkDelete } from '../actions/bulk-delete.js';
import { mergeByApi } from '../actions/merge-route.js';
import { readMessageFilters } from '../actions/message-filters.js';
import { jsonResponse, type ApiRequest, type ApiResponse } from './messages.js';
import { rootUrl, type Organization } from '../organization.js';
import type { Query } from '../query/query.js';

/** The service document: every set of rows below the API root. */
const serviceDocument = (organization: Organization): ApiResponse => {
  const names = Object.values(organization.tables).map(({ shape }) => shape.entitySet);
  return jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata`,
    value: names.sort().map((name) => ({ name, kind: 'EntitySet', url: name })),
  });
};

const version = (organization: Organization): ApiResponse =>
  jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata#Microsoft.Dynamics.CRM.RetrieveVersionResponse`,
    Version: '9.2.24044.155',
  });

/** Actions and small tables that belong to no row table; undefined when the path is none of them. */
export const environmentRoute = (
  session: Session,
  path: string,
  query: Query,
  request: ApiRequest,
): ApiResponse | undefined => {
  const { method } = request;
  if (method === 'POST' && path === 'Merge') return mergeByApi(session, request);
  if (method === 'POST' && path === 'BulkDelete') return startBulkDelete(session, request);
  if (method === 'GET' && path === 'sdkmessagefilters')
    return readMessageFilters(session.organization, query);
  if (method === 'GET' && path === '') return serviceDocument(session.organization);
  if (method === 'GET' && /^RetrieveVersion(\(\))?$/.test(path)) return version(session.organization);
  const job = /^asyncoperations\(([\w-]+)\)$/.exec(path)?.[1];
  return method === 'GET' && job !== undefined ? readJob(session.organization, job) : undefined;
};
