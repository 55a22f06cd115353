import { setTimeout as delay } from 'node:timers/promises';
import type { CallBudget } from '../rules/budget.js';
import { checkLimits, type CallLimits } from '../rules/call-limits.js';
import { FAILURES, RemoteFailure } from '../rules/failures.js';
import { gcraOf, gcraSpans } from '../rules/gcra.js';
import { millisUntilQuotaReset } from '../rules/quota-day.js';
import type { Lane, Side } from '../rules/terms.js';
import { createCallQueue, type Sleep } from './budget-queue.js';
import { budgetStatements, type Answer, type Lease } from './budget-statements.js';
import type { Database } from './database.js';

export { DYNAMICS_LIMITS, MARKETO_LIMITS, type CallLimits } from '../rules/call-limits.js';

/** Replaces what the budget takes from its surroundings, for tests. */
export interface BudgetOptions {
  /** Instead of the database's clock. */
  readonly now?: () => Date;
  readonly sleep?: Sleep;
  readonly random?: () => number;
}

/** No remote asks for longer; a broken `Retry-After` must not stop the sync for good. */
const LONGEST_PAUSE_MS = 3_600_000;
/** Where a remote has its own code for a used-up quota, this is ours for one that is not to be used up. */
const DAILY_RESERVE = 'daily-reserve';
/** The column's type. */
const MOST_PARALLELISM = 2 ** 31 - 1;

const sleepFor: Sleep = async (ms, signal) => {
  // The only rejection is the signal's, and being woken is no failure.
  await delay(Math.ceil(ms), undefined, { signal }).catch(() => undefined);
};

/** Longest that a turn may be late: far below the moment at which a later lane's turn comes. */
const MOST_LEEWAY_MS = 50;

/** Within its burst a call that comes late moves nobody: the next ones make up for it. */
const leewayOf = (limits: CallLimits, lane: Lane): number =>
  Math.min(MOST_LEEWAY_MS, gcraSpans(gcraOf(limits), lane).tolerance / 1_000 / 4);

/** As the remote itself would say it, only earlier. */
const dayOver = (
  remote: Side,
  { daily }: CallLimits,
  { used, at }: Extract<Answer, { lack: 'quota' }>,
): RemoteFailure =>
  new RemoteFailure({
    type: FAILURES.quotaExhausted,
    side: remote,
    code: DAILY_RESERVE,
    message: `the day's calls of all integrations (${used} of ${daily?.calls ?? 0}) have come to what is kept free for requests on demand: nothing more from the cycle until 00:00 US Central; see budget.${remote}.dailyQuota and dailyReserve`,
    retryAfterMs: millisUntilQuotaReset(at),
    effect: 'none',
  });

const checkDeadline = (deadlineMs: number): void => {
  if (!(deadlineMs > 0 && Number.isFinite(deadlineMs))) throw new RangeError('deadlineMs is above 0');
};

/**
 * The budget of one remote, shared through the store by every process that calls it: no window of time sees more calls
 * than our share of its limit, and no moment more calls at the same time; the day's quota is left to on-demand before its
 * end. A lease of a process that died ends with its call's deadline.
 *
 * @throws RangeError when the limits contradict themselves.
 */
export const createBudget = (
  db: Database,
  remote: Side,
  limits: CallLimits,
  options: BudgetOptions = {},
): CallBudget => {
  checkLimits(limits);
  const statements = budgetStatements(db, remote, limits, options.now);
  // A slot that cannot be given back becomes free by itself; the call's own outcome is what matters.
  const giveBack = (lease: Lease): Promise<void> => statements.release(lease).catch(() => undefined);
  const queue = createCallQueue({
    attempt: (lane, deadlineMs) => statements.acquire(lane, deadlineMs),
    giveBack,
    sleep: options.sleep ?? sleepFor,
    random: options.random ?? Math.random,
    leewayMs: (lane) => leewayOf(limits, lane),
    dayOver: (spent) => dayOver(remote, limits, spent),
  });

  return {
    run: async (request, call) => {
      checkDeadline(request.deadlineMs);
      const lease = await queue.acquire(request);
      try {
        return await call();
      } finally {
        await giveBack(lease);
        queue.slotFreed();
      }
    },
    pause: async (durationMs) => {
      if (Number.isNaN(durationMs)) throw new RangeError('a pause has a duration');
      await statements.pause(Math.min(Math.max(0, durationMs), LONGEST_PAUSE_MS));
    },
    advise: async (parallelism) => {
      if (Number.isNaN(parallelism)) return;
      await statements.advise(Math.min(Math.max(1, Math.floor(parallelism)), MOST_PARALLELISM));
    },
  };
};
