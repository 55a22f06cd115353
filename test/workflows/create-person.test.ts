import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandleWithSignaledRunId } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import type {
  CreatePersonInput,
  CreatePersonResult,
  OnDemandActivities,
  PersonRequest,
} from '../../activities/contract.js';
import { buildCreatePersonId, buildOnDemandQueue } from '../../config/names.js';
import type { createPerson } from '../../workflows/create-person.js';
import { requestedSignal } from '../../workflows/names.js';
import { detailsOf, newInstallation, temporalServer, type Scene } from './servers.js';
import { gate } from './steps.js';

const dev = temporalServer('dev');
const skipping = temporalServer('time-skipping');

const PERSON = 4711;
const created: CreatePersonResult = {
  outcome: 'created',
  kind: 'lead',
  dynamicsId: '11111111-1111-4111-8111-111111111111',
  code: null,
};

const newRequest = (): PersonRequest => ({
  requestId: randomUUID(),
  campaignId: '7',
  requestedAt: '2026-11-23T12:00:00.000Z',
  syncAs: 'lead',
});

type Handle = WorkflowHandleWithSignaledRunId<typeof createPerson>;

/** The waits of a workflow by its own history, in whole minutes. */
const waitsOf = async (handle: Handle): Promise<number[]> => {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
    timer == null ? [] : Math.round(Number(timer.startToFireTimeout?.seconds ?? 0) / 60),
  );
};

interface Door {
  readonly request: (request?: PersonRequest) => Promise<Handle>;
  readonly creations: CreatePersonInput[];
  /** Requests as they were recorded, with the outcome each was told. */
  readonly recorded: { readonly requestId: string; readonly outcome: string }[];
  /** Chunks whose callbacks were tried. */
  readonly answered: string[];
}

/** A worker with these activities and a way to ask for one and the same person. */
const withDoor = async (
  server: Scene,
  activities: Partial<OnDemandActivities>,
  test: (door: Door) => Promise<void>,
): Promise<void> => {
  const installation = newInstallation();
  const taskQueue = buildOnDemandQueue(installation);
  const door: Door = {
    creations: [],
    recorded: [],
    answered: [],
    request: (request = newRequest()) =>
      server.env.client.workflow.signalWithStart<typeof createPerson, [PersonRequest]>('createPerson', {
        taskQueue,
        workflowId: buildCreatePersonId({ installation, marketoId: PERSON }),
        args: [{ marketoId: PERSON }],
        signal: requestedSignal,
        signalArgs: [request],
      }),
  };
  const worker = await server.worker(taskQueue, {
    createPerson: async (input) => {
      door.creations.push(input);
      return (await activities.createPerson?.(input)) ?? created;
    },
    recordOutcome: async (input) => {
      await activities.recordOutcome?.(input);
      for (const { requestId } of input.requests)
        door.recorded.push({ requestId, outcome: input.result.outcome });
    },
    answerChunks: async (input) => {
      door.answered.push(...input.chunks);
      return (await activities.answerChunks?.(input)) ?? { answered: input.chunks.length, left: 0 };
    },
  } satisfies OnDemandActivities);
  await worker.runUntil(() => test(door));
};

describe('A request for a person', () => {
  it('starts a run, which creates the person, records the request, and ends with the answer', async () => {
    await withDoor(dev, {}, async ({ request, creations, recorded }) => {
      const asked = newRequest();
      const handle = await request(asked);
      expect(await handle.result()).toEqual(created);
      expect(creations).toEqual([{ marketoId: PERSON, requests: [asked] }]);
      expect(recorded).toEqual([{ requestId: asked.requestId, outcome: 'created' }]);
      expect(await detailsOf(handle)).toBe(`Person 4711: **created** lead ${created.dynamicsId ?? ''}`);
    });
  });

  it('made ten times at once is one creation, and each request is recorded once', async () => {
    const creating = gate();
    const activities = { createPerson: () => creating.pass().then(() => created) };
    await withDoor(dev, activities, async ({ request, creations, recorded }) => {
      const asked = Array.from({ length: 10 }, newRequest);
      const handles = await Promise.all(asked.map(request));
      creating.open();
      const [handle] = handles;
      expect(await handle?.result()).toEqual(created);
      expect(new Set(handles.map(({ signaledRunId }) => signaledRunId)).size).toBe(1);
      expect(creations).toHaveLength(1);
      expect(recorded.map(({ requestId }) => requestId).sort()).toEqual(
        asked.map(({ requestId }) => requestId).sort(),
      );
      expect(recorded.every(({ outcome }) => outcome === 'created')).toBe(true);
    });
  });

  it('made while the outcome is being recorded joins, and gets the same answer', async () => {
    const recording = gate();
    const activities = { recordOutcome: () => recording.pass() };
    await withDoor(dev, activities, async ({ request, creations, recorded }) => {
      const [first, second] = [newRequest(), newRequest()];
      const handle = await request(first);
      await recording.reached;
      const joined = await request(second);
      expect(joined.signaledRunId).toBe(handle.signaledRunId);
      recording.open();
      await handle.result();
      expect(creations).toHaveLength(1);
      expect(recorded).toEqual([
        { requestId: first.requestId, outcome: 'created' },
        { requestId: second.requestId, outcome: 'created' },
      ]);
    });
  });

  it('made while a refusal is being recorded asks anew, and gets an answer of its own', async () => {
    const recording = gate();
    let attempts = 0;
    const refused: CreatePersonResult = {
      outcome: 'refused',
      kind: 'lead',
      dynamicsId: null,
      code: '0x80040265',
    };
    const activities = {
      createPerson: () => Promise.resolve((attempts += 1) === 1 ? refused : created),
      recordOutcome: () => recording.pass(),
    };
    await withDoor(dev, activities, async ({ request, recorded }) => {
      const [first, second] = [newRequest(), newRequest()];
      const handle = await request(first);
      await recording.reached;
      await request(second);
      recording.open();
      expect(await handle.result()).toEqual(created);
      expect(recorded).toEqual([
        { requestId: first.requestId, outcome: 'refused' },
        { requestId: second.requestId, outcome: 'created' },
      ]);
    });
  });

  it('made after the run has ended starts another run', async () => {
    let runs = 0;
    const activities = {
      createPerson: () =>
        Promise.resolve((runs += 1) === 1 ? created : { ...created, outcome: 'already-there' as const }),
    };
    await withDoor(dev, activities, async ({ request, recorded }) => {
      const first = await request();
      await first.result();
      const second = await request();
      expect(await second.result()).toMatchObject({ outcome: 'already-there' });
      expect(second.signaledRunId).not.toBe(first.signaledRunId);
      expect(recorded.map(({ outcome }) => outcome)).toEqual(['created', 'already-there']);
    });
  });

  it('is never lost, whenever it comes: a storm of requests, each recorded exactly once', async () => {
    await withDoor(dev, {}, async ({ request, recorded }) => {
      const asked: PersonRequest[] = [];
      for (let round = 0; round < 12; round += 1) {
        const some = Array.from({ length: 3 }, newRequest);
        asked.push(...some);
        await Promise.all(some.map(request));
      }
      await vi.waitFor(() => expect(recorded).toHaveLength(asked.length), 10_000);
      expect(recorded.map(({ requestId }) => requestId).sort()).toEqual(
        asked.map(({ requestId }) => requestId).sort(),
      );
    });
  });
});

describe('A request that meets a fault', () => {
  it('is tried again while time may heal it', async () => {
    let attempts = 0;
    const activities = {
      createPerson: () => {
        attempts += 1;
        if (attempts < 3) throw ApplicationFailure.retryable('Dynamics: Unavailable (503)', 'Unavailable');
        return Promise.resolve(created);
      },
    };
    await withDoor(skipping, activities, async ({ request, recorded }) => {
      const handle = await request();
      expect(await handle.result()).toEqual(created);
      expect(attempts).toBe(3);
      expect(recorded).toHaveLength(1);
    });
  });

  it("waits for the reset of a used-up day's quota", async () => {
    const resetsAt = (await skipping.env.currentTimeMs()) + 5 * 3_600_000;
    let attempts = 0;
    const activities = {
      createPerson: () => {
        attempts += 1;
        if (attempts > 1) return Promise.resolve(created);
        throw ApplicationFailure.nonRetryable('Marketo: QuotaExhausted (607)', 'QuotaExhausted', {
          resetsAt: new Date(resetsAt).toISOString(),
        });
      },
    };
    await withDoor(skipping, activities, async ({ request }) => {
      const handle = await request();
      expect(await handle.result()).toEqual(created);
      expect(attempts).toBe(2);
      expect(await skipping.env.currentTimeMs()).toBeGreaterThanOrEqual(resetsAt);
    });
  });

  it('waits until somebody has mended what is wrong, and says so', async () => {
    let attempts = 0;
    const activities = {
      recordOutcome: () => {
        attempts += 1;
        if (attempts > 3) return Promise.resolve();
        throw ApplicationFailure.nonRetryable('Marketo: Unauthorized (401)', 'Unauthorized');
      },
    };
    await withDoor(skipping, activities, async ({ request, creations, recorded }) => {
      const handle = await request();
      await vi.waitFor(async () =>
        expect(await detailsOf(handle)).toMatch(
          /^Person 4711: \*\*waiting\*\* until .*: Marketo: Unauthorized \(401\)$/,
        ),
      );
      expect(await handle.result()).toEqual(created);
      expect(await waitsOf(handle)).toEqual([5, 10, 20]);
      expect(creations).toHaveLength(1);
      expect(recorded).toHaveLength(1);
    });
  });

  it('is tried again at once when somebody asks again', async () => {
    let attempts = 0;
    const activities = {
      createPerson: () => {
        attempts += 1;
        if (attempts > 1) return Promise.resolve(created);
        throw ApplicationFailure.nonRetryable('Dynamics: Unauthorized (401)', 'Unauthorized');
      },
    };
    await withDoor(dev, activities, async ({ request, creations, recorded }) => {
      const handle = await request();
      await vi.waitFor(async () => expect(await detailsOf(handle)).toContain('**waiting**'));
      await request();
      expect(await handle.result()).toEqual(created);
      expect(creations).toHaveLength(2);
      expect(recorded).toHaveLength(2);
    });
  });
});
