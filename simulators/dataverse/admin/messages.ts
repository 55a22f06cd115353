import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { editByUser, readCells, wholeRow } from './rows.js';
import { checkWorkflows, crmWorkflowSchema } from '../rows/crm-workflows.js';
import { duplicateRuleSchema } from '../rows/duplicate-rules.js';
import { DataverseError, rowNotFound } from '../errors.js';
import { alternateKeySchema, columnByName, defineKey } from '../rows/keys.js';
import { isMergeable, mergeRows } from '../actions/merge.js';
import { tableNamed, type Organization, type Table } from '../organization.js';
import { people } from '../rights/people.js';
import { qualifyLead } from '../actions/qualify.js';
import type { Environment } from '../http/requests.js';

const params = (request: FastifyRequest): Record<string, string> =>
  z.record(z.string(), z.string()).parse(request.params);

const cells = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
const guid = z.guid().transform((text) => text.toLowerCase());

const qualifySchema = z.strictObject({
  createAccount: z.boolean().default(true),
  createContact: z.boolean().default(true),
  createOpportunity: z.boolean().default(false),
  /** Into an account or contact that is there already. */
  account: guid.optional(),
  contact: guid.optional(),
  status: z.int().default(-1),
});

const mergeSchema = z.strictObject({
  subordinate: guid,
  content: cells.default({}),
  parentingChecks: z.boolean().default(false),
});

const stateSchema = z.strictObject({ status: z.int().optional() });

const tableOf = (organization: Organization, request: FastifyRequest): Table => {
  const name = params(request)['table'] ?? '';
  const table = tableNamed(organization, name);
  if (table === undefined) throw new DataverseError(404, 'admin', `There is no table '${name}'.`);
  return table;
};

/** Buttons need no body. */
const bodyOf = ({ body }: FastifyRequest): unknown =>
  body === undefined || body === null || body === '' ? {} : body;

const idOf = (request: FastifyRequest): string => (params(request)['id'] ?? '').toLowerCase();

/** The journal tells what people do, too. */
const tell = (organization: Organization, table: Table, id: string, columns: readonly string[]): void => {
  const { logicalName } = table.shape;
  organization.journal.write({
    ...{ table: logicalName, id, columns, kind: 'update', by: 'user', status: 204, code: null },
  });
};

const qualify = (organization: Organization, request: FastifyRequest): unknown => {
  const { account, contact, ...asked } = qualifySchema.parse(bodyOf(request));
  const [id, leads] = [idOf(request), organization.tables.lead];
  const parents = {
    ...(account === undefined ? {} : { parentaccountid: account }),
    ...(contact === undefined ? {} : { parentcontactid: contact }),
  };
  for (const [target, parent] of [
    [organization.tables.account, account],
    [organization.tables.contact, contact],
  ] as const) {
    if (parent !== undefined && target.rows.get(parent) === undefined) {
      throw rowNotFound(target.shape.logicalName, parent);
    }
  }
  // A closed lead is refused below, and keeps its parents.
  const isOpen = (leads.rows.get(id)?.cells['statecode'] ?? 0) === 0;
  if (Object.keys(parents).length > 0 && isOpen)
    editByUser(organization, leads, id, parents, { force: true, asSync: false });
  const created = qualifyLead(organization, id, {
    ...asked,
    by: people.sales,
    byPerson: true,
    demandCreate: () => undefined,
  });
  tell(organization, leads, id, ['statecode', 'statuscode']);
  return { created: created.map(({ table, row }) => ({ table: table.shape.logicalName, id: row.id })) };
};

const merge = (organization: Organization, request: FastifyRequest): unknown => {
  const [table, target] = [tableOf(organization, request), idOf(request)];
  const { subordinate, content, parentingChecks } = mergeSchema.parse(request.body);
  if (!isMergeable(table)) throw new DataverseError(400, 'admin', 'Rows of this table cannot be merged.');
  const sent = readCells(table, content);
  mergeRows(organization, table, { target, subordinate, content: sent, parentingChecks, by: people.sales });
  tell(
    organization,
    table,
    target,
    sent.map(({ column }) => column.logicalName),
  );
  tell(organization, table, subordinate, ['statecode', 'merged', 'masterid']);
  return { merged: subordinate, into: target };
};

/** Opens or closes a row as the buttons of the product do; without a status, with the state's default one. */
const setState = (organization: Organization, request: FastifyRequest, active: boolean): unknown => {
  const table = tableOf(organization, request);
  const { status } = stateSchema.parse(bodyOf(request));
  const closed = ['lead', 'opportunity'].includes(table.shape.logicalName) ? 2 : 1;
  const values = {
    statecode: active ? 0 : closed,
    ...(status === undefined ? {} : { statuscode: status }),
  };
  const row = editByUser(organization, table, idOf(request), values, { force: false, asSync: false });
  return { row: wholeRow(table, row) };
};

const removeKey = (organization: Organization, request: FastifyRequest): unknown => {
  const { table, name } = params(request);
  const kept = organization.keys.filter((key) => key.table !== table || key.name !== name);
  const removed = organization.keys.length - kept.length;
  organization.keys = kept;
  return { removed };
};

const demandColumns = (
  organization: Organization,
  rules: readonly z.infer<typeof duplicateRuleSchema>[],
): void => {
  for (const { table, columns } of rules) {
    const missing = columns.find((name) => columnByName(organization.tables[table], name) === undefined);
    if (missing === undefined) continue;
    throw new DataverseError(400, 'admin', `Table '${table}' has no column '${missing}' to compare.`);
  }
};

const ruleRoutes = (app: FastifyInstance, organization: Organization): void => {
  app.get('/admin/keys', () => ({ keys: organization.keys }));
  app.post('/admin/keys', (request) => ({
    key: defineKey(organization, alternateKeySchema.parse(request.body)),
  }));
  app.delete('/admin/keys/:table/:name', (request) => removeKey(organization, request));
  app.get('/admin/duplicate-rules', () => ({ rules: organization.duplicateRules }));
  app.put('/admin/duplicate-rules', (request) => {
    const { rules } = z.strictObject({ rules: z.array(duplicateRuleSchema) }).parse(request.body);
    demandColumns(organization, rules);
    organization.duplicateRules = rules;
    return { rules };
  });
  app.get('/admin/workflows', () => ({ workflows: organization.workflows }));
  app.put('/admin/workflows', (request) => {
    const { workflows } = z.strictObject({ workflows: z.array(crmWorkflowSchema) }).parse(request.body);
    checkWorkflows(organization, workflows);
    organization.workflows = workflows;
    return { workflows };
  });
};

/** Buttons that people press in the product, and what a customer sets up for its rows. */
export const messageRoutes = (app: FastifyInstance, { organization }: Environment): void => {
  app.post('/admin/rows/leads/:id/qualify', (request) => qualify(organization, request));
  app.post('/admin/rows/:table/:id/merge', (request) => merge(organization, request));
  app.post('/admin/rows/:table/:id/deactivate', (request) => setState(organization, request, false));
  app.post('/admin/rows/:table/:id/activate', (request) => setState(organization, request, true));
  ruleRoutes(app, organization);
};
