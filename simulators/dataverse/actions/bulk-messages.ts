import { z } from 'zod';
import { DataverseError, payloadError, resourceNotFound, rowNotFound } from '../errors.js';
import { readParameters } from './parameters.js';
import { resolveAddress, type KeyPart } from '../rows/keys.js';
import { emptyResponse, jsonResponse, type ApiResponse } from '../http/messages.js';
import { rootUrl, type Organization, type Table } from '../organization.js';
import { parseObject, readObject, type Sent } from '../rows/payload.js';
import { demandPrivilege } from '../rights/privileges.js';
import { journalled, type RowRequest } from '../http/row-routes.js';
import { atomically } from '../rows/transaction.js';
import { newGuid } from '../rows/values.js';
import { afterWrite, create, update, type Mode } from '../rows/writes.js';

export const bulkMessages = ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple'] as const;
type BulkMessage = (typeof bulkMessages)[number];

/** One element of `Targets`: which row, if any is named, and what is written. */
interface BulkTarget {
  readonly id: string | null;
  readonly key: readonly KeyPart[];
  readonly sent: readonly Sent[];
}

const targetSchema = z.looseObject({ '@odata.type': z.string(), '@odata.id': z.string().optional() });
const bodySchema = z.looseObject({ Targets: z.array(targetSchema).min(1) });

const readTargets = (
  table: Table,
  message: BulkMessage,
  body: string,
): z.infer<typeof bodySchema>['Targets'] => {
  const { Targets } = readParameters(message, table.shape.entitySet, bodySchema, parseObject(table, body));
  const type = `Microsoft.Dynamics.CRM.${table.shape.logicalName}`;
  const other = Targets.find((one) => one['@odata.type'].replace(/^#/, '') !== type);
  if (other !== undefined) {
    throw payloadError(table.shape.entitySet, `'${other['@odata.type']}' is not '${type}'.`);
  }
  return Targets;
};

/** The row that a target names by `@odata.id` or by its key column. */
const readTarget = (
  organization: Organization,
  table: Table,
  raw: z.infer<typeof targetSchema>,
): BulkTarget => {
  const { '@odata.id': address, ...values } = raw;
  const all = readObject(organization, table, values);
  const own = all.find(({ column }) => column.logicalName === table.shape.key);
  const sent = all.filter((one) => one !== own);
  if (address === undefined) return { id: typeof own?.value === 'string' ? own.value : null, key: [], sent };
  const text = /\((.*)\)$/s.exec(address)?.[1] ?? '';
  const { id, key } = resolveAddress(organization, table, text);
  return { id, key, sent };
};

/** Alternate key columns belong in the address alone when a row is made (as Microsoft's Python client found). */
const refuseRepeatedKey = (table: Table, { key, sent }: BulkTarget): void => {
  const repeated = key.find(({ column }) => sent.some((one) => one.column === column));
  if (repeated === undefined) return;
  const reason = `The key property '${repeated.column.logicalName}' is in '@odata.id' and in the payload too.`;
  throw payloadError(table.shape.entitySet, reason);
};

const missing = (table: Table, id: string): DataverseError =>
  new DataverseError(404, '0x80040217', `${table.shape.schemaName} With Ids = ${id} Do Not Exist`);

const modeOf = (message: BulkMessage, table: Table, target: BulkTarget): Mode => {
  if (message === 'CreateMultiple') return 'create';
  if (message === 'UpdateMultiple') return 'update';
  return target.id !== null && table.rows.get(target.id) !== undefined ? 'update' : 'create';
};

/** Carries out one target; returns the row's id. */
const runTarget = (asked: RowRequest, message: BulkMessage, target: BulkTarget): string => {
  const { session, table } = asked;
  const { organization } = session;
  const mode = modeOf(message, table, target);
  const id = target.id ?? newGuid();
  const columns = target.sent.map(({ column }) => column.logicalName);
  journalled(session, table, { id, kind: mode, columns }, () => {
    demandPrivilege(organization.privileges, table.shape, mode === 'create' ? 'Create' : 'Write');
    const row = table.rows.get(id);
    if (mode === 'update') {
      if (row === undefined) throw missing(table, id);
      update(organization, table, row, target.sent);
    } else {
      if (row !== undefined) throw new DataverseError(412, '0x80040237', 'Cannot insert duplicate key.');
      refuseRepeatedKey(table, target);
      create(organization, table, id, [...target.key, ...target.sent]);
    }
    afterWrite(organization, table, id, mode, columns);
    return emptyResponse(204);
  });
  return id;
};

const isBulkMessage = (name: string): name is BulkMessage => bulkMessages.some((message) => message === name);

/** `POST contacts/Microsoft.Dynamics.CRM.CreateMultiple` and its like: all rows or none. */
export const runBulkMessage = (asked: RowRequest, segment: string): ApiResponse => {
  const { session, table, request } = asked;
  const { organization } = session;
  const name = segment.replace(/^Microsoft\.Dynamics\.CRM\./, '');
  if (name === 'DeleteMultiple') {
    throw new DataverseError(400, '0x80040203', 'DeleteMultiple has not yet been implemented.');
  }
  const available = organization.settings.bulkMessageTables.includes(table.shape.logicalName);
  if (!isBulkMessage(name) || name === segment || !available) throw resourceNotFound(segment);
  const targets = readTargets(table, name, request.body);
  const ids = atomically(organization, () =>
    targets.map((raw) => {
      const target = readTarget(organization, table, raw);
      if (name === 'UpdateMultiple' && target.id === null) throw rowNotFound(table.shape.logicalName, '');
      return runTarget(asked, name, target);
    }),
  );
  if (name !== 'CreateMultiple') return emptyResponse(204);
  const context = `${rootUrl(organization)}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse`;
  return jsonResponse(200, { '@odata.context': context, Ids: ids });
};
