import {
  allHandlersFinished,
  condition,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { CreatePersonResult, OnDemandActivities, PersonRequest } from '../activities/contract.js';
import { requestedSignal } from './names.js';

// One call of each remote inside its own deadline; retried without bound, because a campaign's request is never dropped.
const { createPerson: create, recordOutcome } = proxyActivities<OnDemandActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '6 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/**
 * Creates a person in Dynamics because a campaign asked for it. Requests that arrive while one is at work join it: they
 * get its answer, and never a second record.
 */
export async function createPerson(input: { readonly marketoId: number }): Promise<CreatePersonResult> {
  const { marketoId } = input;
  const requests: PersonRequest[] = [];
  setHandler(requestedSignal, (request) => void requests.push(request));
  let result: CreatePersonResult | undefined;
  do {
    await condition(() => requests.length > 0);
    const joined = requests.splice(0);
    result ??= await create.executeWithOptions({ summary: `person ${String(marketoId)}` }, [
      { marketoId, requests: joined },
    ]);
    setCurrentDetails(
      `Person ${String(marketoId)}: **${result.outcome}** ${result.kind ?? ''} ${result.dynamicsId ?? ''}`,
    );
    await recordOutcome.executeWithOptions({ summary: result.outcome }, [
      { marketoId, requests: joined, result },
    ]);
    await condition(allHandlersFinished);
  } while (requests.length > 0);
  return result;
}
