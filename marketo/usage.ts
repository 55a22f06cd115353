import { z } from 'zod';
import type { Call, Send } from './calls.js';

/** Calls of one day, by the subscription's own count and day. */
export interface Usage {
  readonly total: number;
  /** By the e-mail address of the API user. */
  readonly byUser: ReadonlyMap<string, number>;
}

const days = z.array(
  z.object({
    total: z.number(),
    users: z.array(z.object({ userId: z.string(), count: z.number() })).nullish(),
  }),
);

/** Calls that all integrations together made today; none before the first one of the day. */
export async function usage(send: Send, signal?: AbortSignal): Promise<Usage> {
  const call: Call<z.infer<typeof days>> = {
    name: "read today's usage",
    writes: false,
    path: '/v1/stats/usage.json',
    limit: 'persons',
    result: days,
  };
  const [today] = (await send(call, signal)).result;
  const users = today?.users ?? [];
  return { total: today?.total ?? 0, byUser: new Map(users.map(({ userId, count }) => [userId, count])) };
}
