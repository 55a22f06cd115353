import { setTimeout as delay } from 'node:timers/promises';
import type { CallBudget } from '../rules/budget.js';
import { checkLimits, type CallLimits } from '../rules/call-limits.js';
import type { Side } from '../rules/terms.js';
import { createCallQueue, type Sleep } from './budget-queue.js';
import { budgetStatements, type Lease } from './budget-statements.js';
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
/** The column's type. */
const MOST_PARALLELISM = 2 ** 31 - 1;

const sleepFor: Sleep = async (ms, signal) => {
  // The only rejection is the signal's, and being woken is no failure.
  await delay(Math.ceil(ms), undefined, { signal }).catch(() => undefined);
};

const checkDeadline = (deadlineMs: number): void => {
  if (!(deadlineMs > 0 && Number.isFinite(deadlineMs))) throw new RangeError('deadlineMs is above 0');
};

/**
 * The budget of one remote, shared through the store by every process that calls it: no window of time sees more calls
 * than our share of its limit, and no moment more calls at the same time. A lease of a process that died ends with its
 * call's deadline.
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
