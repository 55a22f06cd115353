import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';

/** Transient faults of the remotes retry without bound, visibly; what retrying cannot mend is marked non-retryable. */
export const PATIENT = {
  initialInterval: '2 seconds',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
} as const;

/** For statements against the store alone. */
export const STORE_RETRY = {
  ...PATIENT,
  initialInterval: '1 second',
  maximumInterval: '10 seconds',
} as const;

export const instant = (): string => new Date(Date.now()).toISOString();

/** What an activity failed of for good, as far as it said so itself. */
export const causeOf = (error: unknown): ApplicationFailure | undefined =>
  error instanceof ActivityFailure && !isCancellation(error) && error.cause instanceof ApplicationFailure
    ? error.cause
    : undefined;

export const isQuotaExhausted = ({ type }: ApplicationFailure): boolean => type === 'QuotaExhausted';

/** When a used-up daily quota is filled again, where the failure says so. */
export const resetsAtOf = ({ details }: ApplicationFailure): string | undefined => {
  const [{ resetsAt } = {}] = (details ?? []) as [{ resetsAt?: string }?];
  return resetsAt;
};

/** When a used-up daily quota is filled again, if that is what ended a step; now, where it does not say. */
export const quotaReset = (error: unknown): string | undefined => {
  const cause = causeOf(error);
  return cause !== undefined && isQuotaExhausted(cause) ? (resetsAtOf(cause) ?? instant()) : undefined;
};

/**
 * A plain error would repeat the workflow task for ever; a failure ends the run and the cron goes on.
 *
 * @param who `the cycle`: named in the failure
 */
export const asFailure = (error: unknown, who: string): unknown =>
  isCancellation(error) || error instanceof ActivityFailure || error instanceof ApplicationFailure
    ? error
    : ApplicationFailure.nonRetryable(`${who} met an unexpected error`, 'Unexpected');
