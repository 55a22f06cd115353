import { z } from 'zod';
import type { Session } from '../http/api.js';
import { readUnbound } from './parameters.js';
import { DataverseError, rowNotFound } from '../errors.js';
import { columnByName } from '../rows/keys.js';
import { deleteWithLinks } from '../rows/links.js';
import { emptyResponse, jsonResponse, type ApiRequest, type ApiResponse } from '../http/messages.js';
import { rootUrl, tableNamed, type Organization, type Table } from '../organization.js';
import type { SystemUser } from '../rights/people.js';
import { demandPrivilege } from '../rights/privileges.js';
import { demandRowAccess } from '../rights/row-access.js';
import { journalled } from '../http/row-routes.js';
import { isoSeconds, newGuid } from '../rows/values.js';
import type { StoredRow } from '../rows/versioned-rows.js';

/** An asynchronous job of the environment, readable as a row of `asyncoperations`. */
export interface SystemJob {
  readonly id: string;
  readonly name: string;
  readonly createdOn: string;
  /** 0 Ready, 3 Completed. */
  state: 0 | 3;
  /** 0 Waiting for resources, 30 Succeeded, 31 Failed. */
  status: 0 | 30 | 31;
  message: string | null;
}

const condition = z.looseObject({
  AttributeName: z.string(),
  Operator: z.enum(['In', 'Equal']),
  Values: z.array(z.looseObject({ Value: z.union([z.string(), z.number(), z.boolean()]) })).min(1),
});
const queryExpression = z.looseObject({
  EntityName: z.string(),
  Criteria: z.looseObject({
    FilterOperator: z.enum(['And', 'Or']).default('And'),
    Conditions: z.array(condition).default([]),
  }),
});
const bodySchema = z.looseObject({
  JobName: z.string(),
  QuerySet: z.array(queryExpression).min(1),
});

type QueryExpression = z.infer<typeof queryExpression>;

const tableOf = (organization: Organization, { EntityName }: QueryExpression): Table => {
  const table = tableNamed(organization, EntityName);
  if (table?.shape.logicalName === EntityName) return table;
  throw new DataverseError(400, '0x80040203', `The entity '${EntityName}' was not found.`);
};

type Test = (row: StoredRow) => boolean;

const testOf = (table: Table, { Criteria }: QueryExpression): Test => {
  const tests = Criteria.Conditions.map(({ AttributeName, Values }): Test => {
    const column = columnByName(table, AttributeName);
    if (column === undefined) {
      const message = `'${table.shape.logicalName}' entity doesn't contain attribute with Name = '${AttributeName}'.`;
      throw new DataverseError(400, '0x80041103', message);
    }
    const wanted = new Set(Values.map(({ Value }) => String(Value).toLowerCase()));
    return ({ cells }) => wanted.has(String(cells[column.property] ?? '').toLowerCase());
  });
  return Criteria.FilterOperator === 'And'
    ? (row) => tests.every((test) => test(row))
    : (row) => tests.some((test) => test(row));
};

const deleteFound = (session: Session, queries: readonly QueryExpression[], by: SystemUser): void => {
  const { organization } = session;
  for (const query of queries) {
    const table = tableOf(organization, query);
    for (const { id } of [...table.rows.inKeyOrder()].filter(testOf(table, query))) {
      journalled(session, table, { id, kind: 'delete', columns: [] }, () => {
        demandPrivilege(organization.privileges, table.shape, 'Delete');
        const row = table.rows.get(id);
        if (row !== undefined) demandRowAccess(organization, table, row, 'Delete');
        deleteWithLinks(organization, table, id, by);
        return emptyResponse(204);
      });
    }
  }
};

const runJob = (
  session: Session,
  job: SystemJob,
  queries: readonly QueryExpression[],
  by: SystemUser,
): void => {
  try {
    deleteFound(session, queries, by);
    job.status = 30;
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    job.status = 31;
    job.message = error.message;
  }
  job.state = 3;
};

/** `POST BulkDelete`: answered at once with the id of a job, which deletes after the answer. */
export const startBulkDelete = (session: Session, request: ApiRequest): ApiResponse => {
  const { organization } = session;
  const { JobName, QuerySet } = readUnbound('BulkDelete', bodySchema, request.body);
  for (const query of QuerySet) testOf(tableOf(organization, query), query);
  const createdOn = isoSeconds(organization.now());
  const job: SystemJob = { id: newGuid(), name: JobName, createdOn, state: 0, status: 0, message: null };
  organization.jobs.set(job.id, job);
  setImmediate(runJob, session, job, QuerySet, organization.caller.user);
  const context = `${rootUrl(organization)}$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse`;
  return jsonResponse(200, { '@odata.context': context, JobId: job.id });
};

/** `GET asyncoperations(id)`: how a job stands. */
export const readJob = (organization: Organization, id: string): ApiResponse => {
  const job = organization.jobs.get(id.toLowerCase());
  if (job === undefined) throw rowNotFound('asyncoperation', id);
  return jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata#asyncoperations/$entity`,
    asyncoperationid: job.id,
    name: job.name,
    createdon: job.createdOn,
    statecode: job.state,
    statuscode: job.status,
    message: job.message,
  });
};
