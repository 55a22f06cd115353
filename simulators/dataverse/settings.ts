import { z } from 'zod';
import { defaultRightsSettings, rightsSettings } from './settings-rights.js';
import { defaultRowsSettings, rowsSettings } from './settings-rows.js';

/** Everything an administrator of the simulated environment may turn while it runs. */
export const settingsSchema = z.strictObject({
  /** `real` enforces the service protection limits, `off` only counts. */
  limits: z.enum(['real', 'off']),
  /** `x-ms-dop-hint` of every answer. */
  dopHint: z.int().positive(),
  requestsPerWindow: z.int().positive(),
  windowSeconds: z.number().positive(),
  /** Requests in flight at once. */
  concurrency: z.int().positive(),
  executionSecondsPerWindow: z.number().positive(),
  /** What one read (a request or a batch part) counts toward the execution time. */
  executionMsPerRead: z.number().nonnegative(),
  /** What one create, update or delete counts toward the execution time. */
  executionMsPerWrite: z.number().nonnegative(),
  /** Requests also take that time, in which they are in flight; without it they only count it. */
  executionTakesTime: z.boolean(),
  /** `organization.expirechangetrackingindays`; older delta tokens are refused. */
  trackingDays: z.int().nonnegative().max(365),
  /** A CRM workflow touches the row after each write of the API: its version moves once more. */
  touchAfterWrite: z.boolean(),
  /** `expires_in` of a token, seconds. */
  tokenSeconds: z.int().positive(),
  /** Read-only columns in a payload: passed over in silence, or refused. */
  readOnlyColumns: z.enum(['ignore', 'refuse']),
  /** Qualified and disqualified leads and inactive contacts refuse writes that do not reactivate them. */
  closedRowsReadOnly: z.boolean(),
  /** Version that the delta token of a first load stands for. */
  initialToken: z.enum(['firstPage', 'lastPage']),
  /** Adding, removing or retyping a column makes all delta tokens of its table expire. */
  schemaChangeExpiresDelta: z.boolean(),
  ...rightsSettings,
  ...rowsSettings,
});

export type Settings = Readonly<z.infer<typeof settingsSchema>>;

export const defaultSettings: Settings = {
  limits: 'real',
  dopHint: 4,
  requestsPerWindow: 6000,
  windowSeconds: 300,
  concurrency: 52,
  executionSecondsPerWindow: 1200,
  executionMsPerRead: 20,
  executionMsPerWrite: 50,
  executionTakesTime: false,
  trackingDays: 7,
  touchAfterWrite: false,
  tokenSeconds: 3599,
  readOnlyColumns: 'ignore',
  closedRowsReadOnly: false,
  initialToken: 'firstPage',
  schemaChangeExpiresDelta: false,
  ...defaultRightsSettings,
  ...defaultRowsSettings,
  bulkMessageTables: [...defaultRowsSettings.bulkMessageTables],
};
