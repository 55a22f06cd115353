import { z } from 'zod';
import type { Call, Send } from './calls.js';

/** Calls of one day, by the subscription's own count and day. */
export interface Usage {
  /** As `2026-11-20`, if Marketo says it. */
  readonly day: string | undefined;
  /** Of all integrations together. */
  readonly total: number;
  /** By the e-mail address of the API user. */
  readonly byUser: ReadonlyMap<string, number>;
}

const days = z.array(
  z.object({
    date: z.string().nullish(),
    total: z.number(),
    users: z.array(z.object({ userId: z.string(), count: z.number() })).nullish(),
  }),
);

/** Usage of the day that it is at Marketo (Adobe REST docs, "Usage"); none before the first call of that day. */
export async function usage(send: Send, signal?: AbortSignal): Promise<Usage> {
  const call: Call<z.infer<typeof days>> = {
    name: "read today's usage",
    writes: false,
    path: '/v1/stats/usage.json',
    limit: 'persons',
    result: days,
  };
  const [today] = (await send(call, signal)).result;
  return {
    day: today?.date?.slice(0, 10),
    total: today?.total ?? 0,
    byUser: new Map((today?.users ?? []).map(({ userId, count }) => [userId, count])),
  };
}
