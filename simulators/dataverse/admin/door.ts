import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { checkRules } from './check-rules.js';
import { schemaRoutes } from './schema.js';
import { messageRoutes } from './messages.js';
import {
  addByUser,
  deleteBeneath,
  deleteByUser,
  editBeneath,
  editByUser,
  pageOfRows,
  wholeRow,
} from './rows.js';
import { DataverseError, rowNotFound } from '../errors.js';
import { faultSchema } from '../http/faults.js';
import { keepEarlier } from '../schema/metadata-cache.js';
import { expireDeltaTokens, tableNamed, type Table } from '../organization.js';
import { privilegesPatchSchema } from '../rights/privileges.js';
import type { Environment } from '../http/requests.js';
import { ruleSchema } from '../rows/rules.js';
import { settingsSchema } from '../settings.js';
import { tableNames } from '../schema/tables.js';
import type { ColumnValue } from '../rows/values.js';

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const cells = z.record(z.string(), cell);

const params = (request: FastifyRequest): Record<string, string> =>
  z.record(z.string(), z.string()).parse(request.params);
const query = (request: FastifyRequest): Record<string, string> =>
  z.record(z.string(), z.string()).parse(request.query);
const whole = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : z.coerce.number().int().nonnegative().parse(text);

/** Without the keys that are undefined, which a partial update must not copy. */
const given = <T extends object>(patch: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

const tableOf = (environment: Environment, request: FastifyRequest): Table => {
  const name = params(request)['table'] ?? '';
  const table = tableNamed(environment.organization, name);
  if (table === undefined) throw new DataverseError(404, 'admin', `There is no table '${name}'.`);
  return table;
};

const idOf = (request: FastifyRequest): string => (params(request)['id'] ?? '').toLowerCase();

const rowRoutes = (app: FastifyInstance, environment: Environment): void => {
  const { organization } = environment;
  app.post('/admin/rows/:table', (request) => {
    const { input } = z.strictObject({ input: z.array(cells) }).parse(request.body);
    const table = tableOf(environment, request);
    const force = query(request)['force'] === 'true';
    return { ids: input.map((values) => addByUser(organization, table, values, force).id) };
  });
  app.patch('/admin/rows/:table/:id', (request) => {
    const table = tableOf(environment, request);
    const { force, as } = query(request);
    const options = { force: force === 'true', asSync: as === 'sync' };
    const row = editByUser(organization, table, idOf(request), cells.parse(request.body), options);
    return { row: wholeRow(table, row) };
  });
  app.patch('/admin/beneath/:table/:id', (request) => {
    const table = tableOf(environment, request);
    const version = z.enum(['kept', 'moved']).default('kept').parse(query(request)['version']);
    const row = editBeneath(organization, table, idOf(request), cells.parse(request.body), version);
    return { row: wholeRow(table, row) };
  });
  app.delete('/admin/beneath/:table/:id', (request) => {
    deleteBeneath(tableOf(environment, request), idOf(request));
    return { deleted: idOf(request) };
  });
  app.delete('/admin/rows/:table/:id', (request) => {
    deleteByUser(organization, tableOf(environment, request), idOf(request));
    return { deleted: idOf(request) };
  });
  app.get('/admin/rows/:table/:id', (request): { row: Record<string, ColumnValue> } => {
    const table = tableOf(environment, request);
    const row = table.rows.get(idOf(request));
    if (row === undefined) throw rowNotFound(table.shape.logicalName, idOf(request));
    return { row: wholeRow(table, row) };
  });
  app.get('/admin/rows/:table', (request) => {
    const { after, limit } = query(request);
    return pageOfRows(tableOf(environment, request), whole(after, 0), whole(limit, 1000) || 1000);
  });
};

const journalRoutes = (app: FastifyInstance, environment: Environment): void => {
  const { journal } = environment.organization;
  const range = (request: FastifyRequest): [number, number] => [
    whole(query(request)['after'], 0),
    whole(query(request)['limit'], Number.MAX_SAFE_INTEGER),
  ];
  app.get('/admin/journal', (request) => {
    const { entries, next } = journal.calls(...range(request));
    return { calls: entries, next };
  });
  app.get('/admin/journal/writes', (request) => {
    const { entries, next } = journal.writes(...range(request));
    return { writes: entries, next };
  });
  app.get('/admin/journal/summary', () => journal.summary());
  app.delete('/admin/journal', () => {
    journal.clear();
    return {};
  });
  app.get('/admin/stats', () => {
    const tables = Object.values(environment.organization.tables);
    const sizes = Object.fromEntries(tables.map(({ shape, rows }) => [shape.entitySet, rows.size]));
    return { ...sizes, ...journal.stats() };
  });
};

const faultRoutes = (app: FastifyInstance, { faults }: Environment): void => {
  app.post('/admin/faults', (request) => ({ id: faults.add(faultSchema.parse(request.body)) }));
  app.get('/admin/faults', () => ({ faults: faults.list() }));
  app.delete('/admin/faults', () => ({ removed: faults.clear() }));
  app.delete('/admin/faults/:id', (request) => ({ removed: faults.remove(idOf(request)) ? 1 : 0 }));
};

const rightsRoutes = (app: FastifyInstance, environment: Environment): void => {
  const { organization } = environment;
  app.get('/admin/settings', () => organization.settings);
  app.patch('/admin/settings', (request) => {
    const patch = settingsSchema.partial().parse(request.body);
    organization.settings = { ...organization.settings, ...given(patch) };
    return organization.settings;
  });
  app.get('/admin/privileges', () => organization.privileges);
  app.patch('/admin/privileges', (request) => {
    const patch = privilegesPatchSchema.parse(request.body);
    keepEarlier(organization);
    const patched = tableNames.map((name) => [
      name,
      { ...organization.privileges[name], ...given(patch[name] ?? {}) },
    ]);
    organization.privileges = Object.fromEntries(patched) as typeof organization.privileges;
    return organization.privileges;
  });
  app.get('/admin/rules', () => ({ rules: organization.rules }));
  app.put('/admin/rules', (request) => {
    const { rules } = z.strictObject({ rules: z.array(ruleSchema) }).parse(request.body);
    checkRules(organization, rules);
    organization.rules = rules;
    return { rules };
  });
  app.post('/admin/tokens/expire', () => {
    environment.signIn.expireAll();
    return {};
  });
  app.post('/admin/delta/expire', () => {
    for (const table of Object.values(organization.tables)) expireDeltaTokens(organization, table);
    return {};
  });
};

/** The framework's own refusals have a status; too deep a body ends in a RangeError. */
const statusOf = (error: unknown): number => {
  if (error instanceof RangeError) return 400;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : 500;
};

/** Refusals and malformed requests of the door, as plain JSON. */
export const answerAdminError = (error: unknown, reply: FastifyReply): FastifyReply => {
  if (error instanceof DataverseError) {
    return reply.code(error.status).send({ error: { code: error.code, message: error.message } });
  }
  const status = error instanceof z.ZodError || error instanceof SyntaxError ? 400 : statusOf(error);
  const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
  return reply.code(status).send({ error: { code: 'admin', message } });
};

/** The administrative door: acts as people in the product do, changes rights and rules, breaks things, tells. */
export const adminRoutes = (app: FastifyInstance, environment: Environment): void => {
  rowRoutes(app, environment);
  messageRoutes(app, environment);
  journalRoutes(app, environment);
  faultRoutes(app, environment);
  rightsRoutes(app, environment);
  schemaRoutes(app, environment.organization);
};
