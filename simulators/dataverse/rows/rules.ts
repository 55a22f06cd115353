import { z } from 'zod';
import { DataverseError } from '../errors.js';
import { tableNames, type TableName } from '../schema/tables.js';
import type { Cells } from './values.js';

const place = { table: z.enum([...tableNames, '*']), column: z.string(), message: z.string() };

/** What a customer's plug-in refuses, and in which words. */
export const ruleSchema = z.union([
  z.strictObject({ ...place, contains: z.string() }),
  z.strictObject({ ...place, equals: z.string() }),
  z.strictObject({ ...place, requiredOnCreate: z.literal(true) }),
]);

export type Rule = Readonly<z.infer<typeof ruleSchema>>;

export const seededRules: readonly Rule[] = [
  {
    table: '*',
    column: 'jobtitle',
    contains: 'Test Robot',
    message: "Job titles with 'Test Robot' are not allowed (Contoso data policy).",
  },
  {
    table: '*',
    column: 'lastname',
    equals: 'Blocked',
    message: "Last name 'Blocked' is on the Contoso stop list. Contact data-policy@contoso.example.",
  },
];

const breaks = (rule: Rule, mode: 'create' | 'update', sent: Cells): boolean => {
  const value = sent[rule.column] ?? null;
  if ('requiredOnCreate' in rule) return mode === 'create' && value === null;
  if (typeof value !== 'string') return false;
  if ('equals' in rule) return value.toLowerCase() === rule.equals.toLowerCase();
  return value.toLowerCase().includes(rule.contains.toLowerCase());
};

/** Runs the plug-in before a write. Like a pre-operation step it sees only the columns that were sent. */
export const refuseByRule = (
  rules: readonly Rule[],
  table: TableName,
  mode: 'create' | 'update',
  sent: Cells,
): void => {
  const broken = rules.find(
    (rule) => (rule.table === '*' || rule.table === table) && breaks(rule, mode, sent),
  );
  if (broken !== undefined) throw new DataverseError(400, '0x80040265', broken.message);
};
