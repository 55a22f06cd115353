import { z } from 'zod';

/** Knobs of bulk jobs, and of what old clients do to reach them. */
export const bulkSettings = {
  /** How long a job waits in the queue at least, ms. */
  bulkQueueMs: z.int().nonnegative(),
  /** How long a job runs, ms. */
  bulkProcessingMs: z.int().nonnegative(),
  /** How long the file of a completed export still answers 404, ms. */
  exportFileLagMs: z.int().nonnegative(),
  /** Size of all exports of one day (US Central) after which no further one is taken, bytes. */
  exportDailyBytes: z.int().nonnegative(),
  /** Filters of the lead export that this subscription does not have (1035). */
  unsupportedExportFilters: z.array(z.string()),
  /** Whether `/rest/../bulk` and doubled slashes in a path still work, as they used to. */
  unnormalizedPaths: z.enum(['refuse', 'accept']),
};

/** Adobe REST docs, "Bulk Extract": limits. There are no smart lists here. */
export const DEFAULT_BULK_SETTINGS: z.infer<z.ZodObject<typeof bulkSettings>> = {
  bulkQueueMs: 500,
  bulkProcessingMs: 500,
  exportFileLagMs: 0,
  exportDailyBytes: 500 * 1024 * 1024,
  unsupportedExportFilters: ['smartListName', 'smartListId'],
  unnormalizedPaths: 'refuse',
};
