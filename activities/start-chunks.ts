import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import {
  buildChunkId,
  buildChunkQueue,
  buildCreatePersonId,
  buildOnDemandQueue,
  SIGNALS,
  WORKFLOW_TYPES,
} from '../config/names.js';
import { inParallel } from '../rules/in-parallel.js';
import {
  chunkByKey,
  forgetChunks,
  markStarted,
  personsOfChunk,
  takeDueChunks,
  type Chunk,
  type ChunkPerson,
} from '../store/chunks.js';
import type { Database } from '../store/database.js';
import { requestOf } from './chunk/group.js';
import type { PersonRequest } from './contract.js';

/** What is needed to start the work on chunks that are in the store. */
export interface Starter {
  readonly client: Client;
  readonly db: Database;
  readonly installation: string;
}

export interface StartableChunk extends Pick<
  Chunk,
  'key' | 'campaignId' | 'realTime' | 'receivedAt' | 'started'
> {
  readonly persons: readonly ChunkPerson[];
}

/** How long Temporal may take to take one start. */
const START_MS = 2_000;

/**
 * Starts the work on a chunk, and notes it. In real time each person goes to its own workflow, where requests for one
 * person meet; everything else, and a chunk that was started before, goes to one workflow, which finds out what is left
 * to do. Starting twice does no harm: requests, rows and the callback are known by keys that follow from the chunk.
 */
export const startChunk = async (starter: Starter, chunk: StartableChunk): Promise<void> => {
  const open = chunk.persons.filter(({ outcome }) => outcome === null);
  if (chunk.realTime && !chunk.started && open.length > 0) {
    await inParallel(open, 4, (person) => requestPerson(starter, chunk, person));
  } else {
    await startSyncChunk(starter, chunk.key);
  }
  await markStarted(starter.db, chunk.key);
};

const requestPerson = async (
  { client, installation }: Starter,
  { key, campaignId, receivedAt }: StartableChunk,
  person: ChunkPerson,
): Promise<void> => {
  const { marketoId } = person;
  const request: PersonRequest = { ...requestOf(person, campaignId, receivedAt), chunk: key };
  await client.withDeadline(Date.now() + START_MS, () =>
    client.workflow.signalWithStart(WORKFLOW_TYPES.createPerson, {
      workflowId: buildCreatePersonId({ installation, marketoId }),
      taskQueue: buildOnDemandQueue(installation),
      args: [{ marketoId }],
      signal: SIGNALS.requested,
      signalArgs: [request],
      staticSummary: `Sync Person to Dynamics: person ${String(marketoId)}`,
    }),
  );
};

const startSyncChunk = async ({ client, installation }: Starter, key: string): Promise<void> => {
  await client.withDeadline(Date.now() + START_MS, () =>
    client.workflow.start(WORKFLOW_TYPES.syncChunk, {
      workflowId: buildChunkId({ installation, key }),
      taskQueue: buildChunkQueue(installation),
      args: [{ key }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: 'Sync Person to Dynamics: chunk of a campaign',
    }),
  );
};

/** Loads a chunk as it stands and starts the work on it. */
export const startStoredChunk = async (
  starter: Starter,
  key: string,
  { onlyIfNotStarted = false } = {},
): Promise<void> => {
  const chunk = await chunkByKey(starter.db, key);
  if (chunk === undefined || (onlyIfNotStarted && chunk.started)) return;
  await startChunk(starter, { ...chunk, persons: await personsOfChunk(starter.db, key) });
};

const SWEEP_EVERY_MS = 2_000;
const MOST_AT_ONCE = 100;
/** Longer than a campaign delivers a chunk again; requests and their outcomes stay. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
const FORGET_EVERY_MS = 60 * 60 * 1000;

/** Starts what is due once; for the sweep, and for tests. @returns how many chunks it was */
export const sweepOnce = async (starter: Starter): Promise<number> => {
  const due = await takeDueChunks(starter.db, MOST_AT_ONCE);
  await inParallel(due, 4, (key) => startStoredChunk(starter, key));
  return due.length;
};

/**
 * Looks for chunks that were stored and not started, because a gateway died after its answer or Temporal did not take
 * them, and for those whose callback is due again. Runs in every gateway and worker; each chunk is taken by one of them.
 */
export const sweepChunks = (
  starter: Starter,
  onError: (error: unknown) => void,
): { readonly stop: () => Promise<void> } => {
  const stopped = new AbortController();
  let forgetAt = 0;
  const turn = async (): Promise<void> => {
    if (Date.now() >= forgetAt) {
      await forgetChunks(starter.db, KEPT_MS);
      forgetAt = Date.now() + FORGET_EVERY_MS;
    }
    while ((await sweepOnce(starter)) === MOST_AT_ONCE && !stopped.signal.aborted);
  };
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await turn().catch(onError);
      await sleep(SWEEP_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
};
