import { z } from 'zod';
import type { Send } from './calls.js';

const days = z.array(z.object({ date: z.string().nullish(), total: z.number().nullish() }));

/** Calls that all integrations together made on one day, by the subscription's own count. */
export interface DayUsage {
  /** As `2026-11-20`, if Marketo says it. */
  readonly day: string | undefined;
  readonly total: number;
}

/** Usage of the day that it is at Marketo (Adobe REST docs, "Usage"). */
export async function usage(send: Send, signal?: AbortSignal): Promise<DayUsage> {
  const call = { name: "read today's usage", writes: false, path: '/v1/stats/usage.json', result: days };
  const [today] = (await send(call, signal)).result;
  return { day: today?.date?.slice(0, 10), total: today?.total ?? 0 };
}
