import { setTimeout as delay } from 'node:timers/promises';
import type { Attempt } from './settings.js';

/** How long one turn of the backfill lane works before it gives way, in milliseconds. */
export const TURN_MS = 5 * 60_000;

/** A stretch of work that keeps a pace and knows when it is over. */
export interface Turn {
  /** False once the time is up. */
  readonly goesOn: () => boolean;
  /** Waits until so many more calls keep the pace. */
  readonly pace: (calls: number) => Promise<void>;
}

const LONGEST_WAIT_MS = 10_000;

/** @param callsPerMinute `null`: as fast as the lane lets. */
export const beginTurn = (attempt: Attempt, callsPerMinute: number | null, turnMs = TURN_MS): Turn => {
  const began = Date.now();
  let made = 0;
  return {
    goesOn: () => {
      attempt.signal.throwIfAborted();
      return Date.now() - began < turnMs;
    },
    pace: async (calls) => {
      made += calls;
      if (callsPerMinute === null) return;
      const due = began + (made * 60_000) / callsPerMinute;
      for (let wait = due - Date.now(); wait > 0; wait = due - Date.now()) {
        await delay(Math.min(wait, LONGEST_WAIT_MS), undefined, { signal: attempt.signal });
        attempt.progress();
      }
    },
  };
};
