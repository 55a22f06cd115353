import type { Session } from './api.js';
import { readJob, startBulkDelete } from '../actions/bulk-delete.js';
import { mergeByApi } from '../actions/merge-route.js';
import { readMessageFilters } from '../actions/message-filters.js';
import type { ApiRequest, ApiResponse } from './messages.js';
import type { Query } from '../query/query.js';

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
  const job = /^asyncoperations\(([\w-]+)\)$/.exec(path)?.[1];
  return method === 'GET' && job !== undefined ? readJob(session.organization, job) : undefined;
};
