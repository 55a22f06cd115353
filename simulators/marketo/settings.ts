import { z } from 'zod';
import { bulkSettings, DEFAULT_BULK_SETTINGS } from './bulk/settings.js';
import { DEFAULT_FLOW_STEP_SETTINGS, flowStepSettings } from './flow-steps/settings.js';
import { DEFAULT_PERSON_SETTINGS, personSettings } from './persons/person-settings.js';
import { MOST_TIMER_MS } from './timers.js';
import { DEFAULT_WEBHOOK_SETTINGS, webhookSettings } from './webhooks/settings.js';

const names = z.array(z.string());

/** What the administrative door may change while the simulator runs. */
export const settingsSchema = z.strictObject({
  /** `off` never answers 606, 607 or 615; everything else stays. */
  limits: z.enum(['real', 'off']),
  ratePerWindow: z.int().positive(),
  windowSeconds: z.number().positive(),
  concurrency: z.int().positive(),
  dailyQuota: z.int().nonnegative(),
  /** How long an activity stays invisible to readers after its activityDate, ms. */
  commitLagMs: z.int().nonnegative(),
  tokenLifetimeSeconds: z.number().positive(),
  /** Fields whose values the API cannot overwrite: it answers `updated` and keeps the old value. */
  blockedFields: names,
  /** Fields described as not updateable. */
  readOnlyFields: names,
  /** Fields that the API role cannot see at all. */
  hiddenFields: names,
  /** Log entries that one page of a stream looks at: small values make empty pages with `moreResult: true`. */
  scanBlock: z.int().positive(),
  /** Time that every call takes on the server, ms, during which it holds its concurrency slot. */
  latencyMs: z.int().nonnegative().max(MOST_TIMER_MS),
  /** Which activity a changed score leaves: 22 (Change Score), 13 (Change Data Value), or both. */
  scoreActivity: z.enum(['22', '13', 'both']),
  ...bulkSettings,
  ...personSettings,
  ...flowStepSettings,
  ...webhookSettings,
});

export type Settings = z.infer<typeof settingsSchema>;

/** Marketo's documented limits (Adobe REST docs, "REST API": limits), and no fault. */
export const DEFAULT_SETTINGS: Settings = {
  limits: 'real',
  ratePerWindow: 100,
  windowSeconds: 20,
  concurrency: 10,
  dailyQuota: 50_000,
  commitLagMs: 0,
  tokenLifetimeSeconds: 3600,
  blockedFields: [],
  readOnlyFields: [],
  hiddenFields: [],
  scanBlock: 5000,
  latencyMs: 0,
  scoreActivity: '22',
  ...DEFAULT_BULK_SETTINGS,
  ...DEFAULT_PERSON_SETTINGS,
  ...DEFAULT_FLOW_STEP_SETTINGS,
  ...DEFAULT_WEBHOOK_SETTINGS,
};
