import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ColumnShare } from '../rights/column-access.js';
import { demandChangeable, demandOptions } from './column-changes.js';
import { column as newColumn, type Column, type ColumnType } from '../schema/columns.js';
import { DataverseError } from '../errors.js';
import { keepEarlier } from '../schema/metadata-cache.js';
import { expireDeltaTokens, tableNamed, type Organization, type Table } from '../organization.js';
import { namedGuid } from '../rows/values.js';

const columnTypes = [
  'String',
  'Memo',
  'Integer',
  'Decimal',
  'Double',
  'Money',
  'DateTime',
  'Boolean',
  'Picklist',
  'MultiSelectPicklist',
] as const satisfies readonly ColumnType[];

const option = z.strictObject({ value: z.int(), label: z.string(), state: z.int().optional() });

const columnPatch = z.strictObject({
  secured: z.boolean().optional(),
  canRead: z.boolean().optional(),
  canUpdate: z.boolean().optional(),
  canCreate: z.boolean().optional(),
  validForUpdate: z.boolean().optional(),
  validForCreate: z.boolean().optional(),
  type: z.enum(columnTypes).optional(),
  format: z.string().nullable().optional(),
  displayName: z.string().optional(),
  requiredLevel: z.enum(['None', 'Recommended', 'ApplicationRequired', 'SystemRequired']).optional(),
  maxLength: z.int().positive().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  precision: z.int().nonnegative().optional(),
  dateBehavior: z.enum(['UserLocal', 'DateOnly', 'TimeZoneIndependent']).optional(),
  options: z.array(option).optional(),
  removed: z.boolean().optional(),
  /** A masking rule; null takes it away. */
  mask: z
    .strictObject({
      character: z.string().length(1).default('*'),
      keepLast: z.int().nonnegative().default(0),
      canReadUnmasked: z.boolean().default(false),
    })
    .nullable()
    .optional(),
});

const columnOrder = columnPatch.extend({
  schemaName: z.string().regex(/^[a-zA-Z]\w*_\w+$/, 'A new column needs a prefix, such as new_Region.'),
  type: z.enum(columnTypes),
});

const share = z.strictObject({
  table: z.string(),
  id: z.guid(),
  column: z.string(),
  read: z.boolean(),
  update: z.boolean(),
});

type Patch = z.infer<typeof columnPatch>;

/** What changes the schema: all but rights. Caches and delta tokens may notice. */
const schemaKeys: readonly string[] = [
  'type',
  'removed',
  'maxLength',
  'min',
  'max',
  'options',
  'displayName',
];
/** What makes delta tokens expire when the setting says so. */
const deltaKeys: readonly string[] = ['type', 'removed'];

/** A column that is secured anew is open to administrators alone, until a profile opens it. */
const closed = { canRead: false, canUpdate: false, canCreate: false } as const;

/** The column with the patch; what is undefined stays, a null mask goes. Securing closes what the patch does not open. */
const patched = ({ mask: before, ...column }: Column, { mask, ...patch }: Patch): Column => {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  const kept = mask === undefined ? before : (mask ?? undefined);
  const newlySecured = patch.secured === true && !column.secured;
  return {
    ...column,
    ...(newlySecured ? closed : {}),
    ...given,
    ...(kept === undefined ? {} : { mask: kept }),
  };
};

const tableOf = (organization: Organization, name: string): Table => {
  const table = tableNamed(organization, name);
  if (table === undefined) throw new DataverseError(404, 'admin', `There is no table '${name}'.`);
  return table;
};

const columnOf = (table: Table, name: string): Column => {
  const column = table.columns.get(name);
  if (column === undefined) throw new DataverseError(404, 'admin', `There is no column '${name}'.`);
  return column;
};

const change = (organization: Organization, table: Table, before: Column | null, after: Column): void => {
  keepEarlier(organization);
  table.columns.set(after.logicalName, after);
  const differs = (name: string): boolean => before?.[name as keyof Column] !== after[name as keyof Column];
  if (schemaKeys.some(differs)) organization.metadataVersion += 1;
  const { schemaChangeExpiresDelta } = organization.settings;
  if (schemaChangeExpiresDelta && deltaKeys.some(differs)) expireDeltaTokens(organization, table);
};

const addColumn = (organization: Organization, table: Table, order: z.infer<typeof columnOrder>): Column => {
  const { schemaName, ...patch } = order;
  const fresh = newColumn(schemaName, order.type);
  if (table.columns.has(fresh.logicalName)) {
    throw new DataverseError(400, 'admin', `The column '${fresh.logicalName}' is already there: PATCH it.`);
  }
  const metadataId = namedGuid(`column ${table.shape.logicalName}.${fresh.logicalName}`);
  const added = patched({ ...fresh, metadataId }, patch);
  demandOptions(added);
  change(organization, table, null, added);
  return added;
};

const named = (request: FastifyRequest): Record<string, string> =>
  z.record(z.string(), z.string()).parse(request.params);

/** Replaces the shares of rows' columns; each must name a row and a column that are there. */
const replaceShares = (organization: Organization, shares: readonly ColumnShare[]): void => {
  organization.shares = shares.map((one) => {
    const table = tableOf(organization, one.table);
    const id = one.id.toLowerCase();
    columnOf(table, one.column);
    if (table.rows.get(id) === undefined) throw new DataverseError(404, 'admin', `There is no row ${id}.`);
    return { ...one, id, table: table.shape.logicalName };
  });
};

/** The part of the door that acts as an administrator who customizes tables and shares secured columns. */
export const schemaRoutes = (app: FastifyInstance, organization: Organization): void => {
  app.get('/admin/columns/:table', (request) => ({
    columns: [...tableOf(organization, named(request)['table'] ?? '').columns.values()],
  }));
  app.post('/admin/columns/:table', (request) => {
    const table = tableOf(organization, named(request)['table'] ?? '');
    return { column: addColumn(organization, table, columnOrder.parse(request.body)) };
  });
  app.patch('/admin/columns/:table/:column', (request) => {
    const names = named(request);
    const table = tableOf(organization, names['table'] ?? '');
    const before = columnOf(table, names['column'] ?? '');
    const after = patched(before, columnPatch.parse(request.body));
    demandChangeable(table, before, after);
    change(organization, table, before, after);
    return { column: after };
  });
  app.get('/admin/shares', () => ({ shares: organization.shares }));
  app.put('/admin/shares', (request) => {
    const { shares } = z.strictObject({ shares: z.array(share) }).parse(request.body);
    keepEarlier(organization);
    replaceShares(organization, shares);
    return { shares: organization.shares };
  });
};
