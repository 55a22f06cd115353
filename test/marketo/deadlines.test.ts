import { describe, expect, it } from 'vitest';
import { SERVER_LIMITS, type ServerLimit } from '../../marketo/deadlines.js';
import { DEFAULT_TIMING } from '../../marketo/index.js';
import type { CallRequest } from '../../rules/budget.js';
import { callOf, EVERY_CALL, goodBody, type EveryCall } from './every-call.js';
import { startRemote } from './remote.js';

/** Marketo's time-outs in seconds (Adobe REST docs, "Leads", "Activities"), written again from there. */
const DOCUMENTED: Readonly<Record<ServerLimit, number>> = {
  persons: 30,
  personsByFilter: 60,
  syncPersons: 90,
  activities: 30,
  pagingToken: 300,
  addActivities: 90,
};

/** The deadlines that the budget was told of, by call. */
async function deadlinesOf(call: EveryCall, callMs?: number): Promise<Map<string, number>> {
  const remote = await startRemote();
  const asked: CallRequest[] = [];
  const budget = {
    run: <T>(request: CallRequest, work: () => Promise<T>) => {
      asked.push(request);
      return work();
    },
    pause: () => Promise.resolve(),
    advise: () => Promise.resolve(),
  };
  remote.answer = (seen) => ({ body: goodBody(seen) });
  await call.make(remote.connect({ budget, ...(callMs === undefined ? {} : { timing: { callMs } }) }));
  return new Map(remote.calls.map((seen, at) => [callOf(seen)?.name ?? '', asked[at]?.deadlineMs ?? NaN]));
}

describe('The deadline of a call', () => {
  it('outlasts what Marketo itself takes at most', () => {
    for (const [limit, seconds] of Object.entries(DOCUMENTED)) {
      expect(SERVER_LIMITS[limit as ServerLimit]).toBe(seconds * 1_000);
    }
    const { identityMs } = DEFAULT_TIMING;
    expect(Math.max(...Object.values(DOCUMENTED)) * 1_000 + identityMs).toBeLessThan(
      DEFAULT_TIMING.pagingTokenMs,
    );
  });

  it.each(EVERY_CALL.map((call) => [call.name, DOCUMENTED[call.limit] + 10, call] as const))(
    'for "%s" is %i s, token and network included',
    async (name, seconds, call) => {
      expect((await deadlinesOf(call)).get(name)).toBe(seconds * 1_000);
    },
  );

  it.each(EVERY_CALL.map((call) => [call.name, call] as const))(
    'for "%s" is shorter where a call may not take so long, but for a paging token',
    async (name, call) => {
      const expected = call.limit === 'pagingToken' ? DEFAULT_TIMING.pagingTokenMs : 5_000;
      expect((await deadlinesOf(call, 5_000)).get(name)).toBe(expected);
    },
  );
});
