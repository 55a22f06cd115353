import { z } from 'zod';
import { tableNames } from './schema/tables.js';

/** How rows and the messages on them behave where Microsoft's documentation leaves it open. */
export const rowsSettings = {
  /** What QualifyLead answers: keys of the created rows, whole rows, or 204 without any. */
  qualifyAnswer: z.enum(['keys', 'rows', 'none']),
  /** QualifyLead writes the created account and contact into the lead's parent lookups. */
  qualifyFillsParents: z.boolean(),
  /** Merge takes `UpdateContent` over filled columns of the target too, not over blank ones alone. */
  mergeOverwrites: z.boolean(),
  /** HTTP status of a duplicate detection rule's refusal. */
  duplicateStatus: z.union([z.literal(412), z.literal(500)]),
  /** Deleting a row that others point at: their links are removed, or the deletion is refused. */
  deleteWithChildren: z.enum(['removeLink', 'restrict']),
  /** Tables that have CreateMultiple, UpdateMultiple and UpsertMultiple. */
  bulkMessageTables: z.array(z.enum(tableNames)),
};

export const defaultRowsSettings = {
  qualifyAnswer: 'keys',
  qualifyFillsParents: true,
  mergeOverwrites: false,
  duplicateStatus: 412,
  deleteWithChildren: 'removeLink',
  bulkMessageTables: [...tableNames],
} as const;
