import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type {
  ChunkActivities,
  CreatePersonResult,
  OnDemandActivities,
  PersonRequest,
} from '../../activities/contract.js';
import {
  buildChunkId,
  buildChunkQueue,
  buildCreatePersonId,
  buildOnDemandQueue,
} from '../../config/names.js';
import type { createPerson, syncChunk } from '../../workflows/index.js';
import { requestedSignal } from '../../workflows/names.js';
import { detailsOf, newInstallation, temporalServer } from './servers.js';

const skipping = temporalServer('time-skipping');
const KEY = 'ab'.repeat(32);

const run = async (steps: Partial<ChunkActivities>) => {
  const installation = newInstallation();
  const taskQueue = buildChunkQueue(installation);
  const called: string[] = [];
  const note = <T>(name: string, work: Promise<T> | undefined, otherwise: T): Promise<T> => {
    called.push(name);
    return work ?? Promise.resolve(otherwise);
  };
  const worker = await skipping.worker(taskQueue, {
    createChunk: (input) => note('create', steps.createChunk?.(input), { created: 2 }),
    recordChunk: (input) => note('record', steps.recordChunk?.(input), { recorded: 2 }),
    answerChunk: (input) => note('answer', steps.answerChunk?.(input), { callback: 'accepted' }),
  } satisfies ChunkActivities);
  return worker.runUntil(async () => {
    const handle = await skipping.env.client.workflow.start<typeof syncChunk>('syncChunk', {
      ...{ taskQueue, workflowId: buildChunkId({ installation, key: KEY }), args: [{ key: KEY }] },
    });
    const result = await handle.result();
    return {
      result,
      called,
      details: await detailsOf(handle),
      events: (await handle.fetchHistory()).events ?? [],
    };
  });
};

describe('A chunk', () => {
  it('is created, recorded and answered, in this order, and says so', async () => {
    const { result, called, details } = await run({});
    expect(called).toEqual(['create', 'record', 'answer']);
    expect(result).toEqual({ outcomes: { created: 2 }, callback: 'accepted' });
    expect(details).toBe('Chunk: 2 created. Callback: **accepted**');
  });

  it('whose campaign does not answer tries again with longer and longer pauses, for days', async () => {
    let times = 0;
    const answerChunk = () => {
      times += 1;
      if (times > 100) return Promise.resolve({ callback: 'expired' } as const);
      throw ApplicationFailure.retryable('Marketo: Unavailable (callback.HTTP-503)', 'Unavailable');
    };
    const { result, called } = await run({ answerChunk });
    expect(result.callback).toBe('expired');
    // The persons were created once.
    expect(called.slice(0, 2)).toEqual(['create', 'record']);
  });

  it.each(['createChunk', 'recordChunk', 'answerChunk'] as const)(
    'waits at %s for what somebody has to mend, and goes on from there',
    async (step) => {
      let times = 0;
      const once = () => {
        times += 1;
        if (times === 1)
          throw ApplicationFailure.nonRetryable('Dynamics: Unauthorized (401)', 'Unauthorized');
        return undefined as never;
      };
      const { result, events } = await run({ [step]: once });
      expect(result.callback).toBe('accepted');
      const waits = events.flatMap(({ timerStartedEventAttributes: timer }) =>
        timer == null ? [] : Number(timer.startToFireTimeout?.seconds),
      );
      expect(waits).toEqual([300]);
    },
  );
});

describe('Requests of several chunks for one person', () => {
  it('join one creation, and the callbacks of all of them are tried', async () => {
    const installation = newInstallation();
    const taskQueue = buildOnDemandQueue(installation);
    const created: CreatePersonResult = { outcome: 'created', kind: 'lead', dynamicsId: null, code: null };
    const tried: (readonly string[])[] = [];
    let creations = 0;
    const activities: OnDemandActivities = {
      createPerson: () => {
        creations += 1;
        return Promise.resolve(created);
      },
      recordOutcome: () => Promise.resolve(),
      answerChunks: ({ chunks }) => {
        tried.push(chunks);
        return Promise.resolve({ answered: 0, left: chunks.length });
      },
    };
    const ask = (chunk: string | undefined, id: string) =>
      skipping.env.client.workflow.signalWithStart<typeof createPerson, [PersonRequest]>('createPerson', {
        ...{
          taskQueue,
          workflowId: buildCreatePersonId({ installation, marketoId: 1 }),
          args: [{ marketoId: 1 }],
        },
        signal: requestedSignal,
        signalArgs: [
          {
            ...{ requestId: id, campaignId: '7', requestedAt: '2026-11-23T12:00:00.000Z', syncAs: 'lead' },
            ...(chunk !== undefined && { chunk }),
          },
        ],
      });
    await ask('a', '1');
    await ask('b', '2');
    await ask(undefined, '3');
    const handle = await ask('b', '4');
    const worker = await skipping.worker(taskQueue, activities);
    await worker.runUntil(() => handle.result());
    expect(creations).toBe(1);
    expect(tried).toEqual([['a', 'b']]);
  });
});
