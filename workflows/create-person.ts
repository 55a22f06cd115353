import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { CreatePersonResult, OnDemandActivities, PersonRequest } from '../activities/contract.js';
import { requestedSignal } from './names.js';

// One call of each remote inside its own deadline; retried without bound, because a campaign's request is never dropped.
const { createPerson: create, recordOutcome } = proxyActivities<OnDemandActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

const MINUTE_MS = 60_000;
/** Waits for what somebody has to mend: 5 minutes, then doubled up to this, to spare the history and the remotes. */
const FIRST_WAIT_MS = 5 * MINUTE_MS;
const LONGEST_WAIT_MS = 60 * MINUTE_MS;

/**
 * Creates a person in Dynamics because a campaign asked for it. Requests that arrive while one is at work join it: they
 * get its answer, and never a second record. A request is never dropped: what retrying at once cannot mend (a used-up
 * quota, wrong credentials) is waited out.
 */
export async function createPerson(input: { readonly marketoId: number }): Promise<CreatePersonResult> {
  const { marketoId } = input;
  const requests: PersonRequest[] = [];
  setHandler(requestedSignal, (request) => void requests.push(request));
  const patiently = patienceOf(marketoId, requests);
  let result: CreatePersonResult | undefined;
  do {
    await condition(() => requests.length > 0);
    const joined = requests.splice(0);
    const made = (result ??= await patiently(() =>
      create.executeWithOptions({ summary: `person ${String(marketoId)}` }, [
        { marketoId, requests: joined },
      ]),
    ));
    setCurrentDetails(
      `Person ${String(marketoId)}: **${made.outcome}** ${made.kind ?? ''} ${made.dynamicsId ?? ''}`,
    );
    await patiently(() =>
      recordOutcome.executeWithOptions({ summary: made.outcome }, [
        { marketoId, requests: joined, result: made },
      ]),
    );
    await condition(allHandlersFinished);
  } while (requests.length > 0);
  return result;
}

/** Repeats a step until it succeeds; somebody who asks again need not wait. */
const patienceOf =
  (marketoId: number, requests: readonly PersonRequest[]) =>
  async <T>(step: () => Promise<T>): Promise<T> => {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return await step();
      } catch (error) {
        const cause = failureOf(error);
        if (cause === undefined) throw error;
        const until = resetOf(cause) ?? Date.now() + wait;
        setCurrentDetails(
          `Person ${String(marketoId)}: **waiting** until ${new Date(until).toISOString()}: ${cause.message}`,
        );
        const asked = requests.length;
        const pause = Math.max(MINUTE_MS, until - Date.now());
        await condition(() => requests.length > asked, pause, { summary: cause.type ?? 'waiting' });
      }
    }
  };

/** What an activity failed of for good, as far as it said so itself. */
const failureOf = (error: unknown): ApplicationFailure | undefined =>
  error instanceof ActivityFailure && !isCancellation(error) && error.cause instanceof ApplicationFailure
    ? error.cause
    : undefined;

/** When a used-up daily quota is filled again, in milliseconds since the epoch. */
const resetOf = ({ type, details }: ApplicationFailure): number | undefined => {
  if (type !== 'QuotaExhausted') return undefined;
  const [{ resetsAt } = {}] = (details ?? []) as [{ resetsAt?: string }?];
  return resetsAt === undefined ? undefined : Date.parse(resetsAt);
};
