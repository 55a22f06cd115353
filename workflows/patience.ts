import { condition, setCurrentDetails, type ApplicationFailure } from '@temporalio/workflow';
import { causeOf, isQuotaExhausted, resetsAtOf } from './failures.js';

const MINUTE_MS = 60_000;
/** Waits for what somebody has to mend: 5 minutes, then doubled up to this, to spare the history and the remotes. */
const FIRST_WAIT_MS = 5 * MINUTE_MS;
const LONGEST_WAIT_MS = 60 * MINUTE_MS;

interface Waiting {
  /** Named in the details of the run: `Person 1042`. */
  readonly what: string;
  /** How often it was asked for so far; somebody who asks again need not wait. */
  readonly asked?: () => number;
}

/** Repeats a step until it succeeds: what retrying at once cannot mend (a used-up quota, wrong credentials) is waited out. */
export const patience =
  ({ what, asked = () => 0 }: Waiting) =>
  async <T>(step: () => Promise<T>): Promise<T> => {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return await step();
      } catch (error) {
        const cause = causeOf(error);
        if (cause === undefined) throw error;
        const until = resetOf(cause) ?? Date.now() + wait;
        setCurrentDetails(`${what}: **waiting** until ${new Date(until).toISOString()}: ${cause.message}`);
        const before = asked();
        const pause = Math.max(MINUTE_MS, until - Date.now());
        await condition(() => asked() > before, pause, { summary: cause.type ?? 'waiting' });
      }
    }
  };

/** When a used-up daily quota is filled again, in milliseconds since the epoch. */
const resetOf = (cause: ApplicationFailure): number | undefined => {
  const resetsAt = isQuotaExhausted(cause) ? resetsAtOf(cause) : undefined;
  return resetsAt === undefined ? undefined : Date.parse(resetsAt);
};
