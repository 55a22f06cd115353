import { setTimeout as sleep } from 'node:timers/promises';
import { endedCycles, lastNumber, type EndedCycle } from './cycles.js';
import type { Database } from '../../store/database.js';

const POLL_MS = 250;

/** The cycles of this run, one after the other as they end. */
export interface CycleFeed {
  /**
   * The next cycle that ended.
   *
   * @returns undefined when none has until `deadline`, in milliseconds since the epoch.
   * @throws the signal's reason when it aborts.
   */
  next(deadline: number): Promise<EndedCycle | undefined>;
}

/** Starts after the cycles that have ended already. */
export const openCycleFeed = async (db: Database, signal: AbortSignal): Promise<CycleFeed> => {
  let known = await lastNumber(db);
  const waiting: EndedCycle[] = [];
  return {
    next: async (deadline) => {
      for (;;) {
        signal.throwIfAborted();
        const cycle = waiting.shift();
        if (cycle !== undefined) return cycle;
        waiting.push(...(await endedCycles(db, known)));
        known = waiting.at(-1)?.number ?? known;
        if (waiting.length > 0) continue;
        if (Date.now() > deadline) return undefined;
        await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
};
