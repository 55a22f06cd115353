import { setTimeout as delay } from 'node:timers/promises';
import type { CallBudget } from '../rules/budget.js';
import { checkLimits, type CallLimits } from '../rules/call-limits.js';
import { FAILURES, RemoteFailure } from '../rules/failures.js';
import { gcraOf, leewayMicros } from '../rules/gcra.js';
import { orAborted } from '../rules/or-aborted.js';
import { millisUntilQuotaReset } from '../rules/quota-day.js';
import type { Side } from '../rules/terms.js';
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

export interface SharedBudget extends CallBudget {
  /** Resolves when the store has what it was told by now, before it is closed. Never rejects. */
  settled(): Promise<void>;
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

/** Work that is begun and not yet over. */
const underWay = () => {
  const open = new Set<Promise<unknown>>();
  return {
    add: async <T>(work: Promise<T>): Promise<T> => {
      open.add(work);
      return work.finally(() => open.delete(work));
    },
    /** Resolves when all that is open now is over, well or badly. */
    settled: async (): Promise<void> => {
      if (open.size > 0) await Promise.allSettled(open);
    },
  };
};

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
): SharedBudget => {
  checkLimits(limits);
  const gcra = gcraOf(limits);
  const statements = budgetStatements(db, remote, limits, options.now);
  const givenBack = underWay();
  // A pause, say, that the remote asked for: the next call is not asked for before the store has it.
  const told = underWay();
  // Nobody waits for it: a slot that cannot be given back becomes free by itself, and the call's own outcome matters.
  const giveBack = (lease: Lease): void => {
    const release = statements.release(lease).then(() => queue.slotFreed());
    void givenBack.add(release).catch(() => undefined);
  };
  const queue = createCallQueue({
    attempt: async (lane, deadlineMs) => {
      await told.settled();
      return statements.acquire(lane, deadlineMs);
    },
    giveBack,
    sleep: options.sleep ?? sleepFor,
    random: options.random ?? Math.random,
    leewayMs: (lane) => leewayMicros(gcra, lane) / 1_000,
    dayOver: (spent) => dayOver(remote, limits, spent),
  });

  return {
    run: async (request, call) => {
      checkDeadline(request.deadlineMs);
      const lease = await queue.acquire(request);
      const running = (async () => call())().finally(() => giveBack(lease));
      return orAborted(running, request.signal);
    },
    pause: async (durationMs) => {
      if (Number.isNaN(durationMs)) throw new RangeError('a pause has a duration');
      await told.add(statements.pause(Math.min(Math.max(0, durationMs), LONGEST_PAUSE_MS)));
    },
    advise: async (parallelism) => {
      if (Number.isNaN(parallelism)) return;
      await told.add(statements.advise(Math.min(Math.max(1, Math.floor(parallelism)), MOST_PARALLELISM)));
    },
    settled: async () => {
      await Promise.all([givenBack.settled(), told.settled()]);
    },
  };
};
