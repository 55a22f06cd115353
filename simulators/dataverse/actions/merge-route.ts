import { z } from 'zod';
import type { Session } from '../http/api.js';
import { DataverseError, payloadError } from '../errors.js';
import { isMergeable, mergeRows } from './merge.js';
import { readUnbound } from './parameters.js';
import { emptyResponse, type ApiRequest, type ApiResponse } from '../http/messages.js';
import { tableNamed, type Organization, type Table } from '../organization.js';
import { readObject, type Sent } from '../rows/payload.js';
import { demandPrivilege } from '../rights/privileges.js';
import { demandRowAccess } from '../rights/row-access.js';
import { journalled } from '../http/row-routes.js';
import { isGuid } from '../rows/values.js';

const entity = z.looseObject({ '@odata.type': z.string() });
const bodySchema = z.looseObject({
  Target: entity,
  Subordinate: entity,
  UpdateContent: entity.nullish(),
  PerformParentingChecks: z.boolean().default(false),
});

type Body = z.infer<typeof bodySchema>;

const tableOf = (organization: Organization, one: z.infer<typeof entity>): Table => {
  const name = one['@odata.type'].replace(/^#?Microsoft\.Dynamics\.CRM\./, '');
  const table = tableNamed(organization, name);
  if (table?.shape.logicalName === name && isMergeable(table)) return table;
  throw new DataverseError(400, '0x80040203', `Rows of type '${one['@odata.type']}' cannot be merged.`);
};

const keyOf = (table: Table, one: z.infer<typeof entity>): string => {
  const id = one[table.shape.key];
  if (typeof id === 'string' && isGuid(id)) return id.toLowerCase();
  throw payloadError('Merge', `'${table.shape.key}' was expected.`);
};

const contentOf = (organization: Organization, table: Table, body: Body): Sent[] => {
  if (body.UpdateContent === null || body.UpdateContent === undefined) return [];
  const sent = readObject(organization, table, body.UpdateContent);
  return sent.filter(({ column }) => column.validForUpdate);
};

/** `POST Merge`: of two accounts, contacts or leads one stays and one is deactivated. */
export const mergeByApi = (session: Session, request: ApiRequest): ApiResponse => {
  const { organization } = session;
  const body: Body = readUnbound('Merge', bodySchema, request.body);
  const table = tableOf(organization, body.Target);
  if (tableOf(organization, body.Subordinate) !== table) {
    throw new DataverseError(400, '0x80040203', 'Target and Subordinate must be of one table.');
  }
  const [target, subordinate] = [keyOf(table, body.Target), keyOf(table, body.Subordinate)];
  const content = contentOf(organization, table, body);
  const columns = content.map(({ column }) => column.logicalName);
  return journalled(session, table, { id: target, kind: 'update', columns }, () =>
    journalled(
      session,
      table,
      { id: subordinate, kind: 'update', columns: ['statecode', 'merged', 'masterid'] },
      () => {
        demandPrivilege(organization.privileges, table.shape, 'Write');
        for (const id of [target, subordinate]) {
          const row = table.rows.get(id);
          if (row !== undefined) demandRowAccess(organization, table, row, 'Write');
        }
        mergeRows(organization, table, {
          ...{ target, subordinate, content },
          parentingChecks: body.PerformParentingChecks,
          by: organization.caller.user,
        });
        return emptyResponse(204);
      },
    ),
  );
};
