import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { unlimitedBudget, type CallBudget, type CallRequest } from '../../rules/budget.js';
import { FAILURES } from '../../rules/failures.js';
import { failureOf, ok, refuse, startRemote } from './remote.js';

interface Watched extends CallBudget {
  readonly requests: CallRequest[];
  readonly pauses: number[];
}

function watchedBudget(): Watched {
  const requests: CallRequest[] = [];
  const pauses: number[] = [];
  return {
    requests,
    pauses,
    run(request, call) {
      requests.push(request);
      return call();
    },
    pause(durationMs) {
      pauses.push(durationMs);
      return Promise.resolve();
    },
    advise: () => Promise.resolve(),
  };
}

const record = { id: 501, title: 'CTO' };

describe('The budget', () => {
  it('is asked for every page and write, on the lane of the client, with the deadline of the call', async () => {
    const remote = await startRemote();
    const budget = watchedBudget();
    const marketo = remote.connect({ budget });
    remote.answer = ({ path }) =>
      path.endsWith('pagingtoken.json')
        ? ok([], { nextPageToken: 'T' })
        : ok([{ id: 501, status: 'updated' }]);
    await marketo.pagingToken('2026-11-20T10:00:00Z');
    await marketo
      .onLane('on-demand')
      .syncPersons({ action: 'updateOnly', lookupField: 'id', records: [record] });
    expect(budget.requests).toEqual([
      { lane: 'cycle', deadlineMs: 310_000, signal: undefined },
      { lane: 'on-demand', deadlineMs: 100_000, signal: undefined },
    ]);
  });

  it('is not asked for a token, which Marketo does not count', async () => {
    const remote = await startRemote();
    const budget = watchedBudget();
    await remote.connect({ budget }).usageToday();
    expect(budget.requests).toHaveLength(1);
  });

  it('gets the signal of the caller, so that its queue can be left', async () => {
    const remote = await startRemote();
    const budget = watchedBudget();
    const { signal } = new AbortController();
    await remote.connect({ budget }).usageToday(signal);
    expect(budget.requests[0]?.signal).toBe(signal);
  });

  it('is asked only with a token at hand: nobody waits for one while it has a turn', async () => {
    const remote = await startRemote();
    let [turns, asked] = [0, 0];
    remote.grant = (_seen, place) => {
      expect(turns).toBe(0);
      asked += 1;
      return { body: { access_token: `token-${place + 1}`, expires_in: 3599 }, afterMs: 20 };
    };
    remote.answer = ({ token }) => (token === 'token-1' ? refuse('602') : ok([{ total: 5 }]));
    const budget: CallBudget = {
      ...unlimitedBudget,
      run: async (_request, call) => {
        turns += 1;
        return call().finally(() => (turns -= 1));
      },
    };
    expect(await remote.connect({ budget }).usageToday()).toBe(5);
    expect(asked).toBe(2);
  });

  it('has a turn left unused when the token died in its queue, and is asked again with a new one', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const remote = await startRemote();
    const budget = watchedBudget();
    const queueing: CallBudget = {
      ...budget,
      run: (request, call) => {
        if (budget.requests.length === 0) vi.advanceTimersByTime(3_600_000);
        return budget.run(request, call);
      },
    };
    expect(await remote.connect({ budget: queueing }).usageToday()).toBe(0);
    expect(budget.requests).toHaveLength(2);
    expect(remote.signIns).toHaveLength(2);
    expect(remote.calls.map(({ token }) => token)).toEqual(['token-2']);
  });

  it('holds up no answer while it keeps what Marketo asked for, or cannot', async () => {
    const pauses = [
      () => new Promise<void>(() => undefined),
      () => Promise.reject(new Error('the store is down')),
    ];
    for (const pause of pauses) {
      const remote = await startRemote();
      const budget = { ...unlimitedBudget, pause };
      remote.answer = (_seen, place) => (place < 2 ? refuse('606') : ok([{ total: 5 }]));
      expect(await remote.connect({ budget }).usageToday()).toBe(5);
    }
  });

  it('is paused by 606, and the call asks it again', async () => {
    const remote = await startRemote();
    const budget = watchedBudget();
    remote.answer = (_seen, place) => (place < 2 ? refuse('606') : ok([{ total: 5 }]));
    expect(await remote.connect({ budget }).usageToday()).toBe(5);
    expect(budget.pauses).toEqual([20, 20]);
    expect(budget.requests).toHaveLength(3);
  });

  it('is not paused by 615, which passes by itself', async () => {
    const remote = await startRemote();
    const budget = watchedBudget();
    remote.answer = (_seen, place) => (place < 3 ? refuse('615') : ok([{ total: 5 }]));
    expect(await remote.connect({ budget }).usageToday()).toBe(5);
    expect(budget.pauses).toEqual([]);
    expect(budget.requests).toHaveLength(4);
  });

  it('606 that does not end surfaces with the time to wait, after three more tries', async () => {
    const remote = await startRemote();
    const budget = watchedBudget();
    remote.answer = () => refuse('606', "Max rate limit '100' exceeded with in '20' secs");
    const failure = await failureOf(remote.connect({ budget }).usageToday());
    expect(failure).toMatchObject({ type: FAILURES.rateLimited, code: '606', retryAfterMs: 20 });
    expect(remote.calls).toHaveLength(4);
    expect(budget.pauses).toHaveLength(4);
  });

  it.each(['604', '608', '611', '713'])('%s is left to the caller to repeat', async (code) => {
    const remote = await startRemote();
    remote.answer = () => refuse(code);
    expect(await failureOf(remote.connect().usageToday())).toMatchObject({ code });
    expect(remote.calls).toHaveLength(1);
  });
});
