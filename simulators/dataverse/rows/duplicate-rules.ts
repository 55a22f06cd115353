import { z } from 'zod';
import { DataverseError } from '../errors.js';
import { columnByName, findByValues } from './keys.js';
import type { ApiRequest } from '../http/messages.js';
import type { Organization, Table } from '../organization.js';
import { tableNames } from '../schema/tables.js';
import type { Cells } from './values.js';

/** A duplicate detection rule: rows of one table with the same value in all its columns are duplicates. */
export const duplicateRuleSchema = z.strictObject({
  name: z.string(),
  table: z.enum(tableNames),
  columns: z.array(z.string()).min(1),
  published: z.boolean().default(true),
});

export type DuplicateRule = Readonly<z.infer<typeof duplicateRuleSchema>>;

/** A new environment has published rules for accounts, contacts and leads with the same e-mail address. */
export const shippedDuplicateRules: readonly DuplicateRule[] = (['account', 'contact', 'lead'] as const).map(
  (table) => ({
    name: `${table} with the same e-mail address`,
    table,
    columns: ['emailaddress1'],
    published: true,
  }),
);

const asked = (request: ApiRequest): boolean =>
  request.headers['mscrm.suppressduplicatedetection']?.toLowerCase() === 'false';

/**
 * Refuses a row that a published rule takes for a duplicate, if `MSCRM.SuppressDuplicateDetection: false` asks for it.
 * `cells` is the whole row as it would be; a rule of which no column was sent is not run.
 */
export const refuseDuplicates = (
  organization: Organization,
  table: Table,
  id: string | null,
  sent: Cells,
  before: Cells,
  request: ApiRequest,
): void => {
  if (!asked(request)) return;
  const rules = organization.duplicateRules.filter(
    (rule) => rule.published && rule.table === table.shape.logicalName,
  );
  for (const rule of rules) {
    const properties = rule.columns.map((name) => columnByName(table, name)?.property ?? name);
    if (!properties.some((property) => Object.hasOwn(sent, property))) continue;
    const cells = { ...before, ...sent };
    const wanted = Object.fromEntries(properties.map((property) => [property, cells[property] ?? null]));
    if (Object.values(wanted).includes(null)) continue;
    const twin = findByValues(table, wanted, id);
    if (twin === undefined) continue;
    const message = `A record was not created or updated because a duplicate of the current record already exists. Rule: '${rule.name}'; duplicate: ${table.shape.logicalName} With Id = ${twin.id}.`;
    throw new DataverseError(organization.settings.duplicateStatus, '0x80040333', message);
  }
};
