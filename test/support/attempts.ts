import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { toFailure } from '../../activities/failures.js';
import type { Attempt } from '../../activities/settings.js';
import { Crash } from './mortal.js';

export const newAttempt = (): Attempt => ({
  holder: randomUUID(),
  signal: new AbortController().signal,
  reached: undefined,
  progress: () => undefined,
});

const MOST_ATTEMPTS = 20;
/** Without Temporal's pauses, one that waits for another asks often. */
const MOST_ATTEMPTS_WHILE_BUSY = 2_000;

/** Runs a step as Temporal does: again, as a new attempt, for as long as its failure may pass. */
export const retried = async <T>(step: (attempt: Attempt) => Promise<T>): Promise<T> => {
  for (let count = 1; ; count += 1) {
    try {
      return await step(newAttempt());
    } catch (error) {
      if (error instanceof Crash) throw error;
      const failure = toFailure(error);
      const { nonRetryable, type } = failure instanceof ApplicationFailure ? failure : {};
      const most = type === 'Busy' ? MOST_ATTEMPTS_WHILE_BUSY : MOST_ATTEMPTS;
      if (nonRetryable === true || count >= most) throw error;
    }
  }
};
