import { shownValue } from '../rights/column-access.js';
import { badQuery, DataverseError, payloadError, rowNotFound } from '../errors.js';
import {
  emptyResponse,
  jsonResponse,
  textResponse,
  type ApiRequest,
  type ApiResponse,
} from '../http/messages.js';
import type { Column } from '../schema/columns.js';
import { columnOf, rootUrl, type Organization, type Table } from '../organization.js';
import { parseObject, readProperty as readSent } from '../rows/payload.js';
import { demandPrivilege } from '../rights/privileges.js';
import type { Query } from './query.js';
import { demandRowAccess } from '../rights/row-access.js';
import type { StoredRow } from '../rows/versioned-rows.js';
import { afterWrite, checkMatch, condition, update } from '../rows/writes.js';

const columnNamed = (table: Table, name: string): Column => {
  const column = columnOf(table, name);
  if (column !== undefined) return column;
  throw new DataverseError(404, '0x8006088a', `Resource not found for the segment '${name}'.`);
};

const rowOf = (table: Table, id: string): StoredRow => {
  const row = table.rows.get(id);
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  return row;
};

/** `GET contacts(id)/jobtitle` as JSON, with `/$value` as bare text; 204 when there is no value. */
export const readProperty = (
  organization: Organization,
  table: Table,
  id: string,
  name: string,
  bare: boolean,
): ApiResponse => {
  demandPrivilege(organization.privileges, table.shape, 'Read');
  const [column, row] = [columnNamed(table, name), rowOf(table, id)];
  demandRowAccess(organization, table, row, 'Read');
  const value = shownValue(organization, column, row);
  if (value === null) return emptyResponse(204);
  if (bare) return textResponse(String(value));
  const context = `${rootUrl(organization)}$metadata#${table.shape.entitySet}(${id})/${name}`;
  return jsonResponse(200, { '@odata.context': context, value });
};

const valueToSet = (table: Table, name: string, request: ApiRequest): unknown => {
  if (request.method === 'DELETE') return null;
  const body = parseObject(table, request.body);
  if (Object.hasOwn(body, 'value')) return body['value'];
  throw payloadError(table.shape.entitySet, `The value of '${name}' was expected as {"value": ...}.`);
};

/** `PUT contacts(id)/jobtitle {"value": ...}` sets one column, `DELETE` clears it; under the rules of any update. */
export const changeProperty = (
  organization: Organization,
  table: Table,
  id: string,
  name: string,
  request: ApiRequest,
  query: Query,
): ApiResponse => {
  if (query.select !== null) throw badQuery('$select is not allowed on a single property.');
  demandPrivilege(organization.privileges, table.shape, 'Write');
  const column = columnNamed(table, name);
  const row = rowOf(table, id);
  checkMatch(table, id, row, condition(request, 'if-match'));
  const sent = readSent(table, column.property, valueToSet(table, name, request));
  update(organization, table, row, [sent]);
  afterWrite(organization, table, id, 'update', [column.logicalName]);
  return emptyResponse(204);
};
