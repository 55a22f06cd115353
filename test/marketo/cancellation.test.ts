import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { unlimitedBudget, type CallBudget } from '../../rules/budget.js';
import { callOf, EVERY_CALL, goodBody, type EveryCall } from './every-call.js';
import { refuse, startRemote, type Remote, type Reply } from './remote.js';

/** Where the call stands when its caller gives up. `strike` is called there. */
interface Moment {
  readonly when: string;
  readonly arrange: (remote: Remote, call: EveryCall, strike: () => void) => CallBudget;
}

/** Answers every call well, but `call` with what `reply` gives. */
const strikeAt = (remote: Remote, call: EveryCall, reply: () => Reply): void => {
  remote.answer = (seen) => (callOf(seen) === call ? reply() : { body: goodBody(seen) });
};

/** Waits as the store's budget does: until there is room, or the signal is aborted. */
const crowded = (strike: () => void): CallBudget => ({
  ...unlimitedBudget,
  run: ({ signal }) =>
    new Promise((_resolve, reject) => {
      const leave = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', leave, { once: true });
      setImmediate(strike);
    }),
});

const MOMENTS: readonly Moment[] = [
  {
    when: 'before it begins',
    arrange: (_remote, _call, strike) => {
      strike();
      return unlimitedBudget;
    },
  },
  { when: 'while it waits for the budget', arrange: (_remote, _call, strike) => crowded(strike) },
  {
    when: 'while a token is fetched',
    arrange: (remote, _call, strike) => {
      remote.grant = () => {
        strike();
        return { afterMs: 30, body: { access_token: 'token-1', expires_in: 3599 } };
      };
      return unlimitedBudget;
    },
  },
  {
    when: 'while Marketo works on it',
    arrange: (remote, call, strike) => {
      strikeAt(remote, call, () => {
        strike();
        return 'hang';
      });
      return unlimitedBudget;
    },
  },
  {
    when: 'in the middle of the answer',
    arrange: (remote, call, strike) => {
      strikeAt(remote, call, () => {
        setTimeout(strike, 15);
        return 'trickle';
      });
      return unlimitedBudget;
    },
  },
  {
    when: 'while it waits for the rate window',
    arrange: (remote, call, strike) => {
      strikeAt(remote, call, () => {
        setTimeout(strike, 15);
        return refuse('606');
      });
      return unlimitedBudget;
    },
  },
  {
    when: 'while it waits as Retry-After asks',
    arrange: (remote, call, strike) => {
      strikeAt(remote, call, () => {
        setTimeout(strike, 15);
        return { status: 429, headers: { 'Retry-After': '50' }, body: '' };
      });
      return unlimitedBudget;
    },
  },
  {
    when: 'while it tells others to wait',
    arrange: (remote, call, strike) => {
      strikeAt(remote, call, () => refuse('606'));
      const pause = (): Promise<void> => new Promise(() => setImmediate(strike));
      return { ...unlimitedBudget, pause };
    },
  },
];

describe.each(MOMENTS.map((moment) => [moment.when, moment] as const))(
  'A caller that gives up %s',
  (_when, moment) => {
    it('gets its own reason, whatever the call is, and leaves nothing behind', async () => {
      for (const call of EVERY_CALL) {
        const remote = await startRemote();
        const ending = new AbortController();
        const reason = new Error(`${call.name} was cancelled`);
        const budget = moment.arrange(remote, call, () => ending.abort(reason));
        const marketo = remote.connect({ budget, timing: { rateLimitMs: 50_000 } });
        await expect(call.make(marketo, ending.signal), call.name).rejects.toBe(reason);
        const kept = getEventListeners(ending.signal, 'abort').length;
        expect(kept, call.name).toBe(0);
        const made = remote.calls.filter((seen) => callOf(seen) === call).length;
        expect(made, call.name).toBeLessThanOrEqual(1);
      }
    });
  },
);

describe('A caller that gives up', () => {
  it('with a reason that is no error gets just that', async () => {
    const remote = await startRemote();
    const ending = new AbortController();
    remote.answer = () => {
      setTimeout(() => ending.abort('enough'), 5);
      return refuse('606');
    };
    const work = remote.connect({ timing: { rateLimitMs: 50_000 } }).usageToday(ending.signal);
    await expect(work).rejects.toBe('enough');
  });

  it('does not end the call of another, who waits for the same token', async () => {
    const remote = await startRemote();
    const ending = new AbortController();
    remote.grant = () => {
      ending.abort(new Error('gone'));
      return { afterMs: 20, body: { access_token: 'token-1', expires_in: 3599 } };
    };
    remote.answer = (seen) => ({ body: goodBody(seen) });
    const marketo = remote.connect();
    const ends = await Promise.allSettled([
      marketo.usage(ending.signal),
      ...EVERY_CALL.map((call) => call.make(marketo)),
    ]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', ...EVERY_CALL.map(() => 'fulfilled')]);
    expect(remote.signIns).toHaveLength(1);
  });
});
