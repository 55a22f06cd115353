import { writeFile } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type {
  BackfillActivities,
  BackfillWork,
  ChunkActivities,
  CycleActivities,
  CreatePersonResult,
  OnDemandActivities,
} from '../../activities/contract.js';
import {
  buildBackfillId,
  buildBackfillQueue,
  buildChunkId,
  buildChunkQueue,
  buildCreatePersonId,
  buildCycleId,
  buildCycleQueue,
  buildOnDemandQueue,
} from '../../config/names.js';
import { requestedSignal, wakeSignal } from '../../workflows/names.js';
import type { Scene } from '../workflows/servers.js';
import { chunksOf, fakeSteps, gate, noneDiffed, nonePushed, noneResolved } from '../workflows/steps.js';

/** Where the histories are kept. */
export const folder = new URL('./', import.meta.url);

const cycles: Readonly<Record<string, () => Partial<CycleActivities>>> = {
  'sync-cycle-idle': () => ({
    begin: () => Promise.resolve({ cycle: 3, notBefore: Date.now() + 1_000, takeoverMs: 30_000 }),
  }),
  'sync-cycle-chunks': () => ({
    openChunks: () => Promise.resolve({ chunks: chunksOf(5), entries: 0 }),
    diff: ({ chunk }) =>
      Promise.resolve({ ...noneDiffed, links: 10, converged: chunk.from === 11 ? 10 : 4, marketoEdits: 6 }),
    resolve: () => Promise.resolve({ ...noneResolved, toDynamics: 6 }),
    pushToDynamics: () => Promise.resolve({ ...nonePushed, records: 6, refused: 1 }),
    logRejections: () => Promise.resolve({ logged: 4 }),
  }),
  'sync-cycle-failed': () => ({
    openChunks: () => Promise.resolve({ chunks: chunksOf(4), entries: 0 }),
    pushToMarketo: () => {
      throw ApplicationFailure.nonRetryable('Marketo: Forbidden (603)', 'Forbidden');
    },
  }),
  'sync-cycle-stopped': () => ({
    openChunks: () =>
      Promise.resolve({
        chunks: [],
        entries: 1,
        stopped: {
          since: 1,
          reasons: [
            { measure: 'clears', from: 'dynamics', kind: 'lead', field: 'title', count: 1_900, of: 2_000 },
          ],
        },
      }),
    logRejections: () => Promise.resolve({ logged: 1 }),
  }),
  'sync-cycle-quota': () => ({
    prepare: () => {
      throw ApplicationFailure.nonRetryable('Marketo: QuotaExhausted (607)', 'QuotaExhausted', {
        resetsAt: '2026-11-24T06:00:00.000Z',
      });
    },
  }),
};

const created: CreatePersonResult = {
  outcome: 'created',
  kind: 'lead',
  dynamicsId: '11111111-1111-4111-8111-111111111111',
  code: null,
};

/** Leaves out where it was recorded: paths of the sources, names of the machine and its processes. */
const withoutMachine = (key: string, value: unknown): unknown => {
  if (key === 'stackTrace') return undefined;
  if (key === 'identity') return 'recorder';
  return typeof value === 'string' ? value.replace(/^\d+@[^-]+-/, 'recorder-') : value;
};

/** One recording: runs a workflow to its end and keeps the server's history of it. */
const keep = async (env: TestWorkflowEnvironment, name: string, workflowId: string): Promise<void> => {
  const handle = env.client.workflow.getHandle(workflowId);
  await handle.result().catch(() => undefined);
  const history = JSON.parse(historyToJSON(await handle.fetchHistory()), withoutMachine) as unknown;
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(history, null, 1)}\n`);
};

const recordCycle = async (server: Scene, name: string, steps: Partial<CycleActivities>): Promise<void> => {
  const taskQueue = buildCycleQueue(name);
  const workflowId = buildCycleId(name);
  const worker = await server.worker(taskQueue, fakeSteps(steps).activities);
  await worker.runUntil(async () => {
    await server.env.client.workflow.start('syncCycle', { taskQueue, workflowId });
    await keep(server.env, name, workflowId);
  });
};

/** A chunk whose persons wait for a quota, and whose campaign does not answer at first. */
const recordChunkHistory = async (server: Scene): Promise<void> => {
  const name = 'sync-chunk';
  const taskQueue = buildChunkQueue(name);
  const key = '0123456789abcdef'.repeat(4);
  const workflowId = buildChunkId({ installation: name, key });
  let answers = 0;
  const activities: ChunkActivities = {
    createChunk: () => Promise.resolve({ created: 298, linked: 1, refused: 1 }),
    recordChunk: () => Promise.resolve({ recorded: 300 }),
    answerChunk: () => {
      answers += 1;
      if (answers > 1) return Promise.resolve({ callback: 'accepted' });
      throw ApplicationFailure.retryable('Marketo: Unavailable (callback.HTTP-503)', 'Unavailable');
    },
  };
  const worker = await server.worker(taskQueue, activities);
  await worker.runUntil(async () => {
    await server.env.client.workflow.start('syncChunk', { taskQueue, workflowId, args: [{ key }] });
    await keep(server.env, name, workflowId);
  });
};

const recordCreation = async (server: Scene): Promise<void> => {
  const name = 'create-person-joined';
  const taskQueue = buildOnDemandQueue(name);
  const workflowId = buildCreatePersonId({ installation: name, marketoId: 4711 });
  const recording = gate();
  let attempts = 0;
  const activities: OnDemandActivities = {
    createPerson: () => {
      attempts += 1;
      if (attempts > 1) return Promise.resolve(created);
      throw ApplicationFailure.nonRetryable('Dynamics: Unauthorized (401)', 'Unauthorized');
    },
    recordOutcome: () => recording.pass(),
    answerChunks: ({ chunks }) => Promise.resolve({ answered: chunks.length, left: 0 }),
  };
  const request = async (requestId: string) => {
    await server.env.client.workflow.signalWithStart('createPerson', {
      taskQueue,
      workflowId,
      args: [{ marketoId: 4711 }],
      signal: requestedSignal,
      signalArgs: [{ requestId, campaignId: '7', requestedAt: '2026-11-23T12:00:00.000Z', syncAs: 'lead' }],
    });
  };
  const worker = await server.worker(taskQueue, activities);
  await worker.runUntil(async () => {
    await request('00000000-0000-4000-8000-000000000001');
    while (attempts === 0) await server.env.sleep('100 milliseconds');
    await server.env.sleep('500 milliseconds');
    await request('00000000-0000-4000-8000-000000000002');
    await recording.reached;
    await request('00000000-0000-4000-8000-000000000003');
    recording.open();
    await keep(server.env, name, workflowId);
  });
};

const lanes: Readonly<Record<string, readonly (BackfillWork | null)[]>> = {
  'backfill-work': ['lead', 'fields', 'reconciliation', 'reconciliation'],
  'backfill-woken': [null, 'reconciliation'],
};

const recordBackfill = async (
  server: Scene,
  name: string,
  due: readonly (BackfillWork | null)[],
): Promise<void> => {
  const taskQueue = buildBackfillQueue(name);
  const workflowId = buildBackfillId(name);
  const left = [...due];
  const activities: BackfillActivities = {
    findWork: ({ at }) => {
      const work = left.shift() ?? null;
      return Promise.resolve({ work, lookAgainAt: Date.parse(at) + 300_000, takeoverMs: 30_000 });
    },
    readTable: () => Promise.resolve({ counts: { rows: 500 }, completed: null }),
    readFields: () => Promise.resolve({ counts: { persons: 300, rows: 2 }, completed: null }),
    reconcile: () => {
      const counts = { persons: 1200, rows: 1200, 'drift.marketo.title': 1 };
      return Promise.resolve({ counts, completed: left.length === 0 ? counts : null });
    },
  };
  const worker = await server.worker(taskQueue, activities);
  await worker.runUntil(async () => {
    const handle = await server.env.client.workflow.start('backfill', { taskQueue, workflowId });
    if (due[0] === null) {
      await server.env.sleep('1 second');
      await handle.signal(wakeSignal);
    }
    await keep(server.env, name, workflowId);
  });
};

/** Records every history anew, on a real server: what runs of the workflows as they are now leave behind. */
export const recordHistories = async (server: Scene): Promise<void> => {
  for (const [name, steps] of Object.entries(cycles)) await recordCycle(server, name, steps());
  await recordCreation(server);
  await recordBackfills(server);
  await recordChunkHistory(server);
};

/** Those of the backfill lane alone. */
export const recordBackfills = async (server: Scene): Promise<void> => {
  for (const [name, due] of Object.entries(lanes)) await recordBackfill(server, name, due);
};
