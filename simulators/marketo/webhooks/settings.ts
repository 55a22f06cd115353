import { z } from 'zod';
import { MOST_TIMER_MS } from '../timers.js';

/** Knobs of webhooks. */
export const webhookSettings = {
  /** How long a webhook may take to answer, ms of real time. */
  webhookTimeoutMs: z.int().positive().max(MOST_TIMER_MS),
  /** Webhooks in progress at most. */
  webhookConcurrency: z.int().positive(),
};

/** Adobe's time limit; the number of connections is what others have seen. */
export const DEFAULT_WEBHOOK_SETTINGS: z.infer<z.ZodObject<typeof webhookSettings>> = {
  webhookTimeoutMs: 30_000,
  webhookConcurrency: 20,
};
