import { type Answer, parseJson } from './answers.js';
import { API_PATH } from './connection.js';
import type { PartRequest } from './multipart-writer.js';
import { mustBeGuid } from './reads.js';
import { guid, guidsIn, TABLES } from './tables.js';
import type { RowWrite } from './types.js';

export interface WriteRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The request of one write; every one is guarded, so that a repeated one changes nothing twice. */
export function requestOf(operation: RowWrite): WriteRequest {
  const { set, key } = TABLES[operation.kind];
  const query = operation.returnEtag === true ? `?$select=${key}` : '';
  const binds = operation.type === 'create' ? operation.binds : undefined;
  return {
    path: `${set}(${mustBeGuid(operation.id)})${query}`,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      // Over the Web API, published duplicate detection rules run only when they are asked for.
      'mscrm.suppressduplicatedetection': String(operation.duplicatesAllowed === true),
      ...(operation.type === 'create' ? { 'if-none-match': '*' } : { 'if-match': operation.etag }),
      ...(operation.returnEtag === true && { prefer: 'return=representation' }),
    },
    body: JSON.stringify({ ...operation.values, ...binds }),
  };
}

/** The same as a part of a batch. */
export function partOf(operation: RowWrite): PartRequest {
  const { path, headers, body } = requestOf(operation);
  return {
    method: 'PATCH',
    path: `${API_PATH}${path}`,
    headers: { accept: 'application/json', ...headers },
    body,
  };
}

/** The row that a successful answer names, in its header or by its key; a refusal names none for certain. */
export function rowNamedIn(answer: Answer): string | undefined {
  if (answer.status < 200 || answer.status >= 300) return undefined;
  const header = guidsIn(answer.headers['odata-entityid'] ?? '').at(-1);
  if (header !== undefined || answer.body.trim() === '') return header;
  const body = parseJson(answer.body);
  const row = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  return Object.values(TABLES)
    .map(({ key }) => guid(row[key]))
    .find((id) => id !== undefined);
}
