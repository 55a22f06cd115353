import {
  allHandlersFinished,
  condition,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { CreatePersonResult, OnDemandActivities, PersonRequest } from '../activities/contract.js';
import { requestedSignal } from './names.js';
import { patience } from './patience.js';

// One call of each remote inside its own deadline; retried without bound, because a campaign's request is never dropped.
const {
  createPerson: create,
  recordOutcome,
  answerChunks,
} = proxyActivities<OnDemandActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** Runs of an older version gave their answer to whoever came before their end. */
const LATE_REQUESTS = 'late-requests';

/** Outcomes that asking again cannot change. */
const HAS_RECORD: ReadonlySet<CreatePersonResult['outcome']> = new Set([
  'created',
  'linked',
  'already-there',
]);

/**
 * Creates a person in Dynamics because a campaign asked for it. Requests that arrive while one is at work join it: they
 * get its answer, and never a second record. One that comes while an answer without a record is still to be told (for
 * hours, where Marketo's quota is used up) asks anew. A request is never dropped: what retrying at once cannot mend (a
 * used-up quota, wrong credentials) is waited out.
 */
export async function createPerson(input: { readonly marketoId: number }): Promise<CreatePersonResult> {
  const { marketoId } = input;
  const requests: PersonRequest[] = [];
  setHandler(requestedSignal, (request) => void requests.push(request));
  const patiently = patience({ what: `Person ${String(marketoId)}`, asked: () => requests.length });
  let result: CreatePersonResult | undefined;
  for (;;) {
    await condition(() => requests.length > 0);
    const joined = requests.splice(0);
    const made = (result ??= await patiently(() =>
      create.executeWithOptions({ summary: `person ${String(marketoId)}` }, [
        { marketoId, requests: joined },
      ]),
    ));
    if (requests.length > 0 && patched(LATE_REQUESTS)) joined.push(...requests.splice(0));
    setCurrentDetails(
      `Person ${String(marketoId)}: **${made.outcome}** ${made.kind ?? ''} ${made.dynamicsId ?? ''}`,
    );
    await patiently(() =>
      recordOutcome.executeWithOptions({ summary: made.outcome }, [
        { marketoId, requests: joined, result: made },
      ]),
    );
    // Runs of an older version have no chunks, so they need no patch to replay.
    const chunks = [...new Set(joined.flatMap(({ chunk }) => chunk ?? []))];
    if (chunks.length > 0) {
      await answerChunks.executeWithOptions({ summary: `${String(chunks.length)} callbacks` }, [{ chunks }]);
    }
    await condition(allHandlersFinished);
    if (requests.length === 0) return made;
    if (!HAS_RECORD.has(made.outcome) && patched(LATE_REQUESTS)) result = undefined;
  }
}
