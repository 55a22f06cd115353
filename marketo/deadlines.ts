import type { MarketoTiming } from './settings.js';

/**
 * Marketo's own time-outs, in milliseconds (Adobe REST docs, "Leads" and "Activities"). After them it answers 604, or a
 * gateway does in its place; to give up before would leave a doubt that its answer clears.
 */
export const SERVER_LIMITS = {
  /** Calls of the person API that have none of their own: describe, schema, usage. */
  persons: 30_000,
  personsByFilter: 60_000,
  syncPersons: 90_000,
  /** Calls of the activity API that have none of their own: streams, custom activity types. */
  activities: 30_000,
  pagingToken: 300_000,
  addActivities: 90_000,
} as const;

export type ServerLimit = keyof typeof SERVER_LIMITS;

/** The network takes its time. */
export const MARGIN_MS = 10_000;

/** The deadline of a call: longer than Marketo's own, unless the timing allows less. */
export const deadlineOf = (limit: ServerLimit, { callMs, pagingTokenMs }: MarketoTiming): number =>
  Math.min(SERVER_LIMITS[limit] + MARGIN_MS, limit === 'pagingToken' ? pagingTokenMs : callMs);
