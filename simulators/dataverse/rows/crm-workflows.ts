import { z } from 'zod';
import { readValue } from './check-value.js';
import { updateRow } from './commit.js';
import { DataverseError } from '../errors.js';
import { columnByName } from './keys.js';
import type { Organization, Table } from '../organization.js';
import { people } from '../rights/people.js';
import { tableNames } from '../schema/tables.js';
import type { Cells } from './values.js';

/** A workflow of the customer's: after a write it changes columns of the same row, as a version of its own. */
export const crmWorkflowSchema = z.strictObject({
  table: z.enum(tableNames),
  on: z.enum(['create', 'update', 'both']).default('both'),
  /** Runs only after writes that sent this column; none: after each. */
  whenSent: z.string().optional(),
  /** Logical name -> value. */
  set: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** Whose name stands in `modifiedby`; `sync` looks like the sync's own write. */
  as: z.enum(['system', 'sync', 'sales']).default('system'),
});

export type CrmWorkflow = Readonly<z.infer<typeof crmWorkflowSchema>>;

const cellsToSet = (table: Table, set: CrmWorkflow['set']): Cells =>
  Object.fromEntries(
    Object.entries(set).map(([name, raw]) => {
      const column = columnByName(table, name);
      if (column === undefined || column.navigations !== undefined) {
        throw new DataverseError(
          400,
          'admin',
          `A workflow of '${table.shape.logicalName}' cannot set '${name}'.`,
        );
      }
      return [column.property, readValue(table.shape, column, raw)];
    }),
  );

/** Refuses workflows that could not run, when they are defined. */
export const checkWorkflows = (organization: Organization, workflows: readonly CrmWorkflow[]): void => {
  for (const { table: name, set, whenSent } of workflows) {
    const table = organization.tables[name];
    cellsToSet(table, set);
    if (whenSent === undefined || columnByName(table, whenSent) !== undefined) continue;
    throw new DataverseError(400, 'admin', `Table '${name}' has no column '${whenSent}' to wait for.`);
  }
};

/** What runs after a write that took effect. Its own changes start no workflow again. */
export const runWorkflows = (
  organization: Organization,
  table: Table,
  id: string,
  mode: 'create' | 'update',
  columns: readonly string[],
): void => {
  for (const workflow of organization.workflows) {
    const { whenSent, on } = workflow;
    const row = table.rows.get(id);
    if (row === undefined || workflow.table !== table.shape.logicalName) continue;
    if ((on !== 'both' && on !== mode) || (whenSent !== undefined && !columns.includes(whenSent))) continue;
    updateRow(organization, table, row, cellsToSet(table, workflow.set), people[workflow.as]);
  }
};
