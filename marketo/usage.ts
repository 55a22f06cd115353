import { z } from 'zod';
import type { Send } from './calls.js';

const days = z.array(z.object({ total: z.number().nullish() }));

/** Calls that all integrations together made today, by the subscription's own count and day. */
export async function usageToday(send: Send, signal?: AbortSignal): Promise<number> {
  const call = { name: "read today's usage", writes: false, path: '/v1/stats/usage.json', result: days };
  const [today] = (await send(call, signal)).result;
  return today?.total ?? 0;
}
