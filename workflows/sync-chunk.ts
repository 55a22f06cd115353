import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { AnswerChunkResult, ChunkActivities, CreateChunkResult } from '../activities/contract.js';
import { patience } from './patience.js';

// Some hundred persons in a few dozen calls; it beats while it gets on. Retried without bound: a campaign waits.
const { createChunk, recordChunk } = proxyActivities<ChunkActivities>({
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

// One call; the activity itself ends at the last date, so the retries are bounded by it.
const { answerChunk } = proxyActivities<ChunkActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 minutes' },
});

export interface SyncChunkResult extends AnswerChunkResult {
  /** Persons by outcome. */
  readonly outcomes: CreateChunkResult;
}

/**
 * Works a campaign's chunk off: creates or links the rows of its persons, tells it in Marketo, and calls the campaign back
 * once. Each step goes on where an earlier run of it had come to, so starting it again is always safe; on a chunk whose
 * persons have their outcomes it only makes the callback.
 */
export async function syncChunk({ key }: { readonly key: string }): Promise<SyncChunkResult> {
  const patiently = patience({ what: 'Chunk' });
  const outcomes = await patiently(() =>
    createChunk.executeWithOptions({ summary: 'match and create' }, [{ key }]),
  );
  const report = Object.entries(outcomes)
    .map(([outcome, count]) => `${String(count)} ${outcome}`)
    .join(', ');
  setCurrentDetails(`Chunk: ${report}. **To be told.**`);
  await patiently(() => recordChunk.executeWithOptions({ summary: report }, [{ key }]));
  const { callback } = await patiently(() =>
    answerChunk.executeWithOptions({ summary: 'callback' }, [{ key }]),
  );
  setCurrentDetails(`Chunk: ${report}. Callback: **${callback}**`);
  return { outcomes, callback };
}
