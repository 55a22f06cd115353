import { mayWrite } from '../rights/column-access.js';
import { cellsOf, checkSent, insertRow, touchRow, updateRow } from './commit.js';
import { DataverseError, duplicateKey, payloadError, rowNotFound, versionMismatch } from '../errors.js';
import { deleteWithLinks } from './links.js';
import { runWorkflows } from './crm-workflows.js';
import { refuseDuplicates } from './duplicate-rules.js';
import type { RowAddress } from './keys.js';
import { emptyResponse, jsonResponse, type ApiRequest, type ApiResponse } from '../http/messages.js';
import { rootUrl, type Organization, type Table } from '../organization.js';
import { readPayload, type Sent } from './payload.js';
import { demandPrivilege } from '../rights/privileges.js';
import { parsePrefer, type Query } from '../query/query.js';
import { appliedPreferences, contextUrl } from '../query/reads.js';
import { annotationTest, etagOf, representRow, selectedColumns } from '../query/represent.js';
import { demandLinkRights, demandRowAccess } from '../rights/row-access.js';
import { refuseByRule } from './rules.js';
import { newGuid } from './values.js';
import type { StoredRow } from './versioned-rows.js';

export type Mode = 'create' | 'update';

/** What is told to the journal about a write, filled in while it is carried out. */
export interface Attempt {
  id: string | null;
  kind: 'create' | 'update' | 'delete';
  columns: readonly string[];
}

const securedRefusal = (callerId: string, table: Table, one: Sent, mode: Mode): DataverseError => {
  const [code, verb] = mode === 'create' ? ['0x8004f502', 'create'] : ['0x8004f507', 'update'];
  const message = `Caller user with Id ${callerId} does not have ${verb} permissions to a ${one.column.displayName} secured field on entity ${table.shape.schemaName}. The requested operation could not be completed.`;
  return new DataverseError(403, code, message);
};

/** Drops or refuses columns that the API may not set, and refuses secured ones without right. */
const writable = (
  organization: Organization,
  table: Table,
  sent: readonly Sent[],
  mode: Mode,
  id?: string,
): Sent[] =>
  sent.filter((one) => {
    const { column } = one;
    if (!(mode === 'create' ? column.validForCreate : column.validForUpdate)) {
      if (organization.settings.readOnlyColumns === 'ignore') return false;
      const message = `The property '${column.logicalName}' cannot be set by this request: it is read-only.`;
      throw new DataverseError(400, '0x80040203', message);
    }
    if (!mayWrite(organization, column, mode, id)) {
      throw securedRefusal(organization.caller.user.id, table, one, mode);
    }
    return true;
  });

const refuseClosed = (
  organization: Organization,
  table: Table,
  row: StoredRow,
  sent: readonly Sent[],
): void => {
  const reopens = sent.some(({ column }) => column.logicalName === 'statecode');
  const state = row.cells['statecode'] ?? 0;
  if (!organization.settings.closedRowsReadOnly || reopens || state === 0) return;
  if (table.shape.logicalName === 'lead') {
    throw new DataverseError(400, '0x8004022e', 'The lead is closed and cannot be updated: it is read-only.');
  }
  throw new DataverseError(400, '0x80040230', 'The contact is inactive and cannot be updated.');
};

const entityUrl = (organization: Organization, table: Table, id: string): string =>
  `${rootUrl(organization)}${table.shape.entitySet}(${id})`;

/** 204 with the row's address, by the key if it was named so, or the row itself when `return=representation` asks for it. */
const answerWrite = (
  organization: Organization,
  table: Table,
  row: StoredRow,
  mode: Mode,
  query: Query,
  request: ApiRequest,
  address = row.id,
): ApiResponse => {
  const prefer = parsePrefer(request.headers['prefer']);
  if (prefer.get('return') !== 'representation') {
    const url = entityUrl(organization, table, address);
    return emptyResponse(204, { ...(mode === 'create' ? { Location: url } : {}), 'OData-EntityId': url });
  }
  const wants = annotationTest(prefer.get('odata.include-annotations'));
  const columns = selectedColumns(table, query.select);
  const body = {
    '@odata.context': contextUrl(organization, table, query, '/$entity'),
    ...representRow(organization, columns, row, wants),
  };
  const headers = { ETag: etagOf(row), ...appliedPreferences(prefer) };
  return jsonResponse(mode === 'create' ? 201 : 200, body, headers);
};

/** Creates a row for the API: column rights, value rules and plug-ins come first. */
export const create = (
  organization: Organization,
  table: Table,
  id: string,
  sent: readonly Sent[],
): StoredRow => {
  const allowed = writable(organization, table, sent, 'create');
  demandLinkRights(organization, table, allowed, 'create');
  checkSent(table, allowed);
  const cells = cellsOf(allowed);
  refuseByRule(organization.rules, table.shape.logicalName, 'create', cells);
  return insertRow(organization, table, id, cells, organization.caller.user);
};

/** Changes a row for the API, under the same rules. */
export const update = (
  organization: Organization,
  table: Table,
  row: StoredRow,
  sent: readonly Sent[],
): StoredRow => {
  demandRowAccess(organization, table, row, 'Write');
  refuseClosed(organization, table, row, sent);
  const allowed = writable(organization, table, sent, 'update', row.id);
  demandLinkRights(organization, table, allowed, 'update');
  checkSent(table, allowed);
  const cells = cellsOf(allowed);
  refuseByRule(organization.rules, table.shape.logicalName, 'update', cells);
  return updateRow(organization, table, row, cells, organization.caller.user);
};

/** What the customer's workflows do once a write has taken effect. */
export const afterWrite = (
  organization: Organization,
  table: Table,
  id: string,
  mode: Mode,
  columns: readonly string[],
): void => {
  if (organization.settings.touchAfterWrite) touchRow(organization, table, id);
  runWorkflows(organization, table, id, mode, columns);
};

/** `POST leads`: a new row, under the key of the body if it has one. */
export const postRow = (
  organization: Organization,
  table: Table,
  query: Query,
  request: ApiRequest,
  attempt: Attempt,
): ApiResponse => {
  const payload = readPayload(organization, table, request.body);
  const key = payload.find(({ column }) => column.logicalName === table.shape.key)?.value;
  const sent = payload.filter(({ column }) => column.logicalName !== table.shape.key);
  attempt.columns = sent.map(({ column }) => column.logicalName);
  attempt.id = typeof key === 'string' ? key : null;
  demandPrivilege(organization.privileges, table.shape, 'Create');
  selectedColumns(table, query.select);
  if (attempt.id !== null && table.rows.get(attempt.id) !== undefined) throw duplicateKey();
  refuseDuplicates(organization, table, null, cellsOf(sent), {}, request);
  const row = create(organization, table, attempt.id ?? newGuid(), sent);
  attempt.id = row.id;
  const response = answerWrite(organization, table, row, 'create', query, request);
  afterWrite(organization, table, row.id, 'create', attempt.columns);
  return response;
};

/** Header of a precondition; the text `null` that clients send to caches is none. */
export const condition = (request: ApiRequest, name: 'if-match' | 'if-none-match'): string | null => {
  const value = request.headers[name];
  return value === undefined || value === 'null' ? null : value;
};

export const checkMatch = (
  table: Table,
  id: string,
  row: StoredRow | undefined,
  match: string | null,
): void => {
  if (match === null) return;
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  if (match !== '*' && match !== etagOf(row)) throw versionMismatch();
};

/** What is written: without the row's id; a row made under an alternate key gets the values of its address. */
const withKey = (
  table: Table,
  payload: readonly Sent[],
  id: Sent | undefined,
  mode: Mode,
  address: RowAddress | undefined,
): Sent[] => {
  const parts = address?.key ?? [];
  const other = payload.find((one) =>
    parts.some(({ column, value }) => column === one.column && value !== one.value),
  );
  if (other !== undefined) {
    const reason = `The value of '${other.column.logicalName}' in the payload differs from the key of the address.`;
    throw payloadError(table.shape.entitySet, reason);
  }
  const sent = payload.filter((one) => one !== id && !parts.some(({ column }) => column === one.column));
  return mode === 'create' ? [...parts, ...sent] : sent;
};

/** `PATCH leads(id)`: update, create or upsert, as `If-Match` and `If-None-Match` say. */
export const patchRow = (
  organization: Organization,
  table: Table,
  id: string,
  query: Query,
  request: ApiRequest,
  attempt: Attempt,
  address?: RowAddress,
): ApiResponse => {
  const row = table.rows.get(id);
  const match = condition(request, 'if-match');
  const onlyCreate = condition(request, 'if-none-match') === '*';
  const mode: Mode = onlyCreate || (row === undefined && match === null) ? 'create' : 'update';
  attempt.kind = mode;
  const payload = readPayload(organization, table, request.body);
  const key = payload.find(({ column }) => column.logicalName === table.shape.key);
  if (key !== undefined && key.value !== id) {
    throw payloadError(table.shape.entitySet, 'The key in the payload differs from the key of the address.');
  }
  const sent = withKey(table, payload, key, mode, address);
  attempt.columns = sent.map(({ column }) => column.logicalName);
  demandPrivilege(organization.privileges, table.shape, mode === 'create' ? 'Create' : 'Write');
  selectedColumns(table, query.select);
  if (onlyCreate && row !== undefined) throw duplicateKey();
  checkMatch(table, id, row, match);
  refuseDuplicates(organization, table, id, cellsOf(sent), row?.cells ?? {}, request);
  const written =
    row === undefined ? create(organization, table, id, sent) : update(organization, table, row, sent);
  const response = answerWrite(organization, table, written, mode, query, request, address?.text);
  afterWrite(organization, table, id, mode, attempt.columns);
  return response;
};

/** `DELETE leads(id)`, optionally only at one version. */
export const deleteOne = (
  organization: Organization,
  table: Table,
  id: string,
  request: ApiRequest,
): ApiResponse => {
  demandPrivilege(organization.privileges, table.shape, 'Delete');
  const row = table.rows.get(id);
  checkMatch(table, id, row, condition(request, 'if-match'));
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  demandRowAccess(organization, table, row, 'Delete');
  const unless = condition(request, 'if-none-match');
  if (unless === '*' || unless === etagOf(row)) throw versionMismatch();
  deleteWithLinks(organization, table, id, organization.caller.user);
  return emptyResponse(204);
};
